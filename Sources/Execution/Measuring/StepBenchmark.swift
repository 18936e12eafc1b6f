package import Datasets
internal import GraphIR
package import Planning

/// Times training steps of one stage: preparation of the batch, then every node of the program.
package struct StepBenchmark {
  private let plan: Plan
  private let engine: Engine
  private let images: ImagePreparer
  private let now: () -> Double

  package init(plan: Plan, engine: Engine, images: ImagePreparer, now: @escaping () -> Double) {
    self.plan = plan
    self.engine = engine
    self.images = images
    self.now = now
  }

  /// Seconds of each of `steps` steps, after `warmUps` that do not count.
  ///
  /// - Throws: where a step leaves numbers that are infinite or NaN: arithmetic on them takes another time.
  /// - Parameter recorder: takes where the time of those steps goes; nil measures steps alone.
  package func run(
    _ stage: StagePlan, steps: Int, warmUps: Int, recorder: ProfileRecorder? = nil, tick: (Int) -> Void
  ) throws(NotFinite) -> [Double] {
    engine.initialize(Array(1...stage.schedule.lastModule), in: stage.resident, seed: plan.training.seed)
    var clocks = plan.training.modules.map { StepParameters(learningRate: Float($0.learningRate), step: 0) }
    let source = BatchSource(images: images, features: nil)
    let batch = plan.training.batch
    var indices = [Int32](repeating: 0, count: batch)
    var seconds: [Double] = []
    var sums = stage.training.graph.metrics.map { MetricSums(module: $0.module) }
    defer { engine.recorder = nil }
    for step in 0..<warmUps + steps {
      if step == warmUps { engine.recorder = recorder }
      let start = now()
      for index in clocks.indices { clocks[index].step += 1 }
      for position in 0..<batch {
        indices[position] = Int32((step * batch + position) % images.dataset.trainCount)
      }
      engine.step(stage, source, indices: indices.span, epoch: 1, clocks: clocks, sums: &sums)
      if step >= warmUps { seconds.append(now() - start) }
      if engine.takeNotFinite() || sums.contains(where: { !$0.loss.isFinite }) {
        var found = engine.locateNotFinite(
          sums, stage.resident, source, indices: indices, program: stage.training)
        found.step = step + 1
        found.learningRate = plan.training.modules[found.module - 1].learningRate
        throw found
      }
      tick(step + 1)
    }
    return seconds
  }
}
