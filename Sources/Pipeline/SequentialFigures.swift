internal import GraphIR
internal import Passes
internal import Planning
internal import SpecLanguage

/// The figures of sequential training, for the comparison of strategies. All its stages together have as many nodes as the network
/// has, times its modules; but each is the one before it with a module frozen, and the passes look no further than from a module
/// to the next. So they run over a few modules at a time, once for each stretch of the network that is not like another one.
struct SequentialFigures {
  private let network: Graph
  private let training: TrainingSettings
  private let spec: Spec
  private let planner: Planner
  /// Frozen modules that nobody measures.
  private let unsolved: Set<Int>
  /// Nodes of each module.
  private let ranges: [Range<Int>]

  /// Modules that a window has: the one that learns, one before it as it is in the middle of a network, and one for that one to
  /// begin behind.
  private static let windowLength = 3

  /// Nil where stages differ in more than that.
  init?(_ network: Graph, _ training: TrainingSettings, _ spec: Spec, _ planner: Planner, unsolved: [Int]) {
    guard training.strategy == .sequential, training.compression == nil, planner.choices == PlanChoices(),
      network.moduleCount > Self.windowLength, let ranges = network.nodeRanges,
      ranges.count == network.moduleCount
    else { return nil }
    self.network = network
    self.training = training
    self.spec = spec
    self.planner = planner
    self.unsolved = Set(unsolved)
    self.ranges = ranges
  }

  /// - Parameter evaluation: of all modules that can be measured.
  func figures(evaluation: Graph) -> StrategyFigures? {
    let layers = featureGraph(network, modules: 1...network.moduleCount, spec, planner).graph
    guard
      let frozen = FrozenFragments(
        layers: layers, evaluation: evaluation, batch: training.batch, workers: planner.threads)
    else { return nil }
    var known: [Window: StageFragments] = [:]
    return planner.figures(
      ofSequential: training, network: network, evaluation: evaluation, frozen: frozen
    ) { schedule in
      guard let window = window(schedule) else { return nil }
      if let fragments = known[window] { return fragments }
      let fragments = fragments(window)
      known[window] = fragments
      return fragments
    }
  }

  /// All that a stage's passes look at.
  private struct Window: Hashable {
    var network: Graph
    /// Modules in it that are measured behind the stage's last epoch; empty where that has no evaluation of its own.
    var measured: [Int]
  }

  private func window(_ schedule: StageSchedule) -> Window? {
    let last = schedule.lastModule
    let first = max(1, last - Self.windowLength + 1)
    guard let window = network.window(first...last, nodes: ranges) else { return nil }
    let isFirst = (1...last).allSatisfy { $0 == last || unsolved.contains($0) }
    let measured = isFirst ? [] : window.metrics.map(\.module).filter { !unsolved.contains($0 + first - 1) }
    return Window(network: window, measured: measured)
  }

  private func fragments(_ window: Window) -> StageFragments? {
    let module = window.network.moduleCount
    let schedule = StageSchedule(
      modules: [TrainedModule(index: module, firstEpoch: 1)], epochs: 1, lastKeptModule: module)
    let trained = trainingGraph(window.network, schedule, spec, planner).graph
    let evaluated = evaluationGraph(window.network, modules: [module], spec, planner).graph
    func last(_ graph: Graph, trains: Bool = false) -> ProgramFragment? {
      .last(of: graph, trains: trains, batch: training.batch, workers: planner.threads)
    }
    guard let training = last(trained, trains: true), let evaluation = last(evaluated) else { return nil }
    guard !window.measured.isEmpty else {
      return StageFragments(training: training, evaluation: evaluation, depthEvaluation: nil)
    }
    let deep = evaluationGraph(window.network, modules: window.measured, spec, planner).graph
    guard let depthEvaluation = last(deep) else { return nil }
    return StageFragments(training: training, evaluation: evaluation, depthEvaluation: depthEvaluation)
  }
}
