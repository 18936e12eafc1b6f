package import Diagnostics
internal import GraphIR
package import Planning
package import Text

/// A plan on several ranks for people: who trains what, in how much memory, and how well they keep each other busy.
package struct RanksText {
  private let plan: Plan
  private let ranked: RankedPlan
  private let pipeline: PipelineFigures
  private let link: LinkFigures?

  /// - Parameters:
  ///   - plan: that has ranks.
  ///   - model: of this machine's speeds; nil: work is told in multiply-adds.
  ///   - link: between any two ranks; nil where nobody said.
  package init(_ plan: Plan, _ ranked: RankedPlan, model: TimeModel?, link: LinkRate?) {
    self.plan = plan
    self.ranked = ranked
    pipeline = model.map { $0.pipeline(ranked, of: plan) } ?? plan.pipeline(ranked)
    self.link = link.flatMap { [pipeline] in LinkFigures($0, of: ranked, pipeline) }
  }

  /// What programs read beside the plan.
  package var json: JSON { pipeline.json(link) }

  package func text(_ style: TextStyle) -> String {
    [headline(style), table(style), style.bold("pipeline") + "\n" + lines]
      .joined(separator: "\n")
  }

  private func headline(_ style: TextStyle) -> String {
    let (modules, count) = (plan.modules.count, ranked.ranks.count)
    return wrapped(
      "\(style.bold(plan.name)): \(plan.training.strategy.rawValue), \(modules) module\(modules == 1 ? "" : "s") on "
        + "\(count) rank\(count == 1 ? "" : "s"), batch \(plan.training.batch), \(plan.threads) "
        + "worker\(plan.threads == 1 ? "" : "s") a rank\n",
      width: Table.widthLimit
    ).joined(separator: "\n")
  }

  private func table(_ style: TextStyle) -> String {
    var table = Table([
      .right("rank"), .right("modules"), .right("MACs a step"), .right("share"), .right("peak"),
      .right("arena"), .right("lower bound"), .right("received a step"), .right("sent a step"),
    ])
    for (rank, share) in zip(ranked.ranks, pipeline.shares) {
      table.add([
        "\(rank.rank)", rank.modulesText, grouped(rank.multiplyAddsPerStep), percentage(share),
        byteSize(rank.memory.peakBytes), byteSize(rank.memory.arenaBytes),
        byteSize(rank.memory.lowerBoundBytes), Self.bytes(rank.receiveBytesPerStep),
        Self.bytes(rank.sendBytesPerStep),
      ])
    }
    return table.text(style)
  }

  private static func bytes(_ count: Int) -> String { count == 0 ? "-" : byteSize(count) }

  private var lines: String {
    let (fill, largest) = (pipeline.fillSteps, ranked.largest)
    var lines = [
      "fill: \(fill) step\(fill == 1 ? "" : "s") until the last rank has its first batch",
      "speed-up by balance: at most \(fixed(pipeline.speedup, decimals: 2)) times one process, "
        + "by \(pipeline.unit.words)",
    ]
    if let link {
      let speedup = link.speedup.map { ", at most \(fixed($0, decimals: 2)) times one process" } ?? ""
      lines.append(
        "speed-up by link: what rank \(link.rank) sends takes \(fixed(link.secondsPerStep * 1000, decimals: 3)) ms "
          + "a step at \(link.rate.words)\(speedup)")
    }
    lines.append(
      "largest peak: rank \(largest.rank) with \(byteSize(largest.memory.peakBytes)) "
        + "(\(grouped(largest.memory.peakBytes)) bytes); one process takes \(byteSize(plan.memory.peakBytes))"
    )
    if let budget = ranked.budgetBytes {
      lines.append("budget: \(byteSize(budget)) for each rank")
    }
    return lines.map { paragraph($0, indentation: 2, hanging: 2) }.joined()
  }
}

extension RankCosts.Unit {
  /// What modules are cut by.
  fileprivate var words: String {
    switch self {
    case .multiplyAdds: "multiply-adds"
    case .seconds: "the time model of this machine"
    }
  }
}

extension RankPlan {
  /// `3-5`.
  fileprivate var modulesText: String {
    modules.count == 1 ? "\(modules.lowerBound)" : "\(modules.lowerBound)-\(modules.upperBound)"
  }
}

