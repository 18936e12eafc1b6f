package import Datasets
package import Planning

/// Trains a plan, stage after stage, from its beginning or from any position that an earlier run reached.
package struct Trainer {
  private let engine: Engine
  private let pictures: PicturePreparer
  /// Seconds on a clock that never goes back.
  private let now: () -> Double
  private let shouldStop: () -> Bool

  /// - Parameter shouldStop: looked at after every training step and every batch of an evaluation.
  package init(
    engine: Engine, pictures: PicturePreparer, now: @escaping () -> Double,
    shouldStop: @escaping () -> Bool = { false }
  ) {
    self.engine = engine
    self.pictures = pictures
    self.now = now
    self.shouldStop = shouldStop
  }

  /// Trains to the end, or until it should stop, and tells `observer` on the way.
  ///
  /// - Parameter position: where to go on; the engine holds the resident values of its stage, but at the start.
  package func run(
    from position: RunPosition = .start, _ observer: RunObserver
  ) throws(RunError) -> RunOutcome {
    var position = position
    for stage in engine.plan.stages[(position.stage - 1)...] {
      if position.isStageStart {
        try tell(.stageBegan(stage.index), observer)
        setUp(stage)
      }
      var trainer = StageTrainer(
        engine: engine, pictures: pictures, stage: stage, now: now, shouldStop: shouldStop)
      guard try trainer.run(&position, observer) else { return .stopped(position) }
      try tell(.stageEnded(stage.index), observer)
      position = position.nextStage
    }
    return .finished
  }

  /// Moves what the stage before leaves, and starts the modules that begin with this one.
  private func setUp(_ stage: StagePlan) {
    if stage.index > 1 {
      engine.carryOptimizerState(from: engine.plan.stages[stage.index - 2].resident, to: stage.resident)
    }
    engine.initialize(
      stage.schedule.modules.filter { $0.firstEpoch == 1 }.map(\.index), in: stage.resident)
  }
}

/// Tells `observer`, whose failure ends the run.
func tell(_ event: RunEvent, _ observer: RunObserver) throws(RunError) {
  do {
    try observer(event)
  } catch {
    throw .observer(error)
  }
}
