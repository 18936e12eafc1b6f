internal import Artifacts
internal import Datasets
internal import Execution
internal import Planning
internal import Terminal
internal import Text

extension TrainingRun {
  /// What the system refused; all that was kept before is still there.
  func diskFailure(_ error: FileError) -> CommandFailure { diskFailure(error.message) }

  private func diskFailure(_ message: String) -> CommandFailure {
    CommandFailure(.failed, message, help: "when that is mended, go on: strata run \(folder.path) --resume")
  }

  /// - Parameter engine: of the training that failed; its numbers are given up.
  func failure(_ error: RunError, _ engine: Engine) -> CommandFailure {
    switch error {
    case .observer(let failure): return diskFailure(failure.message)
    case .data(let failure):
      return CommandFailure(
        .faultyData, failure.message,
        help: "when the data is there again, go on: strata run \(folder.path) --resume")
    case .lossNotFinite(let module, let epoch, let step, let learningRate):
      let last: String
      do throws(FileError) {
        last =
          try folder.lastFiniteCheckpoint(plan, identity, using: engine)
          .map { "the last checkpoint with finite weights is \($0)" } ?? "no checkpoint has finite weights"
      } catch {
        last = error.message
      }
      return CommandFailure(
        .failed,
        "the loss of module \(module) is not finite in epoch \(epoch), step \(step), at learning rate \(learningRate)",
        help: "\(last); try a lower `training.optimizer.learning-rate`, a schedule that warms up "
          + "(`training.schedule.warm-up` of `cosine`), or batch norm where it is off")
    }
  }
}

extension RunSummary {
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
