package import CostModel
package import GraphIR
package import Operators

/// The graphs of one stage, all passes done.
package struct StageGraphs: Sendable {
  package var schedule: StageSchedule
  /// Training and evaluation are always there.
  package var graphs: ByRole<Graph>
  /// Whose output is what the stage starts from, the last module of its frozen prefix; nil where it starts from images.
  package var featureModule: Int?
  /// Of the network that the stage runs.
  package var network: ResidentLayout

  package init(
    schedule: StageSchedule, graphs: ByRole<Graph>, featureModule: Int? = nil, network: ResidentLayout
  ) {
    precondition(graphs[.training] != nil && graphs[.evaluation] != nil, "each stage learns and is measured")
    self.schedule = schedule
    self.graphs = graphs
    self.featureModule = featureModule
    self.network = network
  }

  package var training: Graph { graphs.training }
}

extension ByRole where Element == Graph {
  /// Each stage has one.
  package var training: Graph { self[.training]! }
  package var evaluation: Graph { self[.evaluation]! }
}

/// Lays stages out in one arena.
package struct Planner {
  package let threads: Int
  private let training: TrainingSettings
  let facts: DataFacts
  package let choices: PlanChoices
  /// Convolutions that take little scratch, in all programs of the plan.
  package let smallScratch: Set<ConvolutionPlace>

  package init(
    threads: Int, training: TrainingSettings, facts: DataFacts, choices: PlanChoices,
    smallScratch: Set<ConvolutionPlace> = []
  ) {
    self.threads = threads
    self.training = training
    self.facts = facts
    self.choices = choices
    self.smallScratch = smallScratch
  }

  /// The same for a process that holds no images.
  var withoutData: Planner {
    Planner(
      threads: threads, training: training,
      facts: DataFacts(
        trainCount: facts.trainCount, testCount: facts.testCount, residentBytes: 0,
        fingerprint: facts.fingerprint),
      choices: choices, smallScratch: smallScratch)
  }

  /// Workers that scratch is counted for where that decides what is computed again, and how: the same graphs for any number.
  package var countedThreads: Int { choices.scratchThreads ?? threads }

  /// What a stage ends with where its module loses channels.
  package func narrowing(behind schedule: StageSchedule) -> TrainingSettings.Module.Narrowing? {
    training.narrowing(behind: schedule)
  }

  /// What lies in front of the transient values of a stage's programs.
  ///
  /// - Parameter graph: of its training.
  package func resident(
    in schedule: StageSchedule, of graph: Graph, network: ResidentLayout
  ) -> ResidentLayout {
    network.during(
      upTo: schedule.lastKeptModule, stateOf: graph, scores: self.training.scores(of: schedule))
  }

  /// A stage behind the parameters of the modules that it knows.
  ///
  /// - Parameter previous: the stage before; nil for the first.
  package func stage(
    _ graphs: StageGraphs, index: Int, previous: StagePlan? = nil
  ) -> StagePlan {
    let schedule = graphs.schedule
    let resident = resident(in: schedule, of: graphs.training, network: graphs.network)
    let features = graphs.featureModule.map {
      self.features(
        ofModule: $0, graphs.graphs, behind: resident, previous: previous?.features,
        tunes: schedule.purpose != .training)
    }
    var programs = ByRole<Program>()
    for (role, graph) in graphs.graphs.all {
      let kept = role == .featuresOfPrevious ? features?.makingRange : features?.range
      programs[role] = program(graph, resident: resident, features: kept)
    }
    let narrowing = programs[.ranking].map {
      self.narrowing(schedule, resident: resident, batch: $0.graph.batch)
    }
    let memory = figures(of: programs)
    return StagePlan(
      index: index, schedule: schedule, stepsPerEpoch: training.steps(images: facts.trainCount),
      pieces: choices.pieces, programs: programs, features: features, narrowing: narrowing,
      resident: resident, memory: memory)
  }

  /// Of a stage's programs, the first of equal ones making the peak.
  private func figures(of programs: ByRole<Program>) -> MemoryFigures {
    var (peak, role) = (programs.training, ProgramRole.training)
    for (other, program) in programs.all where program.peak.total > peak.peak.total {
      (peak, role) = (program, other)
    }
    let all = programs.allElements
    return figures(
      peak.peak, arenaBytes: all.map(\.arenaBytes).max() ?? 0, runtime: runtime(of: all),
      at: PeakLocation(program: role, node: peak.peakNode))
  }

  private func narrowing(
    _ schedule: StageSchedule, resident: ResidentLayout, batch: Int
  ) -> NarrowingPlan {
    guard let narrowing = training.narrowing(behind: schedule), let settings = training.compression,
      let scores = training.scores(of: schedule)
    else { preconditionFailure("channels are ranked where some of them go") }
    let images = settings.criterion.readsImages ? settings.images : 0
    return NarrowingPlan(
      module: schedule.modules[0].index, channels: narrowing.channels, width: narrowing.width,
      criterion: settings.criterion, batches: RankingBatches(images: images, batch: batch),
      scores: resident.entry(scores.name))
  }

  /// The program behind everything that is resident, its layout proved.
  ///
  /// - Parameter features: kept behind what is resident, while the program runs.
  package func program(
    _ graph: Graph, resident: ResidentLayout, features: Range<Int>? = nil
  ) -> Program {
    .laidOut(graph, resident: resident, features: features, workers: threads)
  }

  /// What `program` would come to behind so many bytes, without offsets and without the proof: the arena, and what is live at
  /// its peak.
  package func measured(_ graph: Graph, behind base: Int) -> (arenaBytes: Int, peakBytes: Int) {
    let packer = ArenaPacker(Lifetime.all(of: graph, workers: threads))
    return (base + packer.pack().byteCount, base + packer.lowerBound)
  }

  /// What the process needs beside the arena for these programs.
  package func runtime(of programs: [Program]) -> RuntimeMemory {
    programs.reduce(into: RuntimeMemory()) { $0.formUnion($1.runtime) }
  }

  package func figures(
    _ breakdown: MemoryBreakdown, arenaBytes: Int, runtime: RuntimeMemory, at peak: PeakLocation
  ) -> MemoryFigures {
    MemoryFigures(
      breakdown: breakdown, arenaBytes: arenaBytes,
      dataBytes: facts.residentBytes(choices.data, threads: threads),
      runtimeBytes: runtime.byteCount(threads: threads), peak: peak)
  }
}

