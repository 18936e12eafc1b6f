package import Planning

/// Where an asynchronous training stands after so many events, as far as a position tells.
package enum ReplayPosition {
  /// Why a position can't be one of a plan's asynchronous stage; nil where it can.
  package static func fault(in position: RunPosition, of plan: Plan) -> String? {
    let stage = plan.stages[position.stage - 1]
    // Behind the stage nothing of it is left to tell.
    if position.epoch > stage.epochs && position.step == 0 { return nil }
    let batches = EpochBatches(plan.training, images: plan.data.facts.trainCount)
    var simulation = ReplaySimulation(plan.training, stepsPerEpoch: stage.stepsPerEpoch)
    var imageCounts = stage.schedule.indices.map { _ in 0 }
    var (epochsBefore, epochsDone) = (0, 0)
    var last: ReplaySimulation.Event?
    for _ in 0..<position.step {
      settle(last, stage, &imageCounts)
      epochsBefore = epochsDone
      guard let event = simulation.next() else { return "there is no event \(position.step)" }
      if event.learning != nil {
        let index = event.module - stage.schedule.modules[0].index
        imageCounts[index] += batches.positions(ofStep: event.batch % stage.stepsPerEpoch).count
      }
      if let done = event.epochsDone { epochsDone = done }
      last = event
    }
    guard position.epoch == epochsDone + 1 || position.epoch == epochsBefore + 1 else {
      return "there is no epoch \(position.epoch) at event \(position.step)"
    }
    // The end of a module's epoch may have been told, or be the next thing to tell.
    var settled = imageCounts
    settle(last, stage, &settled)
    for (index, sum) in position.sums.enumerated() {
      guard
        sum.loss.isFinite, [imageCounts[index], settled[index]].contains(sum.imageCount),
        sum.top1Count <= sum.imageCount, sum.top5Count <= sum.imageCount
      else { return "the figures of module \(sum.module) cannot be" }
    }
    return nil
  }

  private static func settle(
    _ event: ReplaySimulation.Event?, _ stage: StagePlan, _ imageCounts: inout [Int]
  ) {
    guard let event, event.learning?.step == stage.stepsPerEpoch else { return }
    imageCounts[event.module - stage.schedule.modules[0].index] = 0
  }
}
