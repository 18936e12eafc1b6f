internal import Artifacts
internal import Base
internal import Execution
internal import Planning
internal import Terminal
internal import Text

extension TrainingRun {
  /// Fills the engine from the last checkpoint that is of use, and takes up the figures that belong to it.
  mutating func restore(_ engine: Engine) throws(CommandFailure) -> RunPosition {
    let restored: RunDirectory.Restored
    do throws(FileError) {
      restored = try folder.restore(plan, identity, into: engine)
    } catch {
      throw diskFailure(error)
    }
    for reason in restored.refused { try warn(code: "W006", "checkpoint refused: \(reason)") }
    if let lost = restored.lostMetrics { try warn(code: "W043", "\(folder.path): \(lost.message)") }
    guard let checkpoint = restored.checkpoint else {
      try tell("no checkpoint; training \(plan.name) from the beginning")
      return .start
    }
    let position = checkpoint.position
    (totals, lastCheckpoint) = (checkpoint.totals, position)
    if !checkpoint.isOf(arithmetic: summary.arithmetic) {
      try warn(
        code: "W007",
        "the run has used another arithmetic before (\(checkpoint.arithmetic); now \(summary.arithmetic)): "
          + "its weights will differ in their last bits from those of a run that stays with one")
      summary.arithmetic = "\(checkpoint.arithmetic); then \(summary.arithmetic)"
    } else {
      summary.arithmetic = checkpoint.arithmetic
    }
    try noteMetrics()
    for (index, module) in plan.training.modules.enumerated() {
      guard let figures = summary.modules[index].train else { continue }
      progress.resume(
        module: index + 1, epoch: figures.epoch, of: module.totalEpochs, loss: figures.loss,
        top1: figures.top1, testTop1: summary.modules[index].test?.top1)
    }
    try tell(
      "training \(plan.name) goes on \(position.words)"
        + (timeWords(from: position).map { ", \($0) to go" } ?? ""))
    return position
  }

  /// Takes up what the run's metrics say so far.
  private mutating func noteMetrics() throws(CommandFailure) {
    do throws(RunStatusError) {
      var summary = summary
      try RunDirectory.forEachMetric(in: folder.path, moduleCount: summary.modules.count) { line in
        if let figures = EpochFigures(line) { summary.note(figures) }
      }
      self.summary = summary
    } catch {
      throw diskFailure(error.message)
    }
  }

  /// Whether a checkpoint of this moment is to be written, beside those that end a stage or a run.
  func isCheckpointDue(atEpochEnd: Bool) -> Bool {
    let now = monotonicSeconds()
    return atEpochEnd ? schedule.isDueAtEpochEnd(now: now) : schedule.isDueWithinEpoch(now: now)
  }

  mutating func writeCheckpoint(at position: RunPosition, _ engine: Engine) throws(FileError) {
    let begin = monotonicSeconds()
    var totals = self.totals
    totals.seconds += begin - start
    let checkpoint = Checkpoint(
      identity: identity, position: position, metrics: folder.metricsMark,
      totals: totals, arithmetic: summary.arithmetic)
    try folder.writeCheckpoint(checkpoint, of: plan.stages[position.stage - 1], from: engine)
    lastCheckpoint = position
    let end = monotonicSeconds()
    schedule.noteWritten(from: begin, to: end)
    try folder.appendLog("checkpoint \(position.words), written in \(fixed(end - begin, decimals: 3)) s")
  }

  // MARK: - Words

  private func tell(_ line: String) throws(CommandFailure) {
    session.diagnostics.writeLine("\(folder.path): \(line)")
    try log(line)
  }

  /// Warns of what happens while the run is at work: on standard error, in its log and in its summary.
  mutating func warn(code: String, _ message: String, help: String? = nil) throws(CommandFailure) {
    let entry = WarningLog.Entry(code: code, message: message)
    session.warnAtWork(code: code, message, help: help)
    summary.warnings.append(entry.json)
    try log(entry.logLine)
  }

  func log(_ line: String) throws(CommandFailure) {
    do {
      try folder.appendLog(line)
    } catch {
      throw diskFailure(error)
    }
  }
}

extension RunPosition {
  /// `behind stage 1, epoch 3, step 40`.
  var words: String {
    step == 0
      ? "behind stage \(stage), epoch \(epoch - 1)" : "behind stage \(stage), epoch \(epoch), step \(step)"
  }
}

extension Plan {
  /// Behind the last stage.
  var endPosition: RunPosition {
    RunPosition(stage: stages.count, epoch: stages[stages.count - 1].epochs + 1)
  }
}
