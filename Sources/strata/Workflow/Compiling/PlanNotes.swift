internal import Execution
internal import Planning
internal import Terminal
internal import Text

extension Plan {
  /// Warns of a peak that the system would not let the plan have here: the plan stays true, for another machine.
  func warnOfMemory(_ console: Console) {
    guard let words = memoryWords else { return }
    console.warn(
      code: "W005", "\(words): 'strata run' will refuse it here",
      help: "with --budget 90% a plan of the spec is chosen that fits, where there is one")
  }

  /// Before anything is made for a run that the system would stop.
  func requireMemory() throws(CommandFailure) {
    guard let words = memoryWords else { return }
    throw CommandFailure(
      .overBudget, words, help: "with --budget 90% a plan of the spec is chosen that fits, where there is one"
    )
  }

  /// Nil where the machine allows what the plan needs.
  private var memoryWords: String? {
    let limit = MemoryLimit.binding(workers: threads)
    guard memory.peakBytes > limit.byteCount else { return nil }
    return
      "the plan's peak is \(byteSize(memory.peakBytes)), \(limit.source.words) leaves \(byteSize(limit.byteCount)) for it"
  }
}
