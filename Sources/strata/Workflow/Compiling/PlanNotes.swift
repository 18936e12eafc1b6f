internal import CostModel
internal import Execution
internal import Planning
internal import Terminal
internal import Text

extension Plan {
  /// Warns of a peak that the system would not let the plan have here, or that no machine has: the plan stays true, for another
  /// one.
  ///
  /// - Parameter path: of the spec, where others are looked at beside it.
  func warnOfMemory(path: String? = nil, _ session: Session) {
    guard let warning = memoryWarning else { return }
    let place = path.map { "\($0): " } ?? ""
    session.warn(code: "W005", place + warning.message, help: warning.help)
  }

  /// What there is to warn of; nil: nothing.
  var memoryWarning: Fault? {
    if let words = memoryWords {
      return Fault(
        "\(words): 'strata run' will refuse it here",
        help: "with --budget 90% a plan of the spec is chosen that fits, where there is one")
    }
    guard memory.peakBytes > Self.unlikelyByteCount else { return nil }
    return Fault(
      "the plan's peak is \(byteSize(memory.peakBytes)): hardly any machine has so much",
      help: "look for a digit too many in sizes, `training.batch` or the auxiliary's keys")
  }

  /// Before anything is made for a run that the system would stop.
  func requireMemory() throws(CommandFailure) {
    guard let words = memoryWords else { return }
    throw CommandFailure(
      .overBudget, words, help: "with --budget 90% a plan of the spec is chosen that fits, where there is one"
    )
  }

  /// The same for a process that runs some of the plan's programs, and maps the memory of all.
  func requireMemory(running programs: [Program]) throws(CommandFailure) {
    let resident = programs.map { peakBytes(running: $0) }.max() ?? 0
    let need = MemoryNeed(resident: resident, addresses: memory.peakBytes)
    guard let shortfall = need.shortfall(workers: threads) else { return }
    throw CommandFailure(
      .overBudget, "the plan takes \(shortfall.words)",
      help: threads > 1 ? "pass a smaller --threads, or raise the limit" : "raise the limit")
  }

  /// A terabyte in one process is more likely a slip than a wish.
  private static let unlikelyByteCount = 1 << 40

  /// Nil where the machine allows what the plan needs.
  private var memoryWords: String? {
    let need = MemoryNeed(resident: memory.peakBytes, addresses: memory.peakBytes)
    return need.shortfall(workers: threads).map { "the plan's peak is \($0.words)" }
  }
}

/// What a process takes, held against the limits of this machine.
struct MemoryNeed {
  var resident: Int
  /// Mapped, touched or not.
  var addresses: Int

  struct Shortfall {
    let byteCount: Int
    let limit: MemoryLimit

    /// `605.2 MiB, the limit of address space (ulimit -v) leaves 100.0 MiB for it`.
    var words: String {
      "\(byteSize(byteCount)), \(limit.source.words) leaves \(byteSize(limit.byteCount)) for it"
    }
  }

  /// By the tightest limit that is too tight; nil where there is none.
  func shortfall(workers: Int) -> Shortfall? {
    MemoryLimit.all(workers: workers)
      .map { Shortfall(byteCount: $0.source.countsAddresses ? addresses : resident, limit: $0) }
      .filter { $0.byteCount > $0.limit.byteCount }
      .min { $0.limit.byteCount < $1.limit.byteCount }
  }

  /// Before kernels are measured.
  ///
  /// - Parameter byteCount: what they compute on.
  static func require(forMeasuring byteCount: Int, workers: Int) throws(CommandFailure) {
    let peak = RuntimeMemory().byteCount(threads: workers) + byteCount
    guard let shortfall = MemoryNeed(resident: peak, addresses: peak).shortfall(workers: workers) else {
      return
    }
    throw CommandFailure(
      .overBudget, "measuring takes \(shortfall.words)",
      help: workers > 1 ? "pass a smaller --threads, or raise the limit" : "raise the limit")
  }
}
