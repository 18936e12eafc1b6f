package import GraphIR

extension Planner {
  /// The plan of one rank behind the tensors of its own modules.
  ///
  /// - Parameters:
  ///   - graphs: whose layout is of the group's modules alone.
  ///   - rank: only the first has the data.
  package func rank(_ graphs: StageGraphs, rank: Int, modules: ClosedRange<Int>) -> RankPlan {
    let planner = rank == 0 ? self : withoutData
    let stage = planner.stage(graphs, index: 1)
    var memory = stage.memory
    memory.dataBytes += planner.facts.openingBytes(
      choices.data, threads: threads, beyond: memory.arenaBytes)
    return RankPlan(rank: rank, modules: modules, stage: stage, memory: memory)
  }
}

extension Plan {
  /// One rank's share of a plan as a plan of its own: to be looked at, not to be run.
  package func ofRank(_ rank: RankPlan) -> Plan {
    var plan = self
    plan.ranks = nil
    plan.resident = rank.stage.resident
    plan.stages = [rank.stage]
    plan.evaluation = rank.stage.evaluation
    plan.memory = rank.memory
    plan.peakStage = 1
    return plan
  }
}
