internal import CostModel
package import GraphIR

/// The graphs of one stage, all passes done.
package struct StageGraphs: Sendable {
  package var schedule: StageSchedule
  package var training: Graph
  /// Asynchronous training of more than one module.
  package var feeding: Graph?
  package var evaluation: Graph

  package init(schedule: StageSchedule, training: Graph, feeding: Graph? = nil, evaluation: Graph) {
    self.schedule = schedule
    self.training = training
    self.feeding = feeding
    self.evaluation = evaluation
  }
}

/// Lays stages out in one arena.
package struct Planner {
  package let threads: Int
  private let training: TrainingPlan
  let facts: DataFacts
  package let choices: PlanChoices

  package init(threads: Int, training: TrainingPlan, facts: DataFacts, choices: PlanChoices) {
    self.threads = threads
    self.training = training
    self.facts = facts
    self.choices = choices
  }

  /// Bytes that a training program may take behind what is resident in its stage, where values are computed again.
  package func transientLimit(
    of training: Graph, _ schedule: StageSchedule, network: ResidentLayout
  ) -> Int? {
    choices.recomputeAboveBytes.map {
      $0 - network.during(upTo: schedule.lastKeptModule, stateOf: training).endOffset
    }
  }

  /// A stage behind the parameters of the modules that it knows.
  package func stage(_ graphs: StageGraphs, index: Int, network: ResidentLayout) -> StagePlan {
    let resident = network.during(upTo: graphs.schedule.lastKeptModule, stateOf: graphs.training)
    let training = program(graphs.training, resident: resident)
    let evaluation = program(graphs.evaluation, resident: resident)
    let feeding = graphs.feeding.map { program($0, resident: resident) }
    var (peak, kind) = (training, PeakLocation.ProgramKind.training)
    if let feeding, feeding.peak.total > peak.peak.total { (peak, kind) = (feeding, .feeding) }
    if evaluation.peak.total > peak.peak.total { (peak, kind) = (evaluation, .evaluation) }
    return StagePlan(
      index: index, schedule: graphs.schedule,
      stepsPerEpoch: self.training.steps(pictures: facts.trainCount), training: training,
      feeding: feeding, evaluation: evaluation, resident: resident,
      memory: figures(
        peak.peak, arenaBytes: max(training.arenaBytes, evaluation.arenaBytes, feeding?.arenaBytes ?? 0),
        at: PeakLocation(program: kind, node: peak.peakNode)))
  }

  /// The program behind everything that is resident, its layout proved.
  package func program(_ graph: Graph, resident: ResidentLayout) -> Program {
    let program = Program(graph: graph, resident: resident, base: resident.endOffset, workers: threads)
    do {
      try PlanVerifier(program).verify()
    } catch {
      preconditionFailure("the packer broke the layout: \(error)")
    }
    return program
  }

  package func figures(_ breakdown: MemoryBreakdown, arenaBytes: Int, at peak: PeakLocation) -> MemoryFigures
  {
    MemoryFigures(
      breakdown: breakdown, arenaBytes: arenaBytes,
      dataBytes: facts.residentBytes(choices.data, threads: threads),
      runtimeBytes: RuntimeMemory.byteCount(threads: threads), peak: peak)
  }
}

extension ModuleSummary {
  /// Parameters and multiply-adds of every module, from the network's forward graph.
  package static func all(of graph: Graph, names: [String]) -> [ModuleSummary] {
    var summaries = names.enumerated().map { index, name in
      ModuleSummary(
        index: index + 1, name: name, parameters: 0, multiplyAdds: 0, auxiliaryParameters: 0,
        auxiliaryMultiplyAdds: 0)
    }
    for node in graph.nodes where node.module > 0 {
      let parameters = node.operands.map { graph[$0] }.filter { $0.category == .parameter }
      let parameterCount = parameters.map(\.type.elementCount).reduce(0, +)
      let multiplyAdds = node.multiplyAddsPerPicture(in: graph)
      switch node.part {
      case .layers:
        summaries[node.module - 1].parameters += parameterCount
        summaries[node.module - 1].multiplyAdds += multiplyAdds
      case .auxiliary:
        summaries[node.module - 1].auxiliaryParameters += parameterCount
        summaries[node.module - 1].auxiliaryMultiplyAdds += multiplyAdds
      }
    }
    return summaries
  }
}

extension Planner {
  /// Puts a plan together and finds its peak.
  package func plan(
    name: String, specText: String, data: DataPlan, network: Graph, moduleNames: [String], classes: Int,
    resident: ResidentLayout, stages: [StagePlan], evaluation: Program, budgetBytes: Int?, places: PlanPlaces
  ) -> Plan {
    var peak = PlanPeak(self, evaluation: evaluation)
    for stage in stages { peak.add(stage) }
    return Plan(
      name: name, threads: threads, specText: specText, data: data, training: training,
      input: network.shape(network.pictures), classes: classes,
      modules: ModuleSummary.all(of: network, names: moduleNames), resident: resident, stages: stages,
      evaluation: evaluation, memory: peak.memory, peakStage: peak.stage, budgetBytes: budgetBytes,
      choices: choices, places: places)
  }
}
