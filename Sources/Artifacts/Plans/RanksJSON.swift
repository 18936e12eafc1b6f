internal import GraphIR
package import Planning
package import Text

extension RankedPlan {
  /// What a plan's document has of its ranks. Work is in multiply-adds: nothing in it is of a machine.
  ///
  /// - Parameter pipeline: of them.
  func members(_ pipeline: PipelineFigures) -> [(key: String, value: JSON)] {
    [
      ("ranks", .array(zip(ranks, pipeline.shares).map { .object($0.members(share: $1)) })),
      (
        "pipeline",
        .object([
          ("fillSteps", .integer(pipeline.fillSteps)), ("speedup", .number(rounded(pipeline.speedup))),
          ("buffersPerLink", .integer(Self.buffersPerLink)),
          ("budgetBytes", .optional(budgetBytes, JSON.integer)),
        ])
      ),
    ]
  }
}

extension RankPlan {
  /// - Parameter share: of the dearest rank's work.
  fileprivate func members(share: Double) -> [(key: String, value: JSON)] {
    [
      ("rank", .integer(rank)), ("modules", .array(modules.map { .integer($0) })),
      ("memory", .object(memory.members)), ("sendBytesPerStep", .integer(sendBytesPerStep)),
      ("receiveBytesPerStep", .integer(receiveBytesPerStep)), ("macsPerStep", .integer(multiplyAddsPerStep)),
      ("share", .number(rounded(share))),
    ]
  }
}

extension PipelineFigures {
  /// What is printed beside a plan, and kept in none: by the costs that modules were cut by, and by the link's speed.
  package func json(_ link: LinkFigures?) -> JSON {
    .object([
      ("unit", .string(unit.rawValue)), ("costs", .array(costs.map { .number($0) })),
      ("shares", .array(shares.map { .number(rounded($0)) })), ("speedup", .number(rounded(speedup))),
      (
        "link",
        .optional(link) {
          .object([
            ("bitsPerSecond", .integer($0.rate.bitsPerSecond)), ("rank", .integer($0.rank)),
            ("secondsPerStep", .number($0.secondsPerStep)),
            ("speedup", .optional($0.speedup) { .number(rounded($0)) }),
          ])
        }
      ),
    ])
  }
}

/// Four decimals say enough, and keep plan files short.
private func rounded(_ value: Double) -> Double { (value * 10000).rounded() / 10000 }

extension PlanLock {
  /// How a plan that was split on ranks cuts its modules, and what each rank stays within.
  package struct Ranks: Hashable, Sendable {
    package var groups: [ClosedRange<Int>]
    package var budgetBytes: Int?

    package init(groups: [ClosedRange<Int>], budgetBytes: Int? = nil) {
      self.groups = groups
      self.budgetBytes = budgetBytes
    }
  }

  /// Nil where the file has no ranks; empty groups where what it says of them is no list of modules.
  package var ranks: Ranks? {
    guard let ranks = document["ranks"] else { return nil }
    var groups: [ClosedRange<Int>] = []
    if case .array(let elements) = ranks {
      for element in elements {
        guard case .array(let modules)? = element["modules"], let first = modules.first?.integer,
          let last = modules.last?.integer, first >= 1, last >= first, last <= Int(Int32.max)
        else { return Ranks(groups: []) }
        groups.append(first...last)
      }
    }
    return Ranks(groups: groups, budgetBytes: document["pipeline"]?["budgetBytes"]?.integer)
  }
}
