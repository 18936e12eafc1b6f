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
  func run(epoch: Int) throws(RunError) -> [EpochFigures]? {
    let start = now()
    guard let sums = try sums(epoch: epoch) else { return nil }
    let wanted = stage.schedule.modules.filter {
      $0.epoch(epoch) <= engine.plan.training.modules[$0.index - 1].totalEpochs
    }
    var figures = figures(
      sums.modules.filter { sum in wanted.contains { $0.index == sum.module } }, epoch: epoch, split: .test,
      seconds: now() - start)
    for index in figures.indices { figures[index].ensemble = sums.ensemble(upTo: figures[index].module) }
    return figures
  }

  private func sums(epoch: Int) throws(RunError) -> [MetricSums]? {
    var evaluator = Evaluator(engine: engine, source: source, stage: stage.index)
    var program = stage.evaluation
    if epoch == stage.epochs, let ofAllDepths = stage.depthEvaluation {
      let pictures = BatchSource(pictures: source.pictures, features: nil)
      evaluator = Evaluator(engine: engine, source: pictures, stage: stage.index, ofAllDepths: true)
      program = ofAllDepths
    }
    do throws(NotFinite) {
      return try evaluator.run(program, unless: shouldStop)
    } catch {
      if let failure = source.takeReadFailure() { throw failure }
      var found = error
      found.epoch = stage.epoch(ofModule: found.module, epoch)
      if stage.schedule.indices.contains(found.module) {
        found.learningRate = engine.plan.training.learningRate(
          module: found.module, epoch: stage.epoch(ofModule: found.module, epoch))
      }
      throw .notFinite(found)
    }
  }

  func figures(_ sums: [MetricSums], epoch: Int, split: Split, seconds: Double) -> [EpochFigures] {
    sums.map {
      EpochFigures(
        module: $0.module, epoch: stage.epoch(ofModule: $0.module, epoch), split: split, loss: $0.meanLoss,
        top1: $0.top1, top5: $0.top5, seconds: seconds)
    }
  }
}
