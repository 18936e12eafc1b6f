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
    let training = trainingPlan(spec, moduleCount: network.graph.moduleCount, pictures: 0)
    let forward = choices.forwardBatch == nil ? nil : try lower(spec.with(choices).forward(choices))
    let narrowed = NarrowedNetwork(network.graph, forward: forward, training)
    if pass == NarrowChannels.name {
      return spec.compression == nil ? [] : [GraphDump(title: "network", graph: narrowed.final)]
    }
    // Pictures and bytes of data change no graph.
    let planner = Planner(
      threads: threads, training: training,
      facts: DataFacts(trainCount: 0, testCount: 0, residentBytes: 0, fingerprint: nil), choices: choices)
    var result: [GraphDump] = []
    let kept = FeatureChoice(
      spec, narrowed, storage: choices.features, stages: choices.featureStages
    ).all
    for (index, (schedule, kept)) in zip(StageSchedule.all(of: training), kept).enumerated() {
      let number = index + 1
      let title = "stage \(number)"
      let network = narrowed[schedule]
      let first = KeptPrefix.firstModule(behind: kept)
      let trained = trainingGraph(
        network, schedule, spec, planner, firstModule: first, keepsSnapshots: true)
      let limit = planner.transientLimit(
        of: trained.graph, schedule, network: ResidentLayout(network: network))
      if let kept {
        let features = featureGraph(
          narrowed.forward(schedule), modules: 1...kept.module, spec, planner, largestTotal: limit,
          keepsSnapshots: true)
        result += dumps(of: features, after: pass, title: "\(title), features", stage: number)
      }
      result += dumps(of: trained, after: pass, title: "\(title), training", stage: number)
      if let feeding = feedingGraph(
        network, spec, planner, largestTotal: limit, keepsSnapshots: true)
      {
        result += dumps(of: feeding, after: pass, title: "\(title), feeding", stage: number)
      }
      result += dumps(
        of: stageEvaluation(
          narrowed.forward(schedule), schedule, spec, planner, training: trained.graph, firstModule: first,
          keepsSnapshots: true),
        after: pass, title: "\(title), evaluation", stage: number)
      if let all = depthEvaluation(
        narrowed.forward(schedule), schedule, spec, planner, training: trained.graph, keepsSnapshots: true)
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
