internal import Artifacts
internal import Base
internal import Datasets
internal import Execution
internal import Kernels
internal import Planning
internal import Terminal
internal import Text

/// How a training came to its end, if nothing kept it from being carried out.
enum RunEnd {
  case finished
  /// A signal came; the checkpoint of this position is in the run's folder.
  case interrupted(RunPosition)
  /// The numbers of this training are no numbers any more; another seed's may be.
  case diverged(CommandFailure)
}

/// One training in its folder: progress on standard error, metrics and checkpoints as they come, weights and summary at the
/// end.
struct TrainingRun: ~Copyable {
  let ready: LoadedPlan
  let plan: Plan
  let folder: RunDirectory
  let session: Session
  /// The weights that the plan starts from.
  let startPath: String?
  /// Of the data set that is trained on.
  var largeImages: LargeImages?
  var progress: ProgressDisplay
  var summary: RunSummary
  let identity: RunIdentity
  var schedule: CheckpointSchedule
  /// The last one that is in the folder.
  var lastCheckpoint: RunPosition?
  /// Without the time of this process.
  var totals = RunTotals()
  /// For TensorBoard; nil: nobody asked for it.
  var events: EventFile?
  /// Seconds between lines of metrics within an epoch; nil: there are none. When the last one was written.
  var logEvery: (seconds: Double, last: Double)?
  /// For those who look at the folder meanwhile.
  var live: LiveReport
  let start = monotonicSeconds()
  /// Nil where this machine was never measured.
  private let timeModel: TimeModel?
  /// Of an asynchronous training whose time is estimated; nil where they are not counted.
  private let eventCount: Int?
  private let isProfiled: Bool

  /// - Parameters:
  ///   - checkpointSeconds: of `--checkpoint-every`.
  ///   - isProfiled: whether to tell where the time goes.
  init(
    _ ready: LoadedPlan, in folder: consuming RunDirectory, checkpointSeconds: Double?, isProfiled: Bool,
    _ session: Session
  ) {
    self.isProfiled = isProfiled
    self.ready = ready
    plan = ready.plan
    identity = ready.identity
    startPath = ready.startPath
    self.folder = folder
    self.session = session
    progress = ProgressDisplay(
      modules: plan.modules.map { "\($0.index) \($0.name)" }, on: session.diagnostics)
    schedule = CheckpointSchedule(every: checkpointSeconds, now: start)
    summary = RunSummary(
      moduleCount: plan.modules.count, plannedPeakBytes: plan.memory.peakBytes, arenaBytes: plan.arenaBytes,
      classes: plan.classes)
    timeModel = Calibration.model(threads: plan.threads)
    eventCount = timeModel == nil ? nil : ReplayCounts(plan)?.events
    live = LiveReport(plan, eventCount: eventCount)
    (summary.name, summary.classNames) = (plan.name, plan.classNames)
    summary.plannedSeconds = timeModel?.figures(of: plan).seconds
    summary.identity = identity
    summary.release = CommandTable.program.version
    summary.warnings = session.warnings.entries.map(\.json)
  }

  /// Trains to the end, then measures every module and the ensembles, and writes the weights; or stops where a signal comes.
  ///
  /// - Parameter resuming: from the folder's last checkpoint.
  mutating func run(on dataset: Dataset, resuming: Bool) throws(CommandFailure) -> RunEnd {
    do {
      largeImages = dataset.largeImages
      let engine = try Engine.make(plan.memoryMap)
      summary.arithmetic = openBLASDescription()
      if isProfiled { engine.recorder = Calibration.recorders(1, for: engine)[0] }
      let trainingStart = monotonicSeconds()
      let position = resuming ? try restore(engine) : .start
      for warning in session.warnings.entries { try log(warning.logLine) }
      // Better now than when their stage is due.
      if resuming, StartFile.isRead(by: plan, from: position) { try plan.requireStart(at: startPath) }
      try log(
        "training begins: \(plan.name), peak planned \(byteSize(plan.memory.peakBytes))"
          + (timeWords(from: position).map { ", \($0) to go" } ?? ""))
      if plan.budgetBytes != nil {
        for line in plan.budgetLines { try log("budget: \(line)") }
      }
      beginStatus(at: position)
      let images = ImagePreparer(dataset, plan: plan)
      try writeSamples(images)
      let end = try train(engine, images, from: position)
      summary.profile = engine.recorder.map {
        ProfileText($0.result(), of: .run(seconds: monotonicSeconds() - trainingStart))
      }
      try finish(end)
      return end
    } catch {
      progress.finish()
      fail(error)
      throw error
    }
  }

  /// The failure that stopped the run is the one to tell, whether or not its summary can be kept.
  private mutating func fail(_ failure: CommandFailure) {
    noteFigures(status: .failed)
    summary.compression = try? compression()
    try? folder.writeSummary(summary.json)
    for fault in failure.faults { try? folder.appendLog(fault.message) }
    folder.removeStatus()
  }