extension ModuleSummary {
  /// Parameters and multiply-adds of every module, from the network's forward graph.
  package static func all(of graph: Graph, names: [String]) -> [ModuleSummary] {
    let (layers, auxiliaries) = (graph.sizes(of: .layers), graph.sizes(of: .auxiliary))
    return names.enumerated().map { index, name in
      ModuleSummary(
        index: index + 1, name: name, parameters: layers[index].parameters,
        multiplyAdds: layers[index].multiplyAdds, auxiliaryParameters: auxiliaries[index].parameters,
        auxiliaryMultiplyAdds: auxiliaries[index].multiplyAdds)
    }
  }
}

extension Planner {
  /// Puts a plan together and finds its peak.
  package func plan(
    name: String, specText: String, data: DataSettings, network: Graph, moduleNames: [String], classes: Int,
    resident: ResidentLayout, stages: [StagePlan], evaluation: Program, budgetBytes: Int?, places: PlanPlaces,
    narrowed: NarrowedSizes? = nil
  ) -> Plan {
    var modules = ModuleSummary.all(of: network, names: moduleNames)
    for before in narrowed?.modules ?? [] { modules[before.index - 1].note(before: before) }
    var peak = PlanPeak(self, evaluation: evaluation)
    for stage in stages { peak.add(stage) }
    peak.addOpening(self)
    // All programs are there all the time.
    var stages = stages
    for index in stages.indices { stages[index].memory.runtimeBytes = peak.memory.runtimeBytes }
    return Plan(
      name: name, threads: threads, specText: specText, data: data, training: training,
      input: network.shape(network.images), classes: classes,
      modules: modules, resident: resident, stages: stages,
      evaluation: evaluation, memory: peak.memory, peakStage: peak.stage, budgetBytes: budgetBytes,
      choices: choices, unnarrowed: narrowed?.network, places: places,
      wiring: NetworkWiring(network))
  }
}
