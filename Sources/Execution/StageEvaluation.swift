internal import Datasets
internal import Planning

/// Measures the modules of a stage at the end of an epoch.
struct StageEvaluation {
  let engine: Engine
  let source: BatchSource
  let stage: StagePlan
  let now: () -> Double
  let shouldStop: () -> Bool

  /// - Parameter epoch: of the stage, from 1.
  /// - Returns: of every module, and of their ensemble where there are more than one; nil if it should stop on the way.
  func run(epoch: Int) -> (modules: [EpochFigures], ensemble: MetricSums?)? {
    let start = now()
    let evaluator = Evaluator(engine: engine, source: source, stage: stage.index)
    guard let sums = evaluator.run(stage.evaluation, unless: shouldStop) else { return nil }
    let modules = figures(
      sums.filter { $0.module > 0 }, epoch: epoch, split: .test, seconds: now() - start)
    return (modules, sums.first { $0.module == 0 })
  }

  func figures(_ sums: [MetricSums], epoch: Int, split: Split, seconds: Double) -> [EpochFigures] {
    sums.map {
      EpochFigures(
        module: $0.module, epoch: stage.epoch(ofModule: $0.module, epoch), split: split, loss: $0.meanLoss,
        top1: $0.top1, top5: $0.top5, seconds: seconds)
    }
  }
}
