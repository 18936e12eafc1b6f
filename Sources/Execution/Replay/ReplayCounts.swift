package import Planning

/// What an asynchronous stage comes to, known before it is run: the simulation needs no data.
package struct ReplayCounts: Hashable, Sendable {
  /// Steps and passes of all modules.
  package var events = 0
  /// By module that learns: passes that only feed the next one, after its last epoch.
  package var feedingCount: [Int] = []
  /// By module that learns: turns without anything to read.
  package var starvedCount: [Int] = []

  /// Turns, of which longer trainings are not counted: those that find nothing to read take as long as others. Reading looks
  /// through the whole ring: a large one makes fewer turns.
  package static let longest = 5_000_000
  private static let ordinarySlots = 64

  /// Nil for other strategies, and where it would take long to count.
  package init?(_ plan: Plan, longest: Int = Self.longest) {
    guard let replay = plan.training.replay, let stage = plan.stages.first else { return nil }
    let longest = longest / max(1, replay.slots / Self.ordinarySlots)
    var simulation = ReplaySimulation(plan.training, stepsPerEpoch: stage.stepsPerEpoch)
    let first = stage.schedule.modules[0].index
    feedingCount = stage.schedule.modules.map { _ in 0 }
    while let event = simulation.next() {
      events += 1
      guard simulation.turnCount <= longest else { return nil }
      if event.learning == nil { feedingCount[event.module - first] += 1 }
    }
    starvedCount = simulation.starvedCount
  }
}
