internal import Artifacts
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
    case .lossNotFinite(let module, let epoch, let step, let learningRate):
      return divergence(
        "the loss of module \(module) is not finite in epoch \(epoch), step \(step), at learning rate \(rateText(learningRate))",
        module: module, epoch: epoch, engine)
    case .rankingNotFinite(let module, let epoch, let learningRate):
      return divergence(
        "the channels of module \(module) can't be ranked: its weights or their scores are not finite behind "
          + "epoch \(epoch), at learning rate \(rateText(learningRate))",
        module: module, epoch: epoch, engine)
    }
  }

  /// - Parameters:
  ///   - epoch: of the module, its own.
  ///   - engine: its numbers are given up.
  private func divergence(_ message: String, module: Int, epoch: Int, _ engine: Engine) -> CommandFailure {
    let last: String
    do throws(FileError) {
      last =
        try folder.lastFiniteCheckpoint(plan, identity, using: engine)
        .map { "the last checkpoint with finite weights is \($0)" } ?? "no checkpoint has finite weights"
    } catch {
      last = error.message
    }
    return CommandFailure(
      .failed, message,
      help:
        "\(last); try a lower `\(learningRateKey(module: module, epoch: epoch))`, a schedule that warms up "
        + "(`training.schedule.warm-up` of `cosine`), or batch norm where it is off")
  }

  /// Where the spec says how fast a module learns in an epoch of its own.
  private func learningRateKey(module: Int, epoch: Int) -> String {
    let module = plan.training.modules[module - 1]
    let isTuned = epoch > module.epochs && module.narrowing?.learningRate != nil
    return isTuned ? "compression.learning-rate" : "training.optimizer.learning-rate"
  }
}

extension RunSummary {
  /// `12.3 s, foreseen 11.9 s (-3.2%)`.
  var timeWords: String {
    let measured = duration(seconds: measuredSeconds)
    guard let plannedSeconds else { return measured }
    let difference = (plannedSeconds - measuredSeconds) / max(measuredSeconds, 1e-9)
    return "\(measured), foreseen \(duration(seconds: plannedSeconds)) "
      + "(\(difference < 0 ? "-" : "+")\(percentage(difference.magnitude)))"
  }

  /// `peak memory: planned ..., measured ... (-1.2%)`.
  var memoryLine: String {
    guard let measuredPeakBytes else {
      return "peak memory: planned \(byteSize(plannedPeakBytes)), measured unknown"
    }
    let difference = Double(measuredPeakBytes - plannedPeakBytes) / Double(max(1, plannedPeakBytes))
    let sign = difference < 0 ? "-" : "+"
    return "peak memory: planned \(byteSize(plannedPeakBytes)), measured \(byteSize(measuredPeakBytes)) "
      + "(\(sign)\(percentage(difference.magnitude)))"
  }
}
