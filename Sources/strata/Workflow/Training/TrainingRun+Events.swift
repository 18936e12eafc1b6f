internal import Artifacts
internal import Base
internal import Execution
internal import Planning
internal import Terminal
internal import Text

extension TrainingRun {
  mutating func follow(_ event: RunEvent, _ engine: Engine) throws(ObserverFailure) {
    do throws(FileError) {
      switch event {
      case .stageBegan, .stageEnded: break
      case .frozenUnchanged(let frozen):
        let modules = frozen.modules.map { "\($0)" }.joined(separator: ", ")
        let layers = frozen.layers.map { "the layers of module \($0)" }
        let what = [frozen.modules.isEmpty ? nil : "modules \(modules)", layers].compactMap(\.self)
        try folder.appendLog(
          "stage \(frozen.stage): frozen \(what.joined(separator: " and ")) are unchanged, "
            + "SHA-256 \(frozen.sha256)")
      case .narrowed(let report): try keep(report)
      case .stepEnded(let step):
        show(step)
        try keep(step)
        writeStatus(at: step.position, step)
        if isCheckpointDue(atEpochEnd: false) { try writeCheckpoint(at: step.position, engine) }
      case .epochEnded(let report):
        let stage = plan.stages[report.next.stage - 1]
        try keep(report, of: stage)
        if report.epoch == stage.epochs || isCheckpointDue(atEpochEnd: true) {
          try writeCheckpoint(at: report.next, engine)
        }
        writeStatus(at: report.next)
        writePage()
      }
    } catch {
      throw ObserverFailure(message: error.message)
    }
  }

  private mutating func show(_ step: StepProgress) {
    let position = step.position
    let stage = plan.stages[position.stage - 1]
    if let own = step.module {
      for sum in position.sums where sum.module == own.index {
        progress.update(
          module: own.index, epoch: own.epoch, of: plan.training.modules[own.index - 1].totalEpochs,
          step: own.step, of: step.stepCount, loss: sum.meanLoss, top1: sum.top1,
          imagesPerSecond: step.imagesPerSecond)
      }
      return
    }
    for sum in position.sums {
      progress.update(
        module: sum.module, epoch: stage.epoch(ofModule: sum.module, position.epoch),
        of: plan.training.modules[sum.module - 1].totalEpochs, step: position.step, of: step.stepCount,
        loss: sum.meanLoss, top1: sum.top1, imagesPerSecond: step.imagesPerSecond)
    }
  }

  private mutating func keep(_ step: StepProgress) throws(FileError) {
    let now = monotonicSeconds()
    guard let (seconds, last) = logEvery, now - last >= seconds else { return }
    logEvery?.last = now
    let stage = plan.stages[step.position.stage - 1]
    let lines = step.json(withTop5: plan.classes > 10) { module in
      let epoch = step.module?.epoch ?? stage.epoch(ofModule: module, step.position.epoch)
      return (epoch, plan.training.learningRate(module: module, epoch: epoch))
    }
    for line in lines { try folder.appendMetrics(line) }
  }

  private mutating func keep(_ report: NarrowingReport) throws(FileError) {
    try folder.appendMetrics(report.json)
    let words =
      "module \(report.module) keeps \(report.kept.count) of \(report.scores.count) channels: "
      + "test top1 \(percentage(report.test.top1)) before fine-tuning, "
      + "ranked and measured in \(duration(seconds: report.seconds))"
    try folder.appendLog(words)
    progress.message(words)
  }

  private mutating func keep(_ report: EpochReport, of stage: StagePlan) throws(FileError) {
    let tests = report.figures.filter { $0.split == .test }
    let imageCount = min(plan.data.facts.trainCount, stage.stepsPerEpoch * plan.training.batch)
    for figure in report.figures {
      let rate =
        figure.split == .train
        ? plan.training.learningRate(module: figure.module, epoch: figure.epoch) : nil
      try folder.appendMetrics(figure.json(withTop5: plan.classes > 10, learningRate: rate))
      try folder.appendLog(
        "module \(figure.module), epoch \(figure.epoch), \(figure.split.rawValue): "
          + "loss \(fixed(figure.loss, decimals: 4)), top1 \(percentage(figure.top1)), "
          + (rate.map { "learning rate \(rateText($0)), " } ?? "") + "\(duration(seconds: figure.seconds))")
      summary.note(figure)
      try events?.append(figure, learningRate: rate)
      guard figure.split == .train else { continue }
      progress.finishEpoch(
        module: figure.module, epoch: figure.epoch, of: plan.training.modules[figure.module - 1].totalEpochs,
        loss: figure.loss, top1: figure.top1, testTop1: tests.first { $0.module == figure.module }?.top1,
        imagesPerSecond: Double(imageCount) / max(figure.seconds, 1e-9), seconds: figure.seconds)
    }
    // The module's own epoch, as in the lines above: fine-tuning is a stage of its own and counts from 1 again.
    if let test = tests.last, let ensemble = test.ensemble {
      try folder.appendLog(
        "ensemble to module \(ensemble.module), epoch \(test.epoch), test: loss \(fixed(ensemble.meanLoss, decimals: 4)), "
          + "top1 \(percentage(ensemble.top1))")
    }
    // Modules that learn together share their images and their time; in asynchronous training each has its own time.
    guard let trained = report.figures.first(where: { $0.split == .train }) else { return }
    try events?.append(
      [
        ("images per second", Double(imageCount) / max(trained.seconds, 1e-9)),
        ("memory/resident MiB", Double(ProcessMemory.peakBytes ?? 0) / 1_048_576),
        ("memory/planned MiB", Double(plan.memory.peakBytes) / 1_048_576),
      ], epoch: trained.epoch)
    totals.trainingSeconds += trained.seconds
    if plan.training.strategy != .asynchronous || trained.module == stage.schedule.modules[0].index {
      totals.trainedImages += imageCount
    }
  }
}
