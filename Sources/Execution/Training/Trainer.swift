internal import Base
package import Datasets
internal import GraphIR
package import Planning

/// Trains a plan, stage after stage, from its beginning or from any position that an earlier run reached.
package struct Trainer {
  private let plan: Plan
  private let engine: Engine
  private let images: ImagePreparer
  private let featuresPath: String?
  /// Seconds on a clock that never goes back.
  private let now: () -> Double
  private let shouldStop: () -> Bool
  private let loadStart: WeightLoader?

  /// - Parameters:
  ///   - engine: with room for the plan's programs.
  ///   - featuresPath: of the file that a plan keeps features in, where it does.
  ///   - shouldStop: looked at after every training step and every batch of an evaluation.
  ///   - loadStart: needed by a plan that starts from stored weights.
  package init(
    plan: Plan, engine: Engine, images: ImagePreparer, featuresPath: String? = nil,
    now: @escaping () -> Double,
    shouldStop: @escaping () -> Bool = { false }, loadStart: WeightLoader? = nil
  ) {
    self.plan = plan
    self.engine = engine
    self.images = images
    self.featuresPath = featuresPath
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
    var source = BatchSource(images: images, features: nil)
    var ranking: Ranking?
    /// Of the stage before.
    var previousEnd = position
    for stage in plan.stages[(position.stage - 1)...] {
      if position.isStageStart {
        try tell(.stageBegan(stage.index), observer)
        try setUp(stage, source.features, ranking)
      }
      guard try takeFeatures(&source, for: stage, position) else { return .stopped(position) }
      if position.isStageStart, let ranking {
        // What was moved together can't be taken apart: stopped here, the stage before is ranked once more.
        guard let report = try report(ranking, stage, source) else { return .returned(to: previousEnd) }
        try tell(.narrowed(report), observer)
      }
      let frozen = frozenModules(of: stage)
      let isOver = try train(stage, source, &position, observer)
      // What was frozen is proved so, whether the stage is over or interrupted.
      precondition(frozen == frozenModules(of: stage), "a stage changes only the modules that it trains")
      guard isOver else { return .stopped(position) }
      ranking = nil
      if let narrowing = stage.narrowing {
        // Stopped here, the stage goes on with the ranking: its epochs are over.
        guard let scores = try rank(narrowing, stage, source) else { return .stopped(position) }
        ranking = scores
      }
      if let frozen { try tell(.frozenUnchanged(frozen), observer) }
      try tell(.stageEnded(stage.index), observer)
      previousEnd = position
      position = position.nextStage
    }
    return .finished
  }

  /// - Returns: whether the stage is over.
  private func train(
    _ stage: StagePlan, _ source: BatchSource, _ position: inout RunPosition, _ observer: RunObserver
  ) throws(RunError) -> Bool {
    let run = StageRun(
      engine: engine, settings: plan.training, stage: stage, source: source, now: now, shouldStop: shouldStop)
    switch plan.training.strategy {
    case .sequential, .parallel, .endToEnd:
      var trainer = StageTrainer(run)
      return try trainer.train(&position, observer)
    case .asynchronous:
      var trainer = AsynchronousTrainer(run)
      return try trainer.train(&position, observer)
    }
  }

  /// Moves what the stage before leaves, and starts the modules that begin with this one; with the first stage also those
  /// that are frozen from the beginning.
  ///
  /// - Parameter ranking: of the channels of the module that this stage fine-tunes.
  private func setUp(
    _ stage: StagePlan, _ previous: KeptFeatures?, _ ranking: Ranking?
  ) throws(RunError) {
    if let ranking {
      let old = plan.stages[stage.index - 2].resident
      engine.narrow(ranking.narrowing, keeping: ranking.kept, from: old, to: stage.resident)
      // Behind what is resident, which is smaller now.
      if let previous, let features = stage.features, features.stays {
        engine.moveFeatures(from: previous.plan, to: features)
      }
      return
    }
    if let previous, let features = stage.features, stage.canUseFeaturesOfPrevious {
      engine.moveFeatures(from: previous.plan, to: features)
    }
    if stage.index > 1 {
      engine.carryOptimizerState(from: plan.stages[stage.index - 2].resident, to: stage.resident)
    }
    let modules = stage.startedModules(of: plan)
    engine.initialize(modules, in: stage.resident, seed: plan.training.seed)
    guard plan.start != nil else { return }
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
    let layers = stage.schedule.trainsLayers ? nil : trained.first
    guard !modules.isEmpty || layers != nil else { return nil }
    // Not the training program, which is what this holds to account, says what belongs to the layers.
    let layerNames = layers.map { stage.evaluation.graph.layerNames(ofModule: $0) } ?? []
    let entries = stage.resident.weights.filter {
      modules.contains($0.value.module) || layerNames.contains($0.value.name)
    }
    return FrozenModules(stage: stage.index, modules: modules, layers: layers, sha256: hash(entries))
  }

  /// SHA-256 over the bytes of tensors, in hexadecimal.
  private func hash(_ entries: [ResidentLayout.Entry]) -> String {
    var hash = SHA256()
    for entry in entries { engine.withBytes(of: entry) { hash.update($0) } }
    return hash.finalize()
  }

  // MARK: - Narrowing

  private struct Ranking {
    var narrowing: NarrowingPlan
    var kept: [Int]
    var scores: [Float]
    /// Of the module, its own.
    var epoch: Int
    var seconds: Double
  }

  /// Nil if it should stop.
  private func rank(
    _ narrowing: NarrowingPlan, _ stage: StagePlan, _ source: BatchSource
  ) throws(RunError) -> Ranking? {
    let start = now()
    let training = plan.training
    let epoch = stage.epoch(ofModule: narrowing.module, stage.epochs)
    let diverged = RunError.rankingNotFinite(
      module: narrowing.module, epoch: epoch,
      learningRate: training.learningRate(module: narrowing.module, epoch: epoch))
    let others = stage.resident.entries.filter { $0.value.name != narrowing.scores.value.name }
    let before = hash(others)
    var batches = EpochBatches(training, images: images.dataset.facts.trainCount)
    let scores = try engine.rank(
      narrowing, ofStage: stage, source, &batches,
      epoch: training.drawing(stage.schedule, epoch: stage.epochs + 1),
      unless: shouldStop)
    if let scores, !scores.allSatisfy(\.isFinite) { throw diverged }
    precondition(before == hash(others), "a ranking changes nothing but the scores")
    guard let scores else { return nil }
    return Ranking(
      narrowing: narrowing, kept: channelsToKeep(scores, count: narrowing.width), scores: scores,
      epoch: epoch, seconds: now() - start)
  }

  /// What the narrowed module can do before it is fine-tuned; nil if it should stop.
  private func report(
    _ ranking: Ranking, _ stage: StagePlan, _ source: BatchSource
  ) throws(RunError) -> NarrowingReport? {
    let start = now()
    let evaluator = Evaluator(
      engine: engine, source: source, ProgramID(.evaluation, stage: stage.index))
    let sums: [MetricSums]?
    do throws(NotFinite) {
      sums = try evaluator.run(stage.evaluation, unless: shouldStop)
    } catch {
      if let failure = source.takeReadFailure() { throw failure }
      var found = error
      found.epoch = ranking.epoch
      throw .notFinite(found)
    }
    guard let sums else { return nil }
    if let failure = source.takeReadFailure() { throw failure }
    return NarrowingReport(
      module: ranking.narrowing.module, epoch: ranking.epoch, kept: ranking.kept, scores: ranking.scores,
      test: sums[0], seconds: ranking.seconds + now() - start)
  }
}

