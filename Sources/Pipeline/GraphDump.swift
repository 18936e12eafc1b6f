package import Diagnostics
package import GraphIR
internal import Passes
package import Planning
package import SpecLanguage

/// A graph between two passes, for `strata ir`.
package struct GraphDump: Sendable {
  /// `network`, `stage 2, training`, `evaluation`.
  package var title: String
  package var graph: Graph
  /// From 1; nil for what belongs to no stage.
  package var stage: Int?

  /// The passes in order; `lowering` is what they start from.
  package static let passNames = networkPasses + stagePasses
  private static let networkPasses = [
    "lowering", ModulePartition.name, AuxiliaryHeads.name, FuseActivations.name,
  ]
  private static let stagePasses = [
    TrainingStage.name, EvaluationStage.name, FeatureStage.name, FoldBatchNorm.name, Differentiation.name,
    MaskPlacement.name, DeadValueElimination.name,
    AlgorithmChoice.name, Rematerialization.name, SmallScratch.name, InPlace.name,
  ]

  /// The network's graph after one of its passes, or every stage's graphs after one of theirs.
  ///
  /// - Parameters:
  ///   - pass: of `passNames`; nil for what the planner gets.
  ///   - choices: of the plan whose graphs these are.
  package static func all(
    of spec: Spec, after pass: String?, choices: PlanChoices = PlanChoices(), threads: Int = 2
  ) throws(CompilationFailed) -> [GraphDump] {
    let network = try networkPipeline(spec.with(choices), keepsSnapshots: true)
    let pass = pass ?? InPlace.name
    if pass == "lowering" { return [GraphDump(title: "network", graph: network.first)] }
    if networkPasses.contains(pass) { return dumps(of: network, after: pass, title: "network") }
    let training = trainingPlan(spec, moduleCount: network.graph.moduleCount)
    // Pictures and bytes of data change no graph.
    let planner = Planner(
      threads: threads, training: training,
      facts: DataFacts(trainCount: 0, testCount: 0, residentBytes: 0, fingerprint: nil), choices: choices)
    let forward =
      choices.forwardBatch == nil ? network.graph : try lower(spec.with(choices).forward(choices))
    let features = FeatureChoice(
      spec, network: forward, storage: choices.features, stages: choices.featureStages)
    var result: [GraphDump] = []
    for (index, schedule) in StageSchedule.all(of: training).enumerated() {
      let number = index + 1
      let title = "stage \(number)"
      let kept = features.graphs(for: schedule, previous: nil)?.module
      let first = kept.map { $0 + 1 } ?? 1
      if let kept {
        result += dumps(
          of: featureGraph(forward, modules: 1...kept, spec, keepsSnapshots: true), after: pass,
          title: "\(title), features", stage: number)
      }
      let trained = trainingGraph(
        network.graph, schedule, spec, planner, firstModule: first, keepsSnapshots: true)
      result += dumps(of: trained, after: pass, title: "\(title), training", stage: number)
      let limit = planner.transientLimit(
        of: trained.graph, schedule, network: ResidentLayout(network: network.graph))
      if let feeding = feedingGraph(
        network.graph, spec, planner, largestTotal: limit, keepsSnapshots: true)
      {
        result += dumps(of: feeding, after: pass, title: "\(title), feeding", stage: number)
      }
      result += dumps(
        of: stageEvaluation(
          forward, schedule, spec, planner, training: trained.graph, firstModule: first,
          keepsSnapshots: true),
        after: pass, title: "\(title), evaluation", stage: number)
    }
    return result
  }

  private static func dumps(
    of pipeline: PassPipeline, after pass: String, title: String, stage: Int? = nil
  ) -> [GraphDump] {
    // A pass that ran twice is asked for as it ended.
    pipeline.snapshots.last { $0.pass == pass }.map {
      [GraphDump(title: title, graph: $0.graph, stage: stage)]
    } ?? []
  }
}
