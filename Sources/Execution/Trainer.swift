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
    let training = engine.plan.training
    for stage in engine.plan.stages {
      try tell(.stageBegan(stage.index), observer)
      engine.initialize(stage.modules, in: stage.resident)
      for epoch in 1...stage.epochs {
        if training.dropsMomentum(before: epoch) { engine.clearOptimizerState(in: stage.resident) }
        var figures = try train(stage, epoch: epoch, observer)
        figures += evaluate(stage, epoch: epoch)
        try tell(.epochEnded(stage: stage.index, epoch: epoch, figures: figures), observer)
      }
      try tell(.stageEnded(stage.index), observer)
    }
  }

  private mutating func train(
    _ stage: StagePlan, epoch: Int, _ observer: RunObserver
  ) throws(RunError) -> [EpochFigures] {
    let training = engine.plan.training
    let start = now()
    let rate = training.learningRate(epoch: epoch)
    let rates = [Float](repeating: Float(rate), count: engine.plan.modules.count)
    var sums = stage.training.graph.metrics.map { MetricSums(module: $0.module) }
    fillOrder(epoch: epoch)
    for step in 1...max(1, stage.stepsPerEpoch) where step <= stage.stepsPerEpoch {
      let first = (step - 1) * training.batch
      let count = min(training.batch, order.count - first)
      engine.prepare(
        pictures, split: .train, indices: order.span.extracting(first..<first + count), epoch: epoch,
        for: stage.training)
      engine.run(stage.training, batch: count, learningRates: rates)
      engine.addMetrics(of: stage.training, pictures: count, to: &sums)
      for sum in sums where !sum.loss.isFinite {
        throw .lossNotFinite(module: sum.module, epoch: epoch, step: step, learningRate: rate)
      }
      try tell(
        .stepEnded(
          StepProgress(
            stage: stage.index, epoch: epoch, step: step, stepCount: stage.stepsPerEpoch, sums: sums,
            picturesPerSecond: Double(first + count) / max(now() - start, 1e-9))), observer)
    }
    return figures(sums, epoch: epoch, split: .train, seconds: now() - start)
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
    return figures(sums, epoch: epoch, split: .test, seconds: now() - start)
  }

  private func figures(_ sums: [MetricSums], epoch: Int, split: Split, seconds: Double) -> [EpochFigures] {
    sums.map {
      EpochFigures(
        module: $0.module, epoch: epoch, split: split, loss: $0.meanLoss, top1: $0.top1, top5: $0.top5,
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
    var first = 0
    while first < pictures.dataset.facts.testCount {
      let count = min(batch, pictures.dataset.facts.testCount - first)
      for position in 0..<count { indices[position] = Int32(first + position) }
      engine.prepare(
        pictures, split: .test, indices: indices.span.extracting(0..<count), epoch: nil, for: program)
      engine.run(
        program, batch: count, learningRates: [Float](repeating: 0, count: engine.plan.modules.count))
      engine.addMetrics(of: program, pictures: count, to: &sums)
      first += count
    }
    return sums
  }
}