extension ResidentLayout {
  /// Parameters and statistics.
  fileprivate var weights: [Entry] {
    entries.filter { entry in
      switch entry.value.category {
      case .parameter, .statistics: true
      case .batch, .gradient, .optimizer, .activation, .replay, .accumulator: false
      }
    }
  }
}

extension Graph {
  /// Names of the values that a module's layers read.
  fileprivate func layerNames(ofModule module: Int) -> Set<String> {
    Set(
      nodes.filter { $0.module == module && $0.part == .layers }
        .flatMap { node in node.operands.map { self[$0].name } })
  }
}

extension Trainer {
  /// Makes what the stage starts from, where that is not images and anything is left that reads it.
  ///
  /// - Parameter source: as the stage before left it; as this one takes it.
  /// - Returns: false if it should stop, which it does only where the stage can be set up once more.
  private func takeFeatures(
    _ source: inout BatchSource, for stage: StagePlan, _ position: RunPosition
  ) throws(RunError) -> Bool {
    guard let features = stage.features, stage.hasWork(at: position) else {
      source.features = nil
      return true
    }
    if features.stays, position.isStageStart, let previous = source.features {
      source.features = KeptFeatures(plan: features, file: previous.file)
      return true
    }
    let hasPrevious = source.features != nil && position.isStageStart && stage.canUseFeaturesOfPrevious
    let kept: KeptFeatures
    switch features.storage {
    case .file: kept = KeptFeatures(plan: features, file: try file(of: source.features))
    case .memory, .recompute: kept = KeptFeatures(plan: features, file: nil)
    }
    let canStop = stage.schedule.beginsAllItsModules || !position.isStageStart
    guard
      try engine.computeFeatures(
        kept, of: stage, fromPrevious: hasPrevious, images: images,
        unless: { canStop && shouldStop() })
    else { return false }
    source.features = kept
    return true
  }

  /// The file of the stage before, or a new one.
  private func file(of previous: KeptFeatures?) throws(RunError) -> FeatureFile {
    if let file = previous?.file { return file }
    guard let featuresPath else { preconditionFailure("whoever trains such a plan says where its file is") }
    do throws(FeatureError) {
      return try FeatureFile(path: featuresPath)
    } catch {
      throw .features(error)
    }
  }
}

extension StagePlan {
  /// Modules that begin with the stage; with the first one also those that are frozen from the beginning.
  package func startedModules(of plan: Plan) -> [Int] {
    let frozen = index == 1 ? (0..<plan.training.frozenCount).map { $0 + 1 } : []
    return frozen + schedule.modules.filter { $0.firstEpoch == 1 }.map(\.index)
  }

  /// Whether an epoch or a ranking is left to do.
  fileprivate func hasWork(at position: RunPosition) -> Bool { position.epoch <= epochs || narrowing != nil }
  fileprivate var canUseFeaturesOfPrevious: Bool { programs[.featuresOfPrevious] != nil }
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