/// One rank for people and programs: its buffers, its programs and who holds its peak.
package struct RankText {
  private let plan: Plan
  private let rank: RankPlan
  private let count: Int
  private let places: SourcePlaces

  /// - Parameter plan: of which the rank is one.
  package init(_ plan: Plan, _ rank: RankPlan, places: SourcePlaces) {
    self.plan = plan.ofRank(rank)
    self.rank = rank
    count = plan.ranks?.ranks.count ?? 1
    self.places = places
  }

  private struct Buffers {
    var name: String
    var direction: String
    /// From the arena's start, and the bytes of all slots.
    var offset, byteCount: Int
  }

  private var buffers: [Buffers] {
    let program = rank.stage.training
    return (program.inputs + program.outputs).compactMap { port in
      let direction: String
      switch port.kind {
      case .receive: direction = "received"
      case .send: direction = "sent"
      case .images, .labels, .activation, .ring, .metrics: return nil
      }
      let value = program.graph[port.value]
      return Buffers(
        name: value.name, direction: direction, offset: program.offsets[port.value.index],
        byteCount: value.type.byteCount)
    }
  }

  package var json: JSON {
    .object(
      [
        ("schema", "strata.rank/1"), ("name", .string(plan.name)), ("ranks", .integer(count)),
        ("threads", .integer(plan.threads)), ("rank", .integer(rank.rank)),
        ("modules", .array(rank.modules.map { .integer($0) })), ("memory", .object(rank.memory.members)),
        ("sendBytesPerStep", .integer(rank.sendBytesPerStep)),
        ("receiveBytesPerStep", .integer(rank.receiveBytesPerStep)),
        ("macsPerStep", .integer(rank.multiplyAddsPerStep)),
        (
          "buffers",
          .array(
            buffers.map {
              .object([
                ("name", .string($0.name)), ("direction", .string($0.direction)),
                ("offset", .integer($0.offset)), ("byteCount", .integer($0.byteCount)),
                ("slots", .integer(RankedPlan.buffersPerLink)),
              ])
            })
        ),
        (
          "programs",
          .array(
            rank.stage.programs.all.map { role, program in
              .object([("title", .string(role.words)), ("arenaBytes", .integer(program.arenaBytes))])
            })
        ),
        ("peakOperation", .string(plan.peakOperation(places.place))),
        ("attribution", PeakAttribution(plan, places: places).json),
      ])
  }

  package func text(_ style: TextStyle) -> String {
    let memory = rank.memory
    var links = Table([.left("buffers"), .left(""), .right("a batch"), .right("slots"), .right("offset")])
    for buffer in buffers {
      links.add([
        buffer.name, buffer.direction, byteSize(buffer.byteCount / RankedPlan.buffersPerLink),
        "\(RankedPlan.buffersPerLink)", grouped(buffer.offset),
      ])
    }
    var programs = Table([.left("program"), .right("arena"), .right("operations")])
    for (role, program) in rank.stage.programs.all {
      programs.add([role.words, byteSize(program.arenaBytes), grouped(program.graph.nodes.count)])
    }
    var figures = Table([.left(""), .right(""), .left("")])
    figures.add(["arena", byteSize(memory.arenaBytes), "\(grouped(memory.arenaBytes)) bytes"])
    figures.add(["data set", byteSize(memory.dataBytes), ""])
    figures.add(["program", byteSize(memory.runtimeBytes), ""])
    figures.addRule()
    figures.add(["peak", byteSize(memory.peakBytes), "\(grouped(memory.peakBytes)) bytes"])
    let headline =
      "\(style.bold(plan.name)), rank \(rank.rank) of \(count): "
      + "module\(rank.modules.count == 1 ? "" : "s") \(rank.modulesText), batch \(plan.training.batch), "
      + "\(plan.threads) worker\(plan.threads == 1 ? "" : "s")\n"
    return
      ([headline] + (buffers.isEmpty ? [] : [links.text(style)]) + [
        programs.text(style),
        style.bold("memory") + "\n" + figures.text(style, indentation: 2)
          + paragraph("the peak is made by \(plan.peakOperation(places.place))", indentation: 2, hanging: 2),
        style.bold("who holds the peak") + "\n"
          + PeakAttribution(plan, places: places).text(style, limit: 8),
      ]).joined(separator: "\n")
  }
}
