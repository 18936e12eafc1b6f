internal import Execution
internal import SpecLanguage
internal import Terminal
internal import Text

/// What a plan is to stay within.
struct Budget {
  let byteCount: Int
  /// Where a share of this machine's memory is meant: of what.
  let origin: String?

  /// Of the command line, or else the spec's own; nil where neither has one.
  ///
  /// - Parameter threads: of the plan: what its workers reserve is not there for it.
  init?(_ option: MemorySize?, spec: Spec, threads: Int) {
    switch (option, spec.memory.budget?.value) {
    case (.bytes(let byteCount), _), (nil, .bytes(let byteCount)): self.init(bytes: byteCount)
    case (.percent(let percent), _), (nil, .percent(let percent)):
      self.init(percent: percent, threads: threads)
    case (nil, nil): return nil
    }
  }

  private init(bytes: Int) {
    byteCount = bytes
    origin = nil
  }

  /// Settled here and now: the plan has bytes.
  private init(percent: Double, threads: Int) {
    let limit = MemoryLimit.binding(workers: threads)
    byteCount = max(1, Int(Double(limit.byteCount) * percent / 100))
    origin =
      "\(fixed(percent, decimals: percent == percent.rounded() ? 0 : 2))% of \(byteSize(limit.byteCount)), "
      + limit.source.words
  }

  /// Tells people what a share comes to.
  func tell(_ console: Console) {
    guard let origin else { return }
    console.diagnostics.writeLine("budget: \(byteSize(byteCount)) (\(origin))")
  }
}
