internal import Datasets
internal import Planning

/// Measures the modules of a stage at the end of an epoch.
struct StageEvaluation {
  private let run: StageRun
  private var stage: StagePlan { run.stage }

  init(_ run: StageRun) {
    self.run = run
  }

  /// Behind the stage's last epoch the modules before those that learn are measured with them, where that is planned: then
  /// the ensembles have all modules up to there. The frozen ones need no second look, for nothing changes them.
  ///
  /// - Parameter epoch: of the stage, from 1.
  /// - Returns: of every module that has as many epochs; nil if it should stop on the way.
  func measure(epoch: Int) throws(RunError) -> [EpochFigures]? {
    let start = run.now()
    guard let sums = try sums(epoch: epoch) else { return nil }
    let wanted = stage.schedule.modules.filter {
      $0.epoch(epoch) <= run.settings.modules[$0.index - 1].totalEpochs
    }
    var figures = figures(
      sums.modules.filter { sum in wanted.contains { $0.index == sum.module } }, epoch: epoch, split: .test,
      seconds: run.now() - start)
    for index in figures.indices { figures[index].ensemble = sums.ensemble(upTo: figures[index].module) }
    return figures
  }

  private func sums(epoch: Int) throws(RunError) -> [MetricSums]? {
    var (source, role) = (run.source, ProgramRole.evaluation)
    if epoch == stage.epochs, stage.programs[.depthEvaluation] != nil {
      (source.features, role) = (nil, .depthEvaluation)
    }
    guard let program = stage.programs[role] else { preconditionFailure("each stage is measured") }
    let evaluator = Evaluator(engine: run.engine, source: source, ProgramID(role, stage: stage.index))
    do throws(NotFinite) {
      return try evaluator.run(program, unless: run.shouldStop)
    } catch {
      if let failure = run.source.takeReadFailure() { throw failure }
      var found = error
      found.epoch = stage.epoch(ofModule: found.module, epoch)
      if stage.schedule.indices.contains(found.module) {
        found.learningRate = run.settings.learningRate(
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
