internal import GraphIR
internal import Operators
internal import Passes
internal import Planning
internal import SpecLanguage

/// A network and all that decides the graphs which its plan runs, but for how a budget is met.
struct PlannedNetwork {
  struct Stage {
    var schedule: StageSchedule
    /// Nil where it starts from images.
    var kept: KeptPrefix?
  }

  let stages: [Stage]
  private let spec: Spec
  private let narrowed: NarrowedNetwork
  /// Frozen modules that nobody measures.
  private let unsolved: [Int]

  init(_ spec: Spec, _ narrowed: NarrowedNetwork, _ choices: PlanChoices, unsolved: [Int]) {
    self.spec = spec
    self.narrowed = narrowed
    self.unsolved = unsolved
    let kept = FeatureChoice(
      spec, narrowed, storage: choices.features, stages: choices.featureStages
    ).all
    stages = zip(StageSchedule.all(of: narrowed.training), kept).map { Stage(schedule: $0, kept: $1) }
  }

  func graphs(of stage: Stage, _ planner: Planner) -> StageGraphs {
    stageGraphs(narrowed, stage.schedule, spec, planner, kept: stage.kept, unsolved: unsolved)
  }

  /// Of all modules, at the end of a run.
  func evaluation(_ planner: Planner) -> Graph {
    let network = narrowed.finalForward
    return evaluationGraph(
      network, modules: (1...network.moduleCount).filter { !unsolved.contains($0) }, spec, planner,
      keepsAnswers: true
    ).graph
  }

  /// Lays these graphs out, with all that there is to decide for the whole of the plan decided.
  func planner(threads: Int, facts: DataFacts, _ choices: PlanChoices) -> Planner {
    var choices = choices
    guard choices.scratch == .small else {
      return Planner(threads: threads, training: narrowed.training, facts: facts, choices: choices)
    }
    let counted = choices.scratchThreads ?? threads
    choices.scratchThreads = counted
    var fast = choices
    fast.scratch = .fast
    let places = smallScratchPlaces(
      Planner(threads: counted, training: narrowed.training, facts: facts, choices: fast))
    return Planner(
      threads: threads, training: narrowed.training, facts: facts, choices: choices, smallScratch: places)
  }

  /// Convolutions that make any of the plan's programs larger than it may be, whatever is computed again.
  ///
  /// - Parameter planner: with the fastest convolutions.
  private func smallScratchPlaces(_ planner: Planner) -> Set<ConvolutionPlace> {
    guard let limit = planner.choices.recomputeAboveBytes else { return [] }
    var places: Set<ConvolutionPlace> = []
    func look(at graph: Graph, largestTotal: Int) {
      places.formUnion(
        SmallScratch.places(in: graph, largestTotal: largestTotal, workers: planner.threads))
    }
    for stage in stages {
      let graphs = graphs(of: stage, planner)
      let resident = planner.resident(in: stage.schedule, of: graphs.training, network: graphs.network)
      for graph in graphs.graphs.allElements { look(at: graph, largestTotal: limit - resident.byteCount) }
    }
    look(
      at: evaluation(planner),
      largestTotal: limit - ResidentLayout(network: narrowed.final).byteCount)
    return places
  }
}
