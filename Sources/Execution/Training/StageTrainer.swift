internal import Datasets
internal import GraphIR
internal import Planning

/// Trains the modules of one stage side by side: epoch after epoch, batch after batch, each epoch followed by an evaluation.
struct StageTrainer {
  private let run: StageRun
  private let evaluation: StageEvaluation
  private var batches: EpochBatches

  private var engine: Engine { run.engine }
  private var source: BatchSource { run.source }
  private var stage: StagePlan { run.stage }

  init(_ run: StageRun) {
    self.run = run
    evaluation = StageEvaluation(run)
    batches = EpochBatches(run.settings, images: run.source.images.dataset.facts.trainCount)
  }

  /// Moves `position` on to the end of the stage, or to where it should stop.
  /// - Returns: whether the stage is over.
  mutating func train(_ position: inout RunPosition, _ observer: RunObserver) throws(RunError) -> Bool {
    while position.epoch <= stage.epochs {
      guard try runEpoch(&position, observer) else { return false }
      guard let tests = try evaluation.measure(epoch: position.epoch) else { return false }
      try requireReadable()
      let epoch = position.epoch
      let training = evaluation.figures(
        position.sums, epoch: epoch, split: .train, seconds: position.seconds)
      position = position.nextEpoch
      try tell(
        .epochEnded(EpochReport(epoch: epoch, figures: training + tests, next: position)), observer)
      if run.shouldStop() { return false }
    }
    return true
  }

  /// The steps of the epoch that are not done yet.
  /// - Returns: whether all are done.
  private mutating func runEpoch(
    _ position: inout RunPosition, _ observer: RunObserver
  ) throws(RunError) -> Bool {
    if position.step == 0 {
      restartOptimizers(epoch: position.epoch)
      position.sums = stage.training.graph.metrics.map { MetricSums(module: $0.module) }
    }
    guard position.step < stage.stepsPerEpoch else { return true }
    let drawing = run.settings.drawing(stage.schedule, epoch: position.epoch)
    var clocks = self.clocks(epoch: position.epoch, stepsDone: position.step)
    let secondsBefore = position.seconds
    let start = run.now()
    let imagesBefore = position.step * run.settings.batch
    while position.step < stage.stepsPerEpoch {
      for index in clocks.indices { clocks[index].step += 1 }
      let done = step(position.step, drawing: drawing, clocks: clocks, &position.sums)
      position.step += 1
      let seconds = run.now() - start
      position.seconds = secondsBefore + seconds
      try requireReadable()
      try requireFinite(position)
      try tell(
        .stepEnded(
          StepProgress(
            position: position, stepCount: stage.stepsPerEpoch,
            imagesPerSecond: Double(done - imagesBefore) / max(seconds, 1e-9))), observer)
      if run.shouldStop() { return false }
    }
    return true
  }

  /// One batch through every module of the stage.
  /// - Parameter index: of the step in its epoch, from 0.
  /// - Returns: images of the epoch that are met by now.
  private mutating func step(
    _ index: Int, drawing: Int, clocks: [StepParameters], _ sums: inout [MetricSums]
  ) -> Int {
    batches.draw(epoch: drawing)
    let positions = batches.positions(ofStep: index)
    source.readAhead(batches.order.span.extracting(batches.positions(ofStep: index + 1)))
    engine.step(
      stage, source, indices: batches.order.span.extracting(positions), epoch: drawing, clocks: clocks,
      sums: &sums)
    return positions.upperBound
  }

  private func restartOptimizers(epoch: Int) {
    for module in stage.schedule.modules
    where run.settings.restartsOptimizer(module: module.index, epoch: module.epoch(epoch)) {
      engine.restartOptimizer(ofModule: module.index, in: stage.resident)
    }
  }

  /// As they stand after `stepsDone` steps of the epoch.
  private func clocks(epoch: Int, stepsDone: Int) -> [StepParameters] {
    let training = run.settings
    var clocks = [StepParameters](repeating: .idle, count: training.modules.count)
    for module in stage.schedule.modules {
      let own = module.epoch(epoch)
      clocks[module.index - 1] = StepParameters(
        learningRate: Float(training.learningRate(module: module.index, epoch: own)),
        step: training.epochsSinceRestart(module: module.index, epoch: own) * stage.stepsPerEpoch + stepsDone)
    }
    return clocks
  }

  /// Images that stay in their files may be gone, and so may features.
  private func requireReadable() throws(RunError) {
    if let failure = source.takeReadFailure() { throw failure }
  }

  /// Behind each step: it looks at the step's losses and at a flag, unless something is wrong.
  private func requireFinite(_ position: RunPosition) throws(RunError) {
    guard engine.takeNotFinite() || position.sums.contains(where: { !$0.loss.isFinite }) else { return }
    let indices = batches.order[batches.positions(ofStep: position.step - 1)]
    var found = engine.locateNotFinite(
      position.sums, stage.resident, source, indices: Array(indices), program: stage.training)
    let epoch = stage.epoch(ofModule: found.module, position.epoch)
    found.epoch = epoch
    found.step = position.step
    found.learningRate = run.settings.learningRate(module: found.module, epoch: epoch)
    throw .notFinite(found)
  }
}

extension TrainedModule {
  /// The module's own epoch in an epoch of the stage, both from 1.
  package func epoch(_ stageEpoch: Int) -> Int { firstEpoch + stageEpoch - 1 }
}

extension StagePlan {
  /// A trained module's own epoch in an epoch of the stage, both from 1.
  package func epoch(ofModule module: Int, _ stageEpoch: Int) -> Int {
    schedule.modules.first { $0.index == module }?.epoch(stageEpoch) ?? stageEpoch
  }
}
