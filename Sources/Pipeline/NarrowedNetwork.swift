internal import Diagnostics
internal import GraphIR
internal import Operators
internal import Passes
internal import Planning
internal import SpecLanguage

/// A network as its stages find it: with every module that is narrowed it is another one. Where none is, they are all the
/// same.
struct NarrowedNetwork {
  /// With the first so many modules narrowed, from none on.
  private let states: [Graph]
  private let forwardStates: [Graph]
  /// All stages share it where no module is narrowed.
  private let firstLayout: ResidentLayout
  let training: TrainingSettings

  /// - Parameters:
  ///   - network: before anything is narrowed.
  ///   - forward: the same for as many images as are evaluated at once; nil: as many as learn.
  init(_ network: Graph, forward: Graph? = nil, _ training: TrainingSettings) {
    self.training = training
    states = Self.states(network, training)
    firstLayout = ResidentLayout(network: network)
    forwardStates = forward.map { Self.states($0, training) } ?? states
  }

  private static func states(_ network: Graph, _ training: TrainingSettings) -> [Graph] {
    var states = [network]
    guard training.compression != nil else { return states }
    for (index, module) in training.modules.enumerated() {
      guard let narrowing = module.narrowing else {
        states.append(states[index])
        continue
      }
      var pipeline = PassPipeline(states[index])
      pipeline.run(NarrowChannels(module: index + 1, width: narrowing.width))
      states.append(pipeline.graph)
    }
    return states
  }

  /// During a stage.
  subscript(stage: StageSchedule) -> Graph { states[min(stage.narrowedCount, states.count - 1)] }

  /// During a stage, for what does not learn.
  func forward(_ stage: StageSchedule) -> Graph {
    forwardStates[min(stage.narrowedCount, states.count - 1)]
  }

  /// What outlives a step during a stage, but for what the stage itself keeps.
  func resident(_ stage: StageSchedule) -> ResidentLayout {
    let state = min(stage.narrowedCount, states.count - 1)
    return state == 0 ? firstLayout : ResidentLayout(network: states[state])
  }

  /// Behind all stages.
  var final: Graph { states[states.count - 1] }
  var finalResident: ResidentLayout {
    states.count == 1 ? firstLayout : ResidentLayout(network: final)
  }
  var finalForward: Graph { forwardStates[states.count - 1] }

  /// Nil where no module loses channels.
  var sizesBefore: NarrowedSizes? {
    guard training.compression != nil else { return nil }
    let summaries = states.map { ModuleSummary.all(of: $0, names: training.modules.map { _ in "" }) }
    return NarrowedSizes(
      network: NetworkFigures(summaries[0]),
      modules: training.modules.indices.filter { training.modules[$0].narrowing != nil }.map {
        summaries[$0][$0]
      })
  }

  /// The passes of the graph that ranks the channels of a stage's module; nil where it keeps them all.
  ///
  /// - Parameters:
  ///   - trained: the stage's training, which says what else is resident.
  ///   - firstModule: with which the stage's programs begin.
  func ranking(
    behind stage: StageSchedule, _ spec: Spec, _ planner: Planner, training trained: Graph, firstModule: Int,
    keepsSnapshots: Bool = false
  ) -> PassPipeline? {
    guard
      var pipeline = keepingRanking(
        behind: stage, spec, planner, firstModule: firstModule, keepsSnapshots: keepsSnapshots)
    else { return nil }
    let resident = planner.resident(in: stage, of: trained, network: ResidentLayout(network: self[stage]))
    recompute(&pipeline, planner, residentBytes: resident.byteCount)
    pipeline.run(InPlace())
    return pipeline
  }

  /// The same before anything is computed again.
  func keepingRanking(
    behind stage: StageSchedule, _ spec: Spec, _ planner: Planner, firstModule: Int,
    keepsSnapshots: Bool = false
  ) -> PassPipeline? {
    guard let settings = training.compression, let scores = training.scores(of: stage) else { return nil }
    let network = self[stage]
    let module = stage.modules[0].index
    var pipeline = PassPipeline(network, keepsSnapshots: keepsSnapshots)
    pipeline.run(TrainingStage(modules: [module], startingAt: firstModule))
    pipeline.run(FoldBatchNorm())
    pipeline.run(
      ChannelRanking(
        module: module, output: network.moduleOutputs[module - 1], criterion: settings.criterion,
        scores: scores))
    pipeline.run(MaskPlacement())
    pipeline.run(FuseSpreads())
    pipeline.run(DeadValueElimination())
    chooseAlgorithms(&pipeline, spec, planner)
    return pipeline
  }
}

/// Meets a budget's limit by computing values again. Without one, only a pipeline that is looked at runs the pass.
func recompute(
  _ pipeline: inout PassPipeline, _ planner: Planner, residentBytes: @autoclosure () -> Int
) {
  guard let limit = planner.choices.recomputeAboveBytes ?? (pipeline.keepsSnapshots ? Int.max : nil) else {
    return
  }
  pipeline.run(
    Rematerialization(
      arenaLimit: limit, residentBytes: residentBytes(), workers: planner.countedThreads))
}

extension Spec {
  /// Whether the spec, which takes channels away in sequential training, is looked at as another strategy would train it: what
  /// that can be compared with is the network that is left, narrow from its first step on.
  var trainsNarrowNetwork: Bool {
    switch training.strategy.value {
    case .sequential: false
    case .parallel, .asynchronous, .endToEnd: compression != nil
    }
  }

  /// The network that compression leaves, as the spec's strategy cuts it.
  func narrowNetwork() throws(CompilationFailed) -> Graph {
    var spec = self
    spec.training.strategy.value = .sequential
    let network = try lower(spec)
    // How many images channels are ranked over changes no graph.
    let narrowed = NarrowedNetwork(
      network, trainingSettings(spec, moduleCount: network.moduleCount, images: 0)
    ).final
    return training.strategy.value == .endToEnd ? JoinModules().run(narrowed) : narrowed
  }
}

/// Channels that can't be ranked as the spec wants it: over more images than there are, or over one at a time where batch
/// norm needs others beside it.
///
/// - Parameter images: that there are to train on.
func compressionFaults(
  of spec: Spec, _ training: TrainingSettings, _ network: Graph, _ choices: PlanChoices, images: Int
) -> [Diagnostic] {
  guard let compression = spec.compression, let settings = training.compression else { return [] }
  if let wanted = compression.images, wanted.value > images {
    return [.rankingBeyondImages(wanted: wanted.value, images: images, at: wanted.span)]
  }
  let batch = min(choices.microBatch ?? .max, training.batch)
  let needsTwo = network.nodes.contains { node in
    node.normalizesOnePixel(in: network) && training.modules[node.module - 1].narrowing != nil
      && settings.criterion.runs(node.part)
  }
  guard needsTwo, RankingBatches(images: settings.images, batch: batch).smallest == 1 else { return [] }
  return [
    .rankingOfOne(
      images: settings.images, batch: batch, at: compression.images?.span ?? spec.training.batch.span)
  ]
}

extension ChannelCriterion {
  /// Whether a ranking runs a part of the module that it ranks.
  fileprivate func runs(_ part: Part) -> Bool {
    switch self {
    case .taylor: true
    case .activation: part == .layers
    case .weightNorm: false
    }
  }
}
