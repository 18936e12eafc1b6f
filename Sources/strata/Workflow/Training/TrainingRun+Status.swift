internal import Artifacts
internal import Execution
internal import Glibc
internal import Planning
internal import Terminal
internal import Text

/// What a run writes for those who look at its folder while it is at work: `status.json` and `report.html`. Both at a distance in
/// time, so that neither slows the training down, and both of a size that does not grow with the run.
struct LiveReport {
  /// Between two writings of `status.json`; the first ones come sooner, so that there is soon a pace to tell.
  private static let statusSeconds = 1.0...10.0
  /// Between two pages at least; and the training takes so many times what the pages take.
  private static let pageSeconds = 5.0
  private static let trainingShare = 50.0

  let host = Artifacts.hostName()
  let started = ClockTime.now
  private let work: TrainingWork
  /// Of an asynchronous training, whose position counts them; nil elsewhere, and where they are not counted.
  private let eventCount: Int?
  /// Where this process took the training up, and when.
  private var begin: (seconds: Double, done: Double)?
  private var lastStatusSeconds = -Double.infinity
  private var lastPage = (end: -Double.infinity, seconds: 0.0)

  init(_ plan: Plan, eventCount: Int?) {
    work = TrainingWork(plan)
    self.eventCount = eventCount
  }

  /// Of the whole training, 0 to 1.
  ///
  /// - Parameter endedEpochs: of all modules together.
  private func fraction(_ position: RunPosition, _ endedEpochs: Int, of plan: Plan) -> Double {
    if plan.training.strategy == .asynchronous {
      guard position.epoch <= plan.stages[0].epochs else { return 1 }
      if let eventCount { return min(1, Double(position.step) / Double(max(1, eventCount))) }
      let epochs = plan.training.modules.map(\.totalEpochs).reduce(0, +)
      return min(1, Double(endedEpochs) / Double(max(1, epochs)))
    }
    return work.done(stage: position.stage, epoch: position.epoch, step: position.step) / max(1, work.total)
  }

  mutating func begin(at position: RunPosition, _ endedEpochs: Int, of plan: Plan, now: Double) {
    begin = (now, fraction(position, endedEpochs, of: plan))
  }

  /// At the pace of this process so far; nil until there is one.
  func secondsLeft(at position: RunPosition, _ endedEpochs: Int, of plan: Plan, now: Double) -> Double? {
    let fraction = fraction(position, endedEpochs, of: plan)
    guard let begin, fraction > begin.done, now > begin.seconds else { return nil }
    return (now - begin.seconds) * (1 - fraction) / (fraction - begin.done)
  }

  func isStatusDue(now: Double) -> Bool {
    let age = now - (begin?.seconds ?? now)
    return now - lastStatusSeconds
      >= min(Self.statusSeconds.upperBound, max(Self.statusSeconds.lowerBound, age / 2))
  }

  mutating func noteStatus(now: Double) { lastStatusSeconds = now }

  func isPageDue(now: Double) -> Bool {
    now - lastPage.end >= max(Self.pageSeconds, Self.trainingShare * lastPage.seconds)
  }

  mutating func notePage(from start: Double, to end: Double) { lastPage = (end, end - start) }
}

extension TrainingRun {
  /// Replaces `status.json` where the last one is old. That it cannot be written stops nothing.
  ///
  /// - Parameter step: that has just been made; nil behind an epoch.
  mutating func writeStatus(at position: RunPosition, _ step: StepProgress? = nil, isForced: Bool = false) {
    let now = monotonicSeconds()
    guard isForced || live.isStatusDue(now: now) else { return }
    live.noteStatus(now: now)
    let stage = plan.stages[min(position.stage, plan.stages.count) - 1]
    let modules = stage.schedule.modules.map { module in
      let sum = position.sums.first { $0.module == module.index }
      let known = summary.modules[module.index - 1].train
      let epoch = min(
        step?.module.flatMap { $0.index == module.index ? $0.epoch : nil } ?? module.epoch(position.epoch),
        max(1, plan.training.modules[module.index - 1].totalEpochs))
      return RunProgress.Module(
        index: module.index, epoch: epoch, loss: sum?.meanLoss ?? known?.loss, top1: sum?.top1 ?? known?.top1,
        learningRate: plan.training.learningRate(module: module.index, epoch: epoch))
    }
    folder.writeStatus(
      RunProgress(
        host: live.host, process: Int(getpid()), started: live.started, updated: .now, stage: stage.index,
        stageCount: plan.stages.count, epoch: min(position.epoch, stage.epochs), epochCount: stage.epochs,
        step: position.step, stepCount: step?.stepCount ?? stage.stepsPerEpoch, modules: modules,
        imagesPerSecond: step?.imagesPerSecond ?? imagesPerSecondSoFar,
        seconds: totals.seconds + now - start,
        secondsLeft: live.secondsLeft(at: position, endedEpochs, of: plan, now: now),
        plannedPeakBytes: plan.memory.peakBytes, peakBytes: ProcessMemory.peakBytes,
        residentBytes: ProcessMemory.residentBytes))
  }

  /// Of all modules together.
  private var endedEpochs: Int { summary.modules.map { $0.train?.epoch ?? 0 }.reduce(0, +) }

  /// Begins to take the time, and shows the folder's readers that a process is at work.
  mutating func beginStatus(at position: RunPosition) {
    live.begin(at: position, endedEpochs, of: plan, now: monotonicSeconds())
    writeStatus(at: position, isForced: true)
  }

  private var imagesPerSecondSoFar: Double? {
    totals.trainingSeconds > 0 ? Double(totals.trainedImages) / totals.trainingSeconds : nil
  }

  /// Rewrites `report.html` with what there is so far, where the last one is old.
  mutating func writePage() {
    let start = monotonicSeconds()
    guard live.isPageDue(now: start) else { return }
    RunReport.write(ready, in: folder.path, state: nil, session)
    live.notePage(from: start, to: monotonicSeconds())
  }
}
