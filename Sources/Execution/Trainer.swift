package import Datasets
internal import GraphIR
package import Planning

/// Trains a plan: stage after stage, epoch after epoch, batch after batch.
package struct Trainer {
  private let engine: Engine
  private let pictures: PicturePreparer
  /// Seconds on a clock that never goes back.
  private let now: () -> Double
  private var order: [Int32]

  package init(engine: Engine, pictures: PicturePreparer, now: @escaping () -> Double) {
    self.engine = engine
    self.pictures = pictures
    self.now = now
    order = [Int32](repeating: 0, count: pictures.dataset.facts.trainCount)
  }

  /// Trains to the end and tells `observer` on the way.
  package mutating func run(_ observer: RunObserver) throws(RunError) {
    var previous: StagePlan?
    for stage in engine.plan.stages {
      try tell(.stageBegan(stage.index), observer)
      if let previous { engine.carryOptimizerState(from: previous.resident, to: stage.resident) }
      engine.initialize(
        stage.schedule.modules.filter { $0.firstEpoch == 1 }.map(\.index), in: stage.resident)
      for epoch in 1...stage.epochs {
        var figures = try train(stage, epoch: epoch, observer)
        figures += evaluate(stage, epoch: epoch)
        try tell(.epochEnded(stage: stage.index, epoch: epoch, figures: figures), observer)
      }
      try tell(.stageEnded(stage.index), observer)
      previous = stage
    }
  }

  /// - Parameter epoch: of the stage, from 1.
  private mutating func train(
    _ stage: StagePlan, epoch: Int, _ observer: RunObserver
  ) throws(RunError) -> [EpochFigures] {
    let training = engine.plan.training
    let start = now()
    for module in stage.schedule.modules
    where training.restartsOptimizer(module: module.index, epoch: module.epoch(epoch)) {
      engine.restartOptimizer(ofModule: module.index, in: stage.resident)
    }
    var clocks = self.clocks(stage, epoch: epoch)
    var sums = stage.training.graph.metrics.map { MetricSums(module: $0.module) }
    let drawing = training.drawing(stage.schedule, epoch: epoch)
    fillOrder(epoch: drawing)
    var step = 0
    while step < stage.stepsPerEpoch {
      let first = step * training.batch
      let count = min(training.batch, order.count - first)
      step += 1
      for index in clocks.indices { clocks[index].step += 1 }
      engine.prepare(
        pictures, split: .train, indices: order.span.extracting(first..<first + count), epoch: drawing,
        for: stage.training)
      engine.run(stage.training, batch: count, clocks: clocks)
      engine.addMetrics(of: stage.training, pictures: count, to: &sums)
      for sum in sums where !sum.loss.isFinite {
        throw .lossNotFinite(
          module: sum.module, epoch: stage.epoch(ofModule: sum.module, epoch), step: step,
          learningRate: Double(clocks[sum.module - 1].learningRate))
      }
      try tell(
        .stepEnded(
          StepProgress(
            stage: stage.index, epoch: epoch, step: step, stepCount: stage.stepsPerEpoch, sums: sums,
            picturesPerSecond: Double(first + count) / max(now() - start, 1e-9))), observer)
    }
    return figures(sums, stage, epoch: epoch, split: .train, seconds: now() - start)
  }

  /// Before the first step of an epoch.
  private func clocks(_ stage: StagePlan, epoch: Int) -> [ModuleClock] {
    let training = engine.plan.training
    var clocks = [ModuleClock](repeating: .idle, count: engine.plan.modules.count)
    for module in stage.schedule.modules {
      let own = module.epoch(epoch)
      clocks[module.index - 1] = ModuleClock(
        learningRate: Float(training.learningRate(module: module.index, epoch: own)),
        step: training.epochsSinceRestart(module: module.index, epoch: own) * stage.stepsPerEpoch)
    }
    return clocks
  }

  private func tell(_ event: RunEvent, _ observer: RunObserver) throws(RunError) {
    do {
      try observer(event)
    } catch {
      throw .observer(error)
    }
  }

  private mutating func fillOrder(epoch: Int) {
    let seed = engine.plan.training.seed
    unsafe order.withUnsafeMutableBufferPointer { unsafe EpochOrder.fill($0, seed: seed, epoch: epoch) }
  }

  private func evaluate(_ stage: StagePlan, epoch: Int) -> [EpochFigures] {
    let start = now()
    let sums = Evaluator(engine: engine, pictures: pictures).run(stage.evaluation).filter { $0.module > 0 }
    return figures(sums, stage, epoch: epoch, split: .test, seconds: now() - start)
  }

  private func figures(
    _ sums: [MetricSums], _ stage: StagePlan, epoch: Int, split: Split, seconds: Double
  ) -> [EpochFigures] {
    sums.map {
      EpochFigures(
        module: $0.module, epoch: stage.epoch(ofModule: $0.module, epoch), split: split, loss: $0.meanLoss,
        top1: $0.top1, top5: $0.top5,
        seconds: seconds)
    }
  }
}

/// Measures loss and accuracy over the test pictures, in order, without augmentation.
package struct Evaluator {
  private let engine: Engine
  private let pictures: PicturePreparer

  package init(engine: Engine, pictures: PicturePreparer) {
    self.engine = engine
    self.pictures = pictures
  }

  /// Sums by metric of the program: its modules in order, then the ensemble (module 0) where it has one.
  package func run(_ program: Program) -> [MetricSums] {
    var sums = program.graph.metrics.map { MetricSums(module: $0.module) }
    let batch = program.graph.batch
    var indices = [Int32](repeating: 0, count: batch)
    let clocks = [ModuleClock](repeating: .idle, count: engine.plan.modules.count)
    var first = 0
    while first < pictures.dataset.facts.testCount {
      let count = min(batch, pictures.dataset.facts.testCount - first)
      for position in 0..<count { indices[position] = Int32(first + position) }
      engine.prepare(
        pictures, split: .test, indices: indices.span.extracting(0..<count), epoch: nil, for: program)
      engine.run(program, batch: count, clocks: clocks)
      engine.addMetrics(of: program, pictures: count, to: &sums)
      first += count
    }
    return sums
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
