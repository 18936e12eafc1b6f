internal import Artifacts
internal import Datasets
internal import Execution
internal import Planning
internal import Terminal
internal import Text

/// One training in its folder: progress on standard error, metrics as they come, weights and summary at the end.
struct TrainingRun: ~Copyable {
  private let plan: Plan
  private let folder: RunDirectory
  private let console: Console
  private var progress: ProgressDisplay
  private var summary: RunSummary
  private var trainingSeconds = 0.0
  private var trainedPictures = 0

  init(_ plan: Plan, in folder: consuming RunDirectory, _ console: Console) {
    self.plan = plan
    self.folder = folder
    self.console = console
    progress = ProgressDisplay(
      modules: plan.modules.map { "\($0.index) \($0.name)" }, on: console.diagnostics)
    summary = RunSummary(
      moduleCount: plan.modules.count, plannedPeakBytes: plan.memory.peakBytes, arenaBytes: plan.arenaBytes,
      classes: plan.classes)
  }

  /// Trains to the end, then measures every module and the ensemble, and writes the weights.
  consuming func run(on dataset: Dataset) throws(CommandFailure) -> RunSummary {
    let start = monotonicSeconds()
    do {
      try log("training begins: \(plan.name), peak planned \(plan.memory.peakBytes) bytes")
      try train(on: dataset)
    } catch {
      progress.finish()
      summary.status = .failed
      summary.measuredSeconds = monotonicSeconds() - start
      summary.measuredPeakBytes = ProcessMemory.peakBytes
      // The failure that stopped the run is the one to tell, whether or not its summary can be kept.
      try? folder.writeSummary(summary.json)
      for fault in error.faults { try? folder.appendLog(fault.message) }
      throw error
    }
    summary.measuredSeconds = monotonicSeconds() - start
    summary.measuredPeakBytes = ProcessMemory.peakBytes
    if trainingSeconds > 0 { summary.imagesPerSecond = Double(trainedPictures) / trainingSeconds }
    try keep { () throws(FileError) in try folder.writeSummary(summary.json) }
    try log("finished: \(summary.memoryLine)")
    return summary
  }

  private mutating func train(on dataset: Dataset) throws(CommandFailure) {
    let engine = try Engine.make(plan)
    let pictures = PicturePreparer(dataset, plan: plan)
    let trainer = Trainer(engine: engine, pictures: pictures, now: monotonicSeconds)
    do throws(RunError) {
      _ = try trainer.run { event throws(ObserverFailure) in try self.follow(event) }
    } catch {
      throw Self.failure(error)
    }
    progress.finish()
    let sums = Evaluator(engine: engine, pictures: pictures).run(plan.evaluation)
    if let failure = dataset.takeReadFailure() { throw CommandFailure(.faultyData, failure.message) }
    summary.ensemble = sums.first { $0.module == 0 }
    let modelPath = folder.path(of: RunDirectory.modelName)
    do {
      summary.weightsSHA256 = try ModelFile(plan).write(from: engine, to: modelPath).sha256
    } catch {
      throw CommandFailure(.failed, error.message)
    }
  }

  // MARK: - Events

  private mutating func follow(_ event: RunEvent) throws(ObserverFailure) {
    switch event {
    case .stageBegan, .stageEnded: break
    case .stepEnded(let step):
      let position = step.position
      let stage = plan.stages[position.stage - 1]
      for sum in position.sums {
        progress.update(
          module: sum.module, epoch: stage.epoch(ofModule: sum.module, position.epoch),
          of: plan.training.modules[sum.module - 1].epochs, step: position.step, of: step.stepCount,
          loss: sum.meanLoss, top1: sum.top1, imagesPerSecond: step.picturesPerSecond)
      }
    case .epochEnded(let report): try finishEpoch(plan.stages[report.next.stage - 1], report.figures)
    }
  }

  private mutating func finishEpoch(
    _ stage: StagePlan, _ figures: [EpochFigures]
  ) throws(ObserverFailure) {
    let tests = figures.filter { $0.split == .test }
    for figure in figures {
      do {
        try folder.appendMetrics(figure.json(withTop5: plan.classes > 10))
        try folder.appendLog(
          "module \(figure.module), epoch \(figure.epoch), \(figure.split.rawValue): loss \(fixed(figure.loss, decimals: 4)), "
            + "top1 \(percentage(figure.top1)), \(duration(seconds: figure.seconds))")
      } catch {
        throw ObserverFailure(message: error.message)
      }
      switch figure.split {
      case .test: summary.modules[figure.module - 1].test = figure
      case .train:
        summary.modules[figure.module - 1].train = figure
        let rate = Double(plan.data.facts.trainCount) / max(figure.seconds, 1e-9)
        progress.finishEpoch(
          module: figure.module, epoch: figure.epoch, of: plan.training.modules[figure.module - 1].epochs,
          loss: figure.loss, top1: figure.top1,
          testTop1: tests.first { $0.module == figure.module }?.top1, imagesPerSecond: rate,
          seconds: figure.seconds)
      }
    }
    trainingSeconds += figures.first { $0.split == .train }?.seconds ?? 0
    trainedPictures += min(plan.data.facts.trainCount, stage.stepsPerEpoch * plan.training.batch)
  }

  // MARK: - Failures

  private func log(_ line: String) throws(CommandFailure) {
    try keep { () throws(FileError) in try folder.appendLog(line) }
  }

  private func keep(_ body: () throws(FileError) -> Void) throws(CommandFailure) {
    do {
      try body()
    } catch {
      throw CommandFailure(.failed, error.message)
    }
  }

  private static func failure(_ error: RunError) -> CommandFailure {
    switch error {
    case .observer(let failure): return CommandFailure(.failed, failure.message)
    case .data(let failure): return CommandFailure(.faultyData, failure.message)
    case .lossNotFinite(let module, let epoch, let step, let learningRate):
      return CommandFailure(
        .failed,
        "the loss of module \(module) is not finite in epoch \(epoch), step \(step), at learning rate \(learningRate)",
        help: "try a lower `training.optimizer.learning-rate`, or batch norm where it is off")
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