  private mutating func train(
    _ engine: Engine, _ images: ImagePreparer, from position: RunPosition
  ) throws(CommandFailure) -> RunEnd {
    let (plan, startPath) = (plan, startPath)
    let trainer = Trainer(
      plan: plan, engine: engine, images: images,
      featuresPath: folder.path(of: RunDirectory.featuresName),
      now: monotonicSeconds, shouldStop: { Interruption.isRequested },
      loadStart: { modules, resident throws(ObserverFailure) in
        guard let start = plan.start, let startPath else { return }
        do throws(ModelFileError) {
          try StartFile.load(start, from: startPath, modules: modules, in: resident, of: engine)
        } catch {
          throw ObserverFailure(message: error.message)
        }
      })
    let outcome: RunOutcome
    do throws(RunError) {
      outcome = try trainer.run(from: position) { event throws(ObserverFailure) in
        try self.follow(event, engine)
      }
    } catch {
      progress.finish()
      switch error {
      case .notFinite, .rankingNotFinite: return .diverged(failure(error, engine))
      case .observer, .data, .features: throw failure(error, engine)
      }
    }
    switch outcome {
    case .stopped(let position): return try interrupt(at: position, engine)
    case .returned(let position):
      precondition(lastCheckpoint == position, "the end of a stage is kept before the next one begins")
      return try interrupt(at: position, engine)
    case .finished: break
    }
    progress.finish()
    let evaluator = Evaluator(engine: engine, images: images)
    let sums: [MetricSums]?
    do throws(NotFinite) {
      var answers = AnswerCounts(classCount: plan.classes)
      sums = try evaluator.run(
        plan.evaluation, unless: { Interruption.isRequested }, counting: &answers)
      summary.answers = sums.map { _ in answers }
    } catch {
      try Self.requireRead(images.dataset)
      return .diverged(failure(.notFinite(error), engine))
    }
    guard let sums else { return try interrupt(at: plan.endPosition, engine) }
    try Self.requireRead(images.dataset)
    summary.note(evaluation: sums)
    do {
      summary.weightsSHA256 = try folder.writeModel(of: plan, from: engine).sha256
    } catch {
      throw diskFailure(error)
    }
    return .finished
  }

  private func writeSamples(_ images: ImagePreparer) throws(CommandFailure) {
    let sheet = SampleSheet(images, classes: plan.classes, classNames: plan.classNames)
    do throws(FileError) { try sheet.write(into: folder) } catch { throw diskFailure(error) }
  }

  private static func requireRead(_ dataset: Dataset) throws(CommandFailure) {
    if let failure = dataset.takeReadFailure() { throw CommandFailure(.faultyData, failure.message) }
  }

  private mutating func interrupt(at position: RunPosition, _ engine: Engine) throws(CommandFailure) -> RunEnd
  {
    progress.finish()
    // A stage of which no step is done is nothing that a checkpoint could be of: the end of the one before is kept.
    let position = position.isStageStart ? lastCheckpoint ?? .start : position
    do {
      if lastCheckpoint ?? .start != position { try writeCheckpoint(at: position, engine) }
    } catch {
      throw diskFailure(error)
    }
    summary.position = position
    return .interrupted(position)
  }

  private mutating func finish(_ end: RunEnd) throws(CommandFailure) {
    switch end {
    case .finished: noteFigures(status: .finished)
    case .interrupted: noteFigures(status: .interrupted)
    case .diverged(let failure):
      fail(failure)
      return
    }
    summary.compression = try compression()
    do throws(FileError) {
      try folder.writeSummary(summary.json)
      switch end {
      case .finished: try folder.appendLog("finished: \(summary.timeLine); \(summary.memoryLine)")
      case .interrupted(let position): try folder.appendLog("interrupted \(position.words)")
      case .diverged: break
      }
      folder.removeStatus()
    } catch {
      throw diskFailure(error)
    }
  }

  /// Estimated for what is left of the run; nil where this machine was never measured.
  private func secondsLeft(from position: RunPosition) -> Double? {
    guard let timeModel else { return nil }
    var (epoch, step) = (position.epoch, position.step)
    let stage = plan.stages[position.stage - 1]
    // Asynchronous training counts events, of all modules.
    if plan.training.strategy == .asynchronous, epoch <= stage.epochs {
      if let eventCount {
        let stepCount = stage.epochs * stage.stepsPerEpoch
        let done = min(stepCount, step * stepCount / max(1, eventCount))
        epoch = done / stage.stepsPerEpoch + 1
        step = done % stage.stepsPerEpoch
      } else {
        // Nobody knows how many there will be: the epochs that all modules have ended are what is done.
        step = 0
      }
    }
    return timeModel.secondsLeft(of: plan, stage: position.stage, epoch: epoch, step: step)
  }

  /// `estimated 3:12`.
  func timeWords(from position: RunPosition) -> String? {
    secondsLeft(from: position).map { "estimated \(duration(seconds: $0))" }
  }

  /// Nil where no module loses channels.
  private func compression() throws(CommandFailure) -> CompressionFigures? {
    guard plan.unnarrowed != nil else { return nil }
    do throws(RunStatusError) {
      return try CompressionFigures(plan, in: folder.path)
    } catch {
      throw diskFailure(error.message)
    }
  }

  private mutating func noteFigures(status: RunSummary.Status) {
    summary.status = status
    switch status {
    case .finished: summary.plannedSecondsLeft = summary.plannedSeconds.map { _ in 0 }
    case .interrupted, .failed: summary.plannedSecondsLeft = secondsLeft(from: lastCheckpoint ?? .start)
    }
    summary.measuredSeconds = totals.seconds + monotonicSeconds() - start
    summary.measuredPeakBytes = ProcessMemory.peakBytes
    if totals.trainingSeconds > 0 {
      summary.imagesPerSecond = Double(totals.trainedImages) / totals.trainingSeconds
    }
  }
}
