internal import Artifacts
internal import Base
internal import Glibc
internal import Planning
internal import SpecLanguage
internal import Terminal
internal import Text

/// `strata run DIR --resume --extend EPOCHS`
extension RunCommand {
  /// Gives a run that is finished a plan of more epochs. What it had learned, its optimizers' state and its figures stay.
  static func extend(
    _ path: String, by count: Int, _ arguments: Arguments, _ session: Session
  ) throws(CommandFailure) {
    let stored: PlanLock
    do throws(PlanLockError) {
      stored = try PlanLock(path: "\(path)/\(RunDirectory.planName)")
    } catch {
      throw CommandFailure(error)
    }
    // Holds the plan against its own text and this release.
    let old = try LoadedPlan(
      run: path, threads: nil, dataPath: arguments[CommonOptions.data], withFingerprint: false, session)
    try requireExtensible(old.plan, path)
    let state = try status(path).state
    guard state == .finished else {
      throw CommandFailure(
        .faultyInput, "\(path): the run is not finished, and only a finished run is given more epochs",
        help: "finish it first: strata run \(shellWord(path)) --resume")
    }
    let epochs = old.loaded.spec.training.epochs.value
    let (sum, isTooLarge) = epochs.addingReportingOverflow(count)
    guard !isTooLarge else {
      throw CommandFailure(.faultyInput, "'--extend \(count)': there are no so many epochs")
    }
    let new = try LoadedPlan(
      extending: stored, to: sum, dataPath: arguments[CommonOptions.data], session)
    let folder: RunDirectory
    do throws(RunDirectoryError) { folder = try RunDirectory.open(path) } catch {
      throw failure(error)
    }
    do throws(FileError) {
      guard try folder.checkpointByteCount() > 0 else {
        throw FileError(path: folder.path(of: RunDirectory.checkpointsName), operation: "open", code: ENOENT)
      }
      try folder.extend([
        RunDirectory.FirstFile(name: RunDirectory.planName, text: PlanFile.textForRun(new)),
        RunDirectory.FirstFile(name: RunDirectory.specName, text: new.plan.specText),
      ])
      try folder.appendLog("extended from \(epochs) to \(sum) epochs")
    } catch {
      throw CommandFailure(
        .failed, error.message,
        help: "a run goes on from its last checkpoint: without one it cannot be extended")
    }
    session.diagnostics.writeLine("\(path): \(epochs) epochs become \(sum)")
    let training = new.plan.training
    func rate(_ epoch: Int, _ training: TrainingSettings) -> String {
      rateText(training.learningRate(module: 1, epoch: epoch))
    }
    session.diagnostics.writeLine(
      "\(path): learning rate \(rate(epochs, old.plan.training)) in epoch \(epochs), "
        + "\(rate(epochs + 1, training)) in epoch \(epochs + 1), \(rate(sum, training)) in epoch \(sum)")
  }

  /// More epochs behind the last one are more of the same only where all modules learn in one stage, to its end.
  private static func requireExtensible(_ plan: Plan, _ path: String) throws(CommandFailure) {
    let reason: String?
    switch plan.training.strategy {
    case .sequential: reason = "in sequential training each module is frozen when the next one begins"
    case .asynchronous:
      reason = "in asynchronous training modules end one by one, and what they hand on depends on all epochs"
    case .parallel, .endToEnd:
      reason =
        plan.stages.count == 1
        ? nil : "its modules begin or end at different epochs, or lose channels on the way"
    }
    guard let reason else { return }
    throw CommandFailure(
      .faultyInput, "\(path): a run of this kind is not extended: \(reason)",
      help: "train on from its weights with 'network.from', as a run of its own")
  }
}
