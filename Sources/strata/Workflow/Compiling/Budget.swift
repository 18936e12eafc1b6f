internal import Execution
internal import Pipeline
internal import Planning
internal import SpecLanguage
internal import Terminal
internal import Text

/// What a plan is to stay within.
struct Budget {
  let byteCount: Int
  /// Of them, what a plan may take: without the margin.
  var usableByteCount: Int { BudgetMargin.usableBytes(of: byteCount) }
  /// Where a share of this machine's memory is meant: of what.
  let origin: String?

  /// Of the command line, or else the spec's own; nil where neither has one.
  init?(_ option: MemorySize?, spec: Spec) {
    switch (option, spec.memory.budget?.value) {
    case (.bytes(let byteCount), _), (nil, .bytes(let byteCount)): self.init(bytes: byteCount)
    case (.percent(let percent), _), (nil, .percent(let percent)):
      self.init(percent: percent)
    case (nil, nil): return nil
    }
  }

  private init(bytes: Int) {
    byteCount = bytes
    origin = nil
  }

  /// Settled here and now: the plan has bytes. Of what is left beside so many workers as choices are counted for: the number that
  /// is asked for changes no budget, and so no choice.
  private init(percent: Double) {
    let limit = MemoryLimit.binding(workers: PlanChoices.countedThreads)
    // Where no limit is known, a share of it is none either.
    byteCount = max(1, Int(exactly: (Double(limit.byteCount) * percent / 100).rounded(.down)) ?? .max)
    origin =
      "\(fixed(percent, decimals: percent == percent.rounded() ? 0 : 2))% of \(byteSize(limit.byteCount)), "
      + limit.source.words
  }

  /// How a search for a plan within the budget goes.
  func words(for state: BudgetSearchState) -> String {
    let best = state.peakBytes.map { ", best so far \(byteSize($0))" } ?? ""
    return "looking for a plan within \(byteSize(byteCount)): \(state.count) measured\(best)"
  }

  /// Tells people where the budget has no room for all the threads that were asked for.
  func tell(_ plan: Plan, threads: Int, _ session: Session) {
    guard plan.threads != threads else { return }
    session.diagnostics.writeLine(Self.fewerThreads(plan.threads, of: threads, budgetBytes: byteCount))
  }

  static func fewerThreads(_ count: Int, of asked: Int, budgetBytes: Int) -> String {
    "note: \(byteSize(budgetBytes)) has no room for \(asked) thread\(asked == 1 ? "" : "s"): "
      + "the plan is for \(count), and comes to the same weights"
  }

  /// Tells people what a share comes to.
  func tell(_ session: Session) {
    guard let origin else { return }
    session.diagnostics.writeLine("budget: \(byteSize(byteCount)) (\(origin))")
  }
}
