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
  package static let passNames = networkPasses + [NarrowChannels.name] + stagePasses
  private static let networkPasses = [
    "lowering", ModulePartition.name, AuxiliaryHeads.name, FuseActivations.name,
  ]
  private static let stagePasses = [
    TrainingStage.name, EvaluationStage.name, FeatureStage.name, FoldBatchNorm.name, Differentiation.name,
    ChannelRanking.name, MaskPlacement.name, DeadValueElimination.name,
    AlgorithmChoice.name, SmallScratch.name, Rematerialization.name, InPlace.name,
  ]

  /// The network's graph after one of its passes, or every stage's graphs after one of theirs.
  ///
  /// - Parameters:
  ///   - pass: of `passNames`; nil for what the planner gets.
  ///   - choices: of the plan whose graphs these are.
  ///   - start: what `network.from` names; nil: it is not at hand, and frozen modules are taken to be stored whole.
  package static func all(
    of spec: Spec, after pass: String?, choices: PlanChoices = PlanChoices(), threads: Int = 2,
    start: StartSource? = nil
  ) throws(CompilationFailed) -> [GraphDump] {
    let network = try networkPipeline(spec.with(choices), keepsSnapshots: true)
    let pass = pass ?? InPlace.name
    if pass == "lowering" { return [GraphDump(title: "network", graph: network.first)] }
    if networkPasses.contains(pass) { return dumps(of: network, after: pass, title: "network") }
    let training = trainingPlan(spec, moduleCount: network.graph.moduleCount, pictures: 0)
    let forward = choices.forwardBatch == nil ? nil : try lower(spec.with(choices).forward(choices))
    let narrowed = NarrowedNetwork(network.graph, forward: forward, training)
    if pass == NarrowChannels.name {
      return spec.compression == nil ? [] : [GraphDump(title: "network", graph: narrowed.final)]
    }
    let unsolved =
      start == nil
      ? [] : try StartLowering.run(spec, network: network.graph, source: start)?.unsolved ?? []
    let planned = PlannedNetwork(spec, narrowed, choices, unsolved: unsolved)
    // Pictures and bytes of data change no graph.
    let planner = planned.planner(
      threads: threads,
      facts: DataFacts(trainCount: 0, testCount: 0, residentBytes: 0, fingerprint: nil), choices)
    var result: [GraphDump] = []
    for (index, stage) in planned.stages.enumerated() {
      let (schedule, kept) = (stage.schedule, stage.kept)
      let number = index + 1
      let title = "stage \(number)"
      let network = narrowed[schedule]
      let first = KeptPrefix.firstModule(behind: kept)
      let trained = trainingGraph(
        network, schedule, spec, planner, firstModule: first, keepsSnapshots: true)
      if let kept {
        let features = featureGraph(
          narrowed.forward(schedule), modules: 1...kept.module, spec, planner, keepsSnapshots: true)
        result += dumps(of: features, after: pass, title: "\(title), features", stage: number)
      }
      result += dumps(of: trained, after: pass, title: "\(title), training", stage: number)
      if let feeding = feedingGraph(network, spec, planner, keepsSnapshots: true) {
        result += dumps(of: feeding, after: pass, title: "\(title), feeding", stage: number)
      }
      result += dumps(
        of: stageEvaluation(
          narrowed.forward(schedule), schedule, spec, planner, firstModule: first, unsolved: unsolved,
          keepsSnapshots: true),
        after: pass, title: "\(title), evaluation", stage: number)
      if let all = depthEvaluation(
        narrowed.forward(schedule), schedule, spec, planner, unsolved: unsolved, keepsSnapshots: true)
      {
        result += dumps(of: all, after: pass, title: "\(title), evaluation of all depths", stage: number)
      }
      // As training goes up to there.
      let isOwn = ![TrainingStage.name, FoldBatchNorm.name].contains(pass)
      if isOwn,
        let ranking = narrowed.ranking(
          behind: schedule, spec, planner, training: trained.graph, firstModule: first, keepsSnapshots: true)
      {
        result += dumps(of: ranking, after: pass, title: "\(title), ranking", stage: number)
      }
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
