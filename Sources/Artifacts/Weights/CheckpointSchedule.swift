/// When a run writes checkpoints: at the end of every stage; at the end of an epoch, and within one, when enough time has passed
/// since the last.
///
/// Writing must not slow training down. Where an epoch takes less than fifty times what writing a checkpoint took, only some
/// epochs end with one; nothing else is lost than the time to train the others again.
package struct CheckpointSchedule {
  /// What the user asked for; nil for the default.
  private let wantedSeconds: Double?
  private var lastSeconds: Double
  /// What the last checkpoint took; nil before the first.
  private var writingSeconds: Double?

  package static let defaultSeconds = 600.0
  /// Training is to take so many times what checkpoints take.
  private static let trainingShare = 50.0

  /// - Parameters:
  ///   - seconds: the longest time within an epoch without a checkpoint.
  ///   - now: seconds of any clock that does not go back.
  package init(every seconds: Double?, now: Double) {
    wantedSeconds = seconds
    lastSeconds = now
  }

  package func isDueWithinEpoch(now: Double) -> Bool {
    let seconds = wantedSeconds ?? max(Self.defaultSeconds, affordableSeconds)
    return now - lastSeconds >= seconds
  }

  package func isDueAtEpochEnd(now: Double) -> Bool {
    now - lastSeconds >= min(wantedSeconds ?? .infinity, affordableSeconds)
  }

  package mutating func noteWritten(from start: Double, to end: Double) {
    lastSeconds = end
    writingSeconds = end - start
  }

  private var affordableSeconds: Double { Self.trainingShare * (writingSeconds ?? 0) }
}
