package import Datasets
package import Planning

/// Times training steps of one stage: preparation of the batch, then every node of the program.
package struct StepBenchmark {
  private let engine: Engine
  private let pictures: PicturePreparer
  private let now: () -> Double

  package init(engine: Engine, pictures: PicturePreparer, now: @escaping () -> Double) {
    self.engine = engine
    self.pictures = pictures
    self.now = now
  }

  /// Seconds of each of `steps` steps, after `warmUps` that do not count.
  package func run(_ stage: StagePlan, steps: Int, warmUps: Int, tick: (Int) -> Void) -> [Double] {
    let plan = engine.plan
    engine.initialize(1...stage.modules.upperBound, in: stage.resident)
    let rates = [Float](repeating: Float(plan.training.learningRate), count: plan.modules.count)
    let batch = plan.training.batch
    var indices = [Int32](repeating: 0, count: batch)
    var seconds: [Double] = []
    for step in 0..<warmUps + steps {
      let start = now()
      for position in 0..<batch {
        indices[position] = Int32((step * batch + position) % pictures.dataset.trainCount)
      }
      engine.prepare(pictures, split: .train, indices: indices.span, epoch: 1, for: stage.training)
      engine.run(stage.training, batch: batch, learningRates: rates)
      if step >= warmUps { seconds.append(now() - start) }
      tick(step + 1)
    }
    return seconds
  }
}
