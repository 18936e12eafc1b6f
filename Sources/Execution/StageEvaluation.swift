internal import Datasets
internal import Planning

/// Measures the modules of a stage at the end of an epoch.
struct StageEvaluation {
  let engine: Engine
  let source: BatchSource
  let stage: StagePlan
  let now: () -> Double
  let shouldStop: () -> Bool

  /// Behind the stage's last epoch the modules before those that learn are measured with them, where that is planned: then
  /// the ensembles have all modules up to there. The frozen ones need no second look, for nothing changes them.
  ///
  /// - Parameter epoch: of the stage, from 1.
  /// - Returns: of every module that has as many epochs; nil if it should stop on the way.
  func run(epoch: Int) -> [EpochFigures]? {
    let start = now()
    let sums: [MetricSums]?
    if epoch == stage.epochs, let program = stage.depthEvaluation {
      let pictures = BatchSource(pictures: source.pictures, features: nil)
      sums = Evaluator(engine: engine, source: pictures, stage: stage.index, ofAllDepths: true).run(
        program, unless: shouldStop)
    } else {
      sums = Evaluator(engine: engine, source: source, stage: stage.index).run(
        stage.evaluation, unless: shouldStop)
    }
    guard let sums else { return nil }
    let wanted = stage.schedule.modules.filter {
      $0.epoch(epoch) <= engine.plan.training.modules[$0.index - 1].totalEpochs
    }
    var figures = figures(
      sums.modules.filter { sum in wanted.contains { $0.index == sum.module } }, epoch: epoch, split: .test,
      seconds: now() - start)
    for index in figures.indices { figures[index].ensemble = sums.ensemble(upTo: figures[index].module) }
    return figures
  }

  func figures(_ sums: [MetricSums], epoch: Int, split: Split, seconds: Double) -> [EpochFigures] {
    sums.map {
      EpochFigures(
        module: $0.module, epoch: stage.epoch(ofModule: $0.module, epoch), split: split, loss: $0.meanLoss,
        top1: $0.top1, top5: $0.top5, seconds: seconds)
    }
  }
}
