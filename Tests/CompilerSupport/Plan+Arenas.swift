package import Planning

extension Plan {
  /// The most that a program needs which makes a step.
  package var trainingArenaBytes: Int {
    stages.flatMap(\.programs.all).filter(\.role.runsTrainingBatches).map(\.element.arenaBytes).max() ?? 0
  }

  /// The most that a program needs which only runs forward.
  package var forwardArenaBytes: Int {
    stages.flatMap(\.programs.all).filter { !$0.role.runsTrainingBatches }.map(\.element.arenaBytes)
      .reduce(evaluation.arenaBytes, max)
  }
}
