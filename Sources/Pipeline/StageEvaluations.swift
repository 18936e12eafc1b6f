internal import GraphIR
internal import Passes
internal import Planning
internal import SpecLanguage

/// The modules that a stage trains, measured behind each of its epochs. Without those that are frozen before them, where there
/// are any, an ensemble would not be what it is at the stage's end: there is none then.
///
/// - Parameter unsolved: frozen modules that nobody measures.
func stageEvaluation(
  _ network: Graph, _ schedule: StageSchedule, _ spec: Spec, _ planner: Planner, firstModule: Int = 1,
  unsolved: [Int], keepsSnapshots: Bool = false
) -> PassPipeline {
  evaluationGraph(
    network, modules: schedule.indices, spec, planner, firstModule: firstModule,
    withEnsembles: network.measuredModules(in: schedule, unsolved: unsolved) == schedule.indices,
    keepsSnapshots: keepsSnapshots)
}

/// All modules so far, measured behind a stage's last epoch; nil where those that learn are all, and where the last one is
/// about to lose channels.
func depthEvaluation(
  _ network: Graph, _ schedule: StageSchedule, _ spec: Spec, _ planner: Planner, unsolved: [Int],
  keepsSnapshots: Bool = false
) -> PassPipeline? {
  let modules = network.measuredModules(in: schedule, unsolved: unsolved)
  guard modules != schedule.indices, planner.narrowing(behind: schedule) == nil else { return nil }
  return evaluationGraph(network, modules: modules, spec, planner, keepsSnapshots: keepsSnapshots)
}

extension Graph {
  /// Up to the last one that learns, those that have a classifier which was ever trained.
  fileprivate func measuredModules(in schedule: StageSchedule, unsolved: [Int]) -> [Int] {
    metrics.map(\.module).filter { $0 <= schedule.lastModule && !unsolved.contains($0) }
  }
}
