package import Datasets
internal import GraphIR
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
    var sums = stage.training.graph.metrics.map { MetricSums(module: $0.module) }
    for step in 0..<warmUps + steps {
      let start = now()
      for index in clocks.indices { clocks[index].step += 1 }
      for position in 0..<batch {
        indices[position] = Int32((step * batch + position) % pictures.dataset.trainCount)
      }
      if step >= warmUps, var measured = profile {
        profile = nil
        profiledStep(stage, indices: indices.span, clocks: clocks, &measured)
        profile = measured
      } else {
        engine.step(stage, pictures, indices: indices.span, epoch: 1, clocks: clocks, sums: &sums)
      }
      if step >= warmUps { seconds.append(now() - start) }
      tick(step + 1)
    }
    return seconds
  }

  private func profiledStep(
    _ stage: StagePlan, indices: borrowing Span<Int32>, clocks: [ModuleClock], _ profile: inout StepProfile
  ) {
    let (batch, choices) = (indices.count, engine.plan.choices)
    let pieceCount = choices.pieceCount(of: batch)
    for index in 0..<pieceCount {
      let piece = choices.piece(index, of: batch)
      let start = now()
      engine.prepare(
        pictures, split: .train, indices: indices.extracting(piece), epoch: 1, for: stage.training)
      profile.preparationSeconds += now() - start
      engine.run(
        stage.training, batch: piece.count,
        piece: StepPiece(batch: batch, isFirst: index == 0, isLast: index == pieceCount - 1),
        clocks: clocks, profile: &profile, now: now)
    }
  }
}
