internal import Artifacts
internal import Base
internal import Datasets
internal import Execution
internal import Planning
internal import Terminal
internal import Text

extension TrainingRun {
  /// What the system refused; all that was kept before is still there.
  func diskFailure(_ error: FileError) -> CommandFailure { diskFailure(error.message) }

  func diskFailure(_ message: String) -> CommandFailure {
    CommandFailure(.failed, message, help: "when that is mended, go on: \(resumeCommand)")
  }

  /// To be typed.
  private var resumeCommand: String { "strata run \(shellWord(folder.path)) --resume" }

  /// - Parameter engine: of the training that failed; its numbers are given up.
  func failure(_ error: RunError, _ engine: Engine) -> CommandFailure {
    switch error {
    case .observer(let failure): return diskFailure(failure.message)
    case .data(let failure):
      return CommandFailure(
        .faultyData, failure.message,
        help: "when the data is there again, go on: \(resumeCommand)")
    case .features(let failure): return diskFailure(failure.message)
    case .notFinite(let found):
      return divergence(found.message, found.advice(largeImages: largeImages, plan), engine)
    case .rankingNotFinite(let module, let epoch, let learningRate):
      var found = NotFinite(split: .train, module: module)
      (found.epoch, found.learningRate) = (epoch, learningRate)
      return divergence(
        "the channels of module \(module) can't be ranked: their scores are not finite after epoch \(epoch)",
        found.advice(largeImages: largeImages, plan), engine)
    }
  }

  /// - Parameter engine: its numbers are given up.
  private func divergence(_ message: String, _ advice: String, _ engine: Engine) -> CommandFailure {
    let last: String
    do throws(FileError) {
      last =
        try folder.lastFiniteCheckpoint(plan, identity, using: engine)
        .map { "the last checkpoint with finite weights is \($0)" } ?? "there is no checkpoint yet"
    } catch {
      last = error.message
    }
    return CommandFailure(.failed, message, help: "\(last); \(advice)")
  }
}

extension RunSummary {
  /// `time: estimated 11.9 s, measured 12.3 s (+3.4%)`.
  var timeLine: String {
    let measured = duration(seconds: measuredSeconds)
    guard let plannedSeconds else { return "time: measured \(measured)" }
    return "time: estimated \(duration(seconds: plannedSeconds)), measured \(measured) "
      + "(\(signedShare(measuredSeconds, of: plannedSeconds)))"
  }

  /// `peak memory: planned ..., measured ... (-1.2%)`.
  var memoryLine: String {
    guard let measuredPeakBytes else {
      return "peak memory: planned \(byteSize(plannedPeakBytes)), measured unknown"
    }
    return "peak memory: planned \(byteSize(plannedPeakBytes)), measured \(byteSize(measuredPeakBytes)) "
      + "(\(signedShare(Double(measuredPeakBytes), of: Double(plannedPeakBytes))))"
  }
}
