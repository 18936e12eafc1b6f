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
    TrainingStage.name, EvaluationStage.name, FeatureStage.name, RankLinks.name, FoldBatchNorm.name,
    Differentiation.name,
    ChannelRanking.name, MaskPlacement.name, FuseSpreads.name, DeadValueElimination.name,
    AlgorithmChoice.name, SmallScratch.name, LateNormalization.name, Rematerialization.name, InPlace.name,
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
    let training = trainingSettings(spec, moduleCount: network.graph.moduleCount, images: 0)
    let forward = choices.forwardBatch == nil ? nil : try lower(spec.with(choices).forward(choices))
    let narrowed = NarrowedNetwork(network.graph, forward: forward, training)
    if pass == NarrowChannels.name {
      return spec.compression == nil ? [] : [GraphDump(title: "network", graph: narrowed.final)]
    }
    let unsolved =
      start == nil
      ? [] : try StartLowering.run(spec, network: network.graph, source: start)?.unsolved ?? []
    let planned = PlannedNetwork(spec, narrowed, choices, unsolved: unsolved)
    // Images and bytes of data change no graph.
    let planner = planned.planner(
      threads: threads,
      facts: DataFacts(trainCount: 0, testCount: 0, residentBytes: 0, fingerprint: nil), choices)
    var result: [GraphDump] = []
    for (index, stage) in planned.stages.enumerated() {
      let pipelines = stagePipelines(
        narrowed, stage.schedule, spec, planner, kept: stage.kept, unsolved: unsolved, keepsSnapshots: true)
      for (role, pipeline) in pipelines.all {
        // Up to there a ranking is what training is.
        if role == .ranking, [TrainingStage.name, FoldBatchNorm.name].contains(pass) { continue }
        let id = ProgramID(role, stage: index + 1)
        result += dumps(of: pipeline, after: pass, title: id.words, stage: id.stage)
      }
    }
    return result
  }

  /// The graphs of one rank after one of the passes of its programs, or of the network's.
  package static func all(
    ofRank rank: Int, modules: ClosedRange<Int>, _ compiler: RankCompiler, of spec: Spec, after pass: String?
  ) throws(CompilationFailed) -> [GraphDump] {
    let pass = pass ?? InPlace.name
    if pass == "lowering" || networkPasses.contains(pass) { return try all(of: spec, after: pass) }
    return compiler.pipelines(modules, keepsSnapshots: true).all.flatMap { role, pipeline in
      dumps(of: pipeline, after: pass, title: "rank \(rank), \(role.words)")
    }
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
