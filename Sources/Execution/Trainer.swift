package import Datasets
internal import GraphIR
package import Planning

/// Trains a plan, stage after stage, from its beginning or from any position that an earlier run reached.
package struct Trainer {
  private let engine: Engine
  private let pictures: PicturePreparer
  /// Seconds on a clock that never goes back.
  private let now: () -> Double
  private let shouldStop: () -> Bool
  private let loadStart: WeightLoader?

  /// - Parameters:
  ///   - shouldStop: looked at after every training step and every batch of an evaluation.
  ///   - loadStart: needed by a plan that starts from stored weights.
  package init(
    engine: Engine, pictures: PicturePreparer, now: @escaping () -> Double,
    shouldStop: @escaping () -> Bool = { false }, loadStart: WeightLoader? = nil
  ) {
    self.engine = engine
    self.pictures = pictures
    self.now = now
    self.shouldStop = shouldStop
    self.loadStart = loadStart
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
        try setUp(stage)
      }
      let frozen = frozenModules(of: stage)
      let isOver = try train(stage, &position, observer)
      // What was frozen is proved so, whether the stage is over or interrupted.
      precondition(frozen == frozenModules(of: stage), "a stage changes only the modules that it trains")
      guard isOver else { return .stopped(position) }
      if let frozen { try tell(.frozenUnchanged(frozen), observer) }
      try tell(.stageEnded(stage.index), observer)
      position = position.nextStage
    }
    return .finished
  }

  /// - Returns: whether the stage is over.
  private func train(
    _ stage: StagePlan, _ position: inout RunPosition, _ observer: RunObserver
  ) throws(RunError) -> Bool {
    switch engine.plan.training.strategy {
    case .sequential, .parallel, .endToEnd:
      var trainer = StageTrainer(
        engine: engine, pictures: pictures, stage: stage, now: now, shouldStop: shouldStop)
      return try trainer.run(&position, observer)
    case .asynchronous:
      var trainer = AsynchronousTrainer(
        engine: engine, pictures: pictures, stage: stage, now: now, shouldStop: shouldStop)
      return try trainer.run(&position, observer)
    }
  }

  /// Moves what the stage before leaves, and starts the modules that begin with this one; with the first stage also those
  /// that are frozen from the beginning.
  private func setUp(_ stage: StagePlan) throws(RunError) {
    if stage.index > 1 {
      engine.carryOptimizerState(from: engine.plan.stages[stage.index - 2].resident, to: stage.resident)
    }
    var modules = stage.schedule.modules.filter { $0.firstEpoch == 1 }.map(\.index)
    if stage.index == 1 { modules = Array(0..<engine.plan.training.frozenCount).map { $0 + 1 } + modules }
    engine.initialize(modules, in: stage.resident)
    guard engine.plan.start != nil else { return }
    guard let loadStart else { preconditionFailure("who starts from stored weights brings them along") }
    do {
      try loadStart(modules, stage.resident)
    } catch {
      throw .observer(error)
    }
  }

  /// Nil where the stage trains all modules that it knows.
  private func frozenModules(of stage: StagePlan) -> FrozenModules? {
    let trained = stage.schedule.indices
    let modules = (1...stage.schedule.lastKeptModule).filter { !trained.contains($0) }
    guard !modules.isEmpty else { return nil }
    var hash = SHA256()
    for entry in stage.resident.entries where modules.contains(entry.value.module) {
      switch entry.value.category {
      case .parameter, .statistics: engine.withBytes(of: entry) { hash.update($0) }
      case .batch, .gradient, .optimizer, .activation, .replay, .accumulator: break
      }
    }
    return FrozenModules(stage: stage.index, modules: modules, sha256: hash.finalize())
  }
}

/// Puts stored weights of some modules into their places.
package typealias WeightLoader = (_ modules: [Int], _ resident: ResidentLayout) throws(ObserverFailure) ->
  Void

/// Tells `observer`, whose failure ends the run.
func tell(_ event: RunEvent, _ observer: RunObserver) throws(RunError) {
  do {
    try observer(event)
  } catch {
    throw .observer(error)
  }
}
