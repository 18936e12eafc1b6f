package import Execution
package import Planning
package import Text

/// Modules that lose channels: their sizes before and after, and, as far as a run has come, their test accuracy as they
/// were trained, right behind the cut, and fine-tuned.
package struct CompressionFigures: Hashable, Sendable {
  package struct Module: Hashable, Sendable {
    /// From 1.
    package var index: Int
    package var name: String
    package var channels, width: Int
    package var before, after: ModuleSummary.Figures
    package var trainedTop1, cutTop1, tunedTop1: Double?
    /// Channels that have stayed, from 1; nil: not ranked yet.
    package var kept: [Int]?
  }

  package private(set) var modules: [Module]
  /// The network of the spec, and the one that the run leaves.
  package let before, after: NetworkFigures

  /// - Parameter metrics: of the run so far.
  /// - Returns: nil where no module loses channels.
  package init?(_ plan: Plan, metrics: [MetricsLine] = []) {
    guard let before = plan.unnarrowed else { return nil }
    self.before = before
    after = NetworkFigures(plan.modules)
    modules = zip(plan.modules, plan.training.modules).compactMap { module, training in
      guard let narrowing = training.narrowing, let figures = module.beforeNarrowing else { return nil }
      return Module(
        index: module.index, name: module.name, channels: narrowing.channels, width: narrowing.width,
        before: figures, after: module.figures)
    }
    for line in metrics { note(line, of: plan) }
  }

  /// Of the run in a folder, as far as it has come; its metrics are read one by one. What modules reached before they were cut is
  /// nowhere else, so that damaged metrics are a failure.
  package init?(_ plan: Plan, in folder: String) throws(RunStatusError) {
    self.init(plan)
    var figures = self
    let damaged = try RunDirectory.forEachMetric(in: folder) { figures.note($0, of: plan) }
    if let first = damaged.first { throw first }
    self = figures
  }

  private mutating func note(_ line: MetricsLine, of plan: Plan) {
    guard plan.training.modules.indices.contains(line.module - 1) else { return }
    switch line.part {
    case .train: return
    case .step: break
    case .narrowed: note(module: line.module) { ($0.cutTop1, $0.kept) = (line.top1, line.kept) }
    case .test:
      let isTuned = line.epoch > plan.training.modules[line.module - 1].epochs
      note(module: line.module) {
        if isTuned { $0.tunedTop1 = line.top1 } else { $0.trainedTop1 = line.top1 }
      }
    }
  }

  private mutating func note(module: Int, _ change: (inout Module) -> Void) {
    guard let place = modules.firstIndex(where: { $0.index == module }) else { return }
    change(&modules[place])
  }

  private var hasAccuracies: Bool { modules.contains { $0.trainedTop1 != nil } }

  // MARK: - Tables

  package var columns: [Table.Column] {
    [
      .right("module"), .left("made of"), .right("channels"), .right("kept"), .right("parameters"),
      .right("kept"), .right("MACs"), .right("kept"), .right("auxiliary MACs"), .right("kept"),
    ]
      + (hasAccuracies
        ? [.right("test top1, trained"), .right("cut"), .right("fine-tuned")] as [Table.Column] : [])
  }

  package var rows: [[String]] {
    func accuracies(_ figures: [Double?]) -> [String] {
      hasAccuracies ? figures.map { $0.map { percentage($0) } ?? "-" } : []
    }
    let list = modules.map { module in
      let (before, after) = (module.before, module.after)
      return [
        "\(module.index)", module.name, "\(module.channels)", "\(module.width)", grouped(before.parameters),
        grouped(after.parameters), grouped(before.multiplyAdds), grouped(after.multiplyAdds),
        grouped(before.auxiliaryMultiplyAdds), grouped(after.auxiliaryMultiplyAdds),
      ] + accuracies([module.trainedTop1, module.cutTop1, module.tunedTop1])
    }
    let network =
      [
        "", "network with head", "", "", grouped(before.parameters), grouped(after.parameters),
        grouped(before.multiplyAdds), grouped(after.multiplyAdds), "", "",
      ] + (hasAccuracies ? ["", "", ""] : [])
    return list + [network]
  }

  package func text(_ style: TextStyle) -> String {
    var table = Table(columns)
    for (index, row) in rows.enumerated() {
      if index == modules.count { table.addRule() }
      table.add(row)
    }
    return style.bold("compression, before and after") + "\n" + table.text(style)
  }

  /// The table with its title, on a page.
  func section(_ html: inout HTML) {
    html.element("h2", text: "Compression, before and after")
    html.table(columns, rows)
  }

  // MARK: - For programs

  package var json: JSON {
    let list = modules.map { module in
      JSON.object([
        ("index", .integer(module.index)), ("channels", .integer(module.channels)),
        ("width", .integer(module.width)), ("before", module.before.json), ("after", module.after.json),
        ("trainedTestTop1", .optional(module.trainedTop1, JSON.number)),
        ("cutTestTop1", .optional(module.cutTop1, JSON.number)),
        ("tunedTestTop1", .optional(module.tunedTop1, JSON.number)),
        ("kept", .optional(module.kept) { .array($0.map { .integer($0) }) }),
      ])
    }
    return .object([
      ("network", ["before": before.json, "after": after.json]), ("modules", .array(list)),
    ])
  }
}

extension NarrowingReport {
  /// A line of `metrics.jsonl`: what the module can do before it is fine-tuned, which channels stay (from 1), and how
  /// important each was.
  package var json: JSON {
    .object([
      ("module", .integer(module)), ("epoch", .integer(epoch)),
      ("split", .string(MetricsLine.Part.narrowed.rawValue)),
      ("loss", .number(test.meanLoss)), ("top1", .number(test.top1)), ("seconds", .number(seconds)),
      ("channels", .integer(scores.count)), ("kept", .array(kept.map { .integer($0 + 1) })),
      ("scores", .array(scores.map { .number(Double($0)) })),
    ])
  }
}
