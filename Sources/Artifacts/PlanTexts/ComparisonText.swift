internal import GraphIR
package import Planning
package import Text

/// A plan's strategy beside the others: memory, arithmetic and time for the same network, batch and data.
package struct ComparisonText {
  private let figures: [StrategyFigures]
  /// By row; empty where this machine's speed is unknown.
  private let times: [TimeFigures]
  /// Where the plan itself stands.
  let planIndex: Int?
  /// What all rows have in common.
  let common: String
  /// Whether a budget made the plan choose.
  private let hasChoices: Bool

  package init(_ plan: Plan, _ comparison: PlanComparison) {
    (figures, times) = (comparison.rows, comparison.times)
    common =
      plan.unnarrowed == nil
      ? "same network, batch and data"
      : "same batch and data; what does not narrow the network trains the narrow one from the start"
    hasChoices = plan.choices != PlanChoices()
    planIndex =
      !hasChoices
      ? figures.firstIndex { $0.strategy == plan.training.strategy } : figures.indices.last
  }

  /// What a row is called: the plan's own, where a budget made it choose, is not the one of its strategy as it comes.
  func name(_ index: Int) -> String {
    let strategy = figures[index].strategy.rawValue
    return index == planIndex && hasChoices ? "\(strategy), with the budget's choices" : strategy
  }

  private func share(_ row: StrategyFigures) -> String {
    figures.first { $0.strategy == .endToEnd }.map {
      percentage(Double(row.memory.peakBytes) / Double(max(1, $0.memory.peakBytes)))
    } ?? ""
  }

  private func time(_ index: Int) -> String {
    times.isEmpty ? "unknown" : duration(seconds: times[index].seconds)
  }

  /// All of it, for a page.
  package var columns: [Table.Column] {
    memoryColumns.dropLast() + [.right("MACs of a step")] + stepColumns + memoryColumns.suffix(1)
  }

  package var rows: [[String]] {
    figures.indices.map { index in
      memoryRow(index).dropLast() + [shortCount(figures[index].largestStep.total)] + stepRow(index)
        + [time(index)]
    }
  }

  private var memoryColumns: [Table.Column] {
    [
      .left("strategy"), .right("stages"), .right("peak"), .right("of end-to-end"), .right("arena"),
      .right("MACs in all"), .right("time"),
    ]
  }

  private func memoryRow(_ index: Int) -> [String] {
    let row = figures[index]
    return [
      name(index) + (index == planIndex ? " *" : ""), "\(row.stages.count)", byteSize(row.memory.peakBytes),
      share(row), byteSize(row.memory.arenaBytes), shortCount(row.trainingMultiplyAdds), time(index),
    ]
  }

  private var stepColumns: [Table.Column] {
    [.right("forward"), .right("frozen"), .right("backward"), .right("again")]
  }

  private func stepRow(_ index: Int) -> [String] {
    let step = figures[index].largestStep
    return [step.forward, step.frozen, step.backward, step.recomputed].map { shortCount($0) }
  }

  /// - Parameter withStages: each stage of every strategy on a line of its own.
  package func text(_ style: TextStyle, withStages: Bool) -> String {
    var table = Table(memoryColumns)
    for index in figures.indices { table.add(memoryRow(index)) }
    let note = "  * this plan; peak: of the whole training, its last evaluation included\n"
    let head = style.bold("comparison") + ", \(common)\n"
    return head + table.text(style, indentation: 2) + note + "\n" + steps(style)
      + (withStages ? "\n" + stages(style) : "")
  }

  private func steps(_ style: TextStyle) -> String {
    var table = Table([.left("strategy")] + stepColumns + [.right("all")])
    for index in figures.indices {
      table.add([name(index)] + stepRow(index) + [shortCount(figures[index].largestStep.total)])
    }
    return style.bold("MACs of the largest step") + "\n" + table.text(style, indentation: 2)
  }

  private func stages(_ style: TextStyle) -> String {
    var table = Table(
      [
        .left("strategy"), .right("stage"), .right("learns"), .right("epochs"), .right("peak"),
        .right("arena"),
      ] + (times.isEmpty ? [] : [.right("step"), .right("time")])
        + [.right("MACs of a step")] + stepColumns, keyCount: 2)
    for (rowIndex, row) in figures.enumerated() {
      for (index, stage) in row.stages.enumerated() {
        let time = times.isEmpty ? nil : times[rowIndex].stages[index]
        table.add(
          [
            index == 0 ? name(rowIndex) : "", "\(index + 1)", rangeText(stage.modules),
            grouped(stage.epochs), byteSize(stage.memory.peakBytes), byteSize(stage.memory.arenaBytes),
          ] + (time.map { [milliseconds($0.stepSeconds), duration(seconds: $0.seconds)] } ?? [])
            + [
              stage.step.total, stage.step.forward, stage.step.frozen, stage.step.backward,
              stage.step.recomputed,
            ].map { shortCount($0) })
      }
    }
    return table.text(style, indentation: 2)
  }

  package var json: JSON {
    .array(
      figures.enumerated().map { index, row in
        .object([
          ("strategy", .string(row.strategy.rawValue)), ("isPlan", .bool(index == planIndex)),
          ("peakBytes", .integer(row.memory.peakBytes)), ("arenaBytes", .integer(row.memory.arenaBytes)),
          ("lowerBoundBytes", .integer(row.memory.lowerBoundBytes)),
          ("peakStage", .optional(row.peakStage, JSON.integer)),
          ("stepMacs", .integer(row.largestStep.total)), ("trainingMacs", .integer(row.trainingMultiplyAdds)),
          ("seconds", times.isEmpty ? .null : .number(times[index].seconds)),
          (
            "stages",
            .array(
              row.stages.enumerated().map { stage, figures in
                json(figures, times.isEmpty ? nil : times[index].stages[stage])
              })
          ),
        ])
      })
  }

  /// Times are only there where they are known: a plan file has none.
  private func json(_ stage: StrategyFigures.Stage, _ time: TimeFigures.Stage?) -> JSON {
    .object(
      [
        ("modules", .string(rangeText(stage.modules))), ("peakBytes", .integer(stage.memory.peakBytes)),
        ("arenaBytes", .integer(stage.memory.arenaBytes)), ("forwardMacs", .integer(stage.step.forward)),
        ("frozenMacs", .integer(stage.step.frozen)), ("backwardMacs", .integer(stage.step.backward)),
        ("recomputedMacs", .integer(stage.step.recomputed)),
      ] + (time.map { [("stepSeconds", .number($0.stepSeconds)), ("seconds", .number($0.seconds))] } ?? []))
  }
}

/// `1-4`, `2`, or `1, 3-4`; any numbers, as a file may have them.
func rangeText(_ indices: [Int]) -> String {
  var runs: [ClosedRange<Int>] = []
  for index in indices {
    if let last = runs.last, last.upperBound < .max, last.upperBound + 1 == index {
      runs[runs.count - 1] = last.lowerBound...index
    } else {
      runs.append(index...index)
    }
  }
  return runs.map {
    $0.lowerBound == $0.upperBound ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)"
  }
  .joined(separator: ", ")
}

/// `1.23e15`: all the digits are in the JSON.
func shortCount(_ count: Int) -> String {
  guard count >= 1_000_000 else { return grouped(count) }
  var value = Double(count)
  var exponent = 0
  while value >= 9.995 {
    value /= 10
    exponent += 1
  }
  return "\(fixed(value, decimals: 2))e\(exponent)"
}
