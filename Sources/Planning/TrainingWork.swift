/// How much of a training is behind a position, in multiply-adds of its steps and evaluations: what a run's pace is measured by,
/// without knowing the machine.
package struct TrainingWork: Sendable {
  private struct Stage {
    var epochs, steps: Int
    var step, evaluation: Double

    var epoch: Double { Double(steps) * step + evaluation }
    var total: Double { Double(epochs) * epoch }
  }

  private let stages: [Stage]
  package let total: Double

  /// - Complexity: walks the graphs of every stage once.
  package init(_ plan: Plan) {
    stages = plan.stages.map { stage in
      let training = StepMultiplyAdds(
        stage.training.graph, trained: stage.schedule.indices, batch: plan.training.batch)
      let evaluation = StepMultiplyAdds(
        stage.evaluation.graph, trained: [], batch: plan.data.facts.testCount)
      // A step costs something where nothing is multiplied, too.
      return Stage(
        epochs: stage.epochs, steps: stage.stepsPerEpoch, step: Double(training.total) + 1,
        evaluation: Double(evaluation.total))
    }
    total = stages.map(\.total).reduce(0, +)
  }

  /// Before a step of an epoch of a stage; stages and epochs count from 1, and `step` are done.
  package func done(stage: Int, epoch: Int, step: Int) -> Double {
    guard stages.indices.contains(stage - 1) else { return total }
    let before = stages[..<(stage - 1)].map(\.total).reduce(0, +)
    let now = stages[stage - 1]
    let ended = Double(min(max(0, epoch - 1), now.epochs)) * now.epoch
    return before + ended + (epoch <= now.epochs ? Double(min(step, now.steps)) * now.step : 0)
  }
}
