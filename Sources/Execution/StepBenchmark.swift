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
  ///
  /// - Parameter profile: where the time goes, node by node; nil measures steps alone.
  package func run(
    _ stage: StagePlan, steps: Int, warmUps: Int, profile: inout StepProfile?, tick: (Int) -> Void
  ) -> [Double] {
    let plan = engine.plan
    engine.initialize(Array(1...stage.schedule.lastModule), in: stage.resident)
    var clocks = plan.training.modules.map { ModuleClock(learningRate: Float($0.learningRate), step: 0) }
    let batch = plan.training.batch
    var indices = [Int32](repeating: 0, count: batch)
    var seconds: [Double] = []
    for step in 0..<warmUps + steps {
      let start = now()
      for index in clocks.indices { clocks[index].step += 1 }
      for position in 0..<batch {
        indices[position] = Int32((step * batch + position) % pictures.dataset.trainCount)
      }
      engine.prepare(pictures, split: .train, indices: indices.span, epoch: 1, for: stage.training)
      if step >= warmUps, var measured = profile {
        profile = nil
        measured.preparationSeconds += now() - start
        engine.run(stage.training, batch: batch, clocks: clocks, profile: &measured, now: now)
        profile = measured
      } else {
        engine.run(stage.training, batch: batch, clocks: clocks)
      }
      if step >= warmUps { seconds.append(now() - start) }
      tick(step + 1)
    }
    return seconds
  }
}
