internal import Datasets
internal import GraphIR
internal import Planning

/// Trains the modules of one asynchronous stage, event by event: each at its own pace, on the batches that the one before
/// it has kept. Training figures of a module come as it ends an epoch of its own, test figures once all modules have
/// ended as many: of those that have as many.
///
/// A position's `step` counts events here, `epoch` the evaluations, and `sums` are of each module's own epoch: where a run goes
/// on, the simulation is run again from the beginning up to there, once and without any data, and everything else that matters
/// is resident.
struct AsynchronousTrainer {
  private let run: StageRun
  private let evaluation: StageEvaluation
  private var batches: EpochBatches
  private var simulation: ReplaySimulation
  /// Of each module's own epoch so far, its images' preparation included; by module.
  private var seconds: [Double]

  private var engine: Engine { run.engine }
  private var stage: StagePlan { run.stage }
  private var images: ImagePreparer { run.source.images }

  init(_ run: StageRun) {
    self.run = run
    evaluation = StageEvaluation(run)
    batches = EpochBatches(run.settings, images: run.source.images.dataset.facts.trainCount)
    simulation = ReplaySimulation(run.settings, stepsPerEpoch: run.stage.stepsPerEpoch)
    seconds = [Double](repeating: 0, count: run.settings.modules.count)
  }

  /// Moves `position` on to the end of the stage, or to where it should stop.
  /// - Returns: whether the stage is over.
  mutating func train(_ position: inout RunPosition, _ observer: RunObserver) throws(RunError) -> Bool {
    guard position.epoch <= stage.epochs else { return true }
    if position.sums.isEmpty { position.sums = stage.schedule.indices.map { MetricSums(module: $0) } }
    var last: ReplaySimulation.Event?
    while simulation.eventCount < position.step { last = simulation.next() }
    // What belongs behind the last event may not have been told.
    if let last, try !settle(last, &position, observer) { return false }
    while let event = simulation.next() {
      try work(event, &position, observer)
      guard try settle(event, &position, observer) else { return false }
      if run.shouldStop() { return false }
    }
    return true
  }

  /// One module on one batch.
  private mutating func work(
    _ event: ReplaySimulation.Event, _ position: inout RunPosition, _ observer: RunObserver
  ) throws(RunError) {
    let start = run.now()
    let training = run.settings
    let (epochOfBatch, step) = event.batch.quotientAndRemainder(dividingBy: stage.stepsPerEpoch)
    let feeding = event.learning == nil ? stage.programs[.feeding] : nil
    let program = feeding ?? stage.training
    let id = ProgramID(feeding == nil ? .training : .feeding, stage: stage.index)
    let positions = batches.positions(ofStep: step)
    let count = positions.count
    if event.slotRead == nil {
      batches.draw(epoch: epochOfBatch + 1)
      engine.prepare(
        images, split: .train, indices: batches.order.span.extracting(positions), epoch: epochOfBatch + 1,
        for: program)
      images.dataset.readAhead(
        .train, batches.order.span.extracting(batches.positions(ofStep: step + 1)))
      // Images that stay in their files may be gone.
      if let failure = images.dataset.takeReadFailure() { throw .data(failure) }
    }
    position.step = simulation.eventCount
    // The first module that learns reads the images through those that are frozen before it.
    let modules = event.slotRead == nil ? 1...event.module : event.module...event.module
    guard let learning = event.learning else {
      engine.run(program, id, modules: modules, batch: count, clock: feedingClock(event))
      return
    }
    if learning.step == 1, training.restartsOptimizer(module: event.module, epoch: learning.epoch) {
      engine.restartOptimizer(ofModule: event.module, in: stage.resident)
    }
    let clock = learningClock(event, learning)
    engine.run(program, id, modules: modules, batch: count, clock: clock)
    let index = event.module - stage.schedule.modules[0].index
    engine.addMetrics(of: program, module: event.module, images: count, to: &position.sums[index])
    let sums = position.sums[index]
    if engine.takeNotFinite() || !sums.loss.isFinite {
      // A module that reads a ring may be behind: its batch was drawn for another epoch.
      batches.draw(epoch: epochOfBatch + 1)
      var found = engine.locateNotFinite(
        [sums], stage.resident, run.source,
        indices: Array(batches.order[positions]), program: program)
      found.epoch = learning.epoch
      found.step = learning.step
      found.learningRate = training.learningRate(module: event.module, epoch: learning.epoch)
      throw .notFinite(found)
    }
    let spent = run.now() - start
    seconds[event.module - 1] += spent
    position.seconds += spent
    try tell(
      .stepEnded(
        StepProgress(
          position: position, stepCount: stage.stepsPerEpoch,
          imagesPerSecond: Double(sums.imageCount) / max(seconds[event.module - 1], 1e-9),
          module: StepProgress.ModuleStep(index: event.module, epoch: learning.epoch, step: learning.step))),
      observer)
  }

  /// Tells what ends with an event, if it was not told before.
  /// - Returns: false if it should stop on the way.
  private mutating func settle(
    _ event: ReplaySimulation.Event, _ position: inout RunPosition, _ observer: RunObserver
  ) throws(RunError) -> Bool {
    let index = event.module - stage.schedule.modules[0].index
    if let learning = event.learning, learning.step == stage.stepsPerEpoch,
      position.sums[index].imageCount > 0
    {
      let sums = position.sums[index]
      let figures = evaluation.figures(
        [sums], epoch: learning.epoch, split: .train, seconds: seconds[event.module - 1])
      position.sums[index] = MetricSums(module: event.module)
      seconds[event.module - 1] = 0
      try tell(
        .epochEnded(EpochReport(epoch: learning.epoch, figures: figures, next: position)), observer)
    }
    if let epoch = event.epochsDone, epoch >= position.epoch {
      guard let tests = try evaluation.measure(epoch: epoch) else { return false }
      if let failure = images.dataset.takeReadFailure() { throw .data(failure) }
      position.epoch = epoch + 1
      position.seconds = 0
      try tell(.epochEnded(EpochReport(epoch: epoch, figures: tests, next: position)), observer)
    }
    return true
  }

  private func feedingClock(_ event: ReplaySimulation.Event) -> StepParameters {
    var clock = StepParameters.idle
    clock.slotRead = event.slotRead ?? 0
    clock.slotWritten = event.slotWritten ?? 0
    return clock
  }

  private func learningClock(
    _ event: ReplaySimulation.Event, _ learning: ReplaySimulation.Event.Learning
  ) -> StepParameters {
    let training = run.settings
    var clock = feedingClock(event)
    clock.learningRate = Float(training.learningRate(module: event.module, epoch: learning.epoch))
    clock.step =
      training.epochsSinceRestart(module: event.module, epoch: learning.epoch) * stage.stepsPerEpoch
      + learning.step
    return clock
  }
}
