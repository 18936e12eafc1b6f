package import Diagnostics
internal import GraphIR
internal import Operators
internal import Passes
package import Planning
internal import SpecLanguage

// The whole compiler on one screen: a spec to the network's graph, the network to stages, stages to a plan.

package struct CompileOptions: Sendable {
  /// Workers that scratch is laid out for.
  package var threads: Int
  /// Images and bytes of the data set, as known.
  package var facts: DataFacts
  /// The canonical text of the resolved spec, which the plan carries.
  package var specText: String
  /// What `network.from` names.
  package var start: StartSource?
  /// How the plan meets its budget; nil: there is none, and nothing to follow.
  package var choices: PlanChoices?
  /// Stated in the plan; nothing is searched for here.
  package var budgetBytes: Int?

  package init(
    threads: Int, facts: DataFacts, specText: String, start: StartSource? = nil,
    choices: PlanChoices? = nil, budgetBytes: Int? = nil
  ) {
    self.start = start
    self.threads = threads
    self.facts = facts
    self.specText = specText
    self.choices = choices
    self.budgetBytes = budgetBytes
  }
}

/// Compiles a spec to a plan.
///
/// - Throws: every fault that counts reveal, and every feature that is not supported yet, at once.
package func compile(_ lowered: LoweredSpec, options: CompileOptions) throws(CompilationFailed) -> Plan {
  let compiler = Compiler(lowered, options: options)
  guard let choices = options.choices else { return try compiler.naturalPlan() }
  return try compiler.plan(choices)
}

/// A spec on its way to a plan, or to several that meet a budget in different ways.
struct Compiler {
  let lowered: LoweredSpec
  let options: CompileOptions

  init(_ lowered: LoweredSpec, options: CompileOptions) {
    self.lowered = lowered
    self.options = options
  }

  var spec: Spec { lowered.spec }
  /// With nothing chosen.
  var network: Graph { lowered.network }

  /// As a plan with these choices trains it: lowered anew where another batch passes, or the cut is another.
  func network(_ choices: PlanChoices) throws(CompilationFailed) -> Graph {
    choices.microBatch == nil && choices.modules == nil ? network : try lower(spec.with(choices))
  }

  func plan(_ choices: PlanChoices) throws(CompilationFailed) -> Plan {
    let facts = options.facts
    let network = try network(choices)
    let forward = choices.forwardBatch == nil ? nil : try lower(spec.with(choices).forward(choices))
    let (training, start) = try checkedTraining(
      of: spec, network, choices, facts: facts, start: options.start)
    let narrowed = NarrowedNetwork(network, forward: forward, training)
    let planned = PlannedNetwork(spec, narrowed, choices, unsolved: start?.unsolved ?? [])
    let planner = planned.planner(threads: options.threads, facts: facts, choices)
    let resident = ResidentLayout(network: narrowed.final)

    var stages: [StagePlan] = []
    for stage in planned.stages {
      let graphs = planned.graphs(of: stage, planner)
      stages.append(planner.stage(graphs, index: stages.count + 1, previous: stages.last))
    }
    let evaluation = planner.program(planned.evaluation(planner), resident: resident)
    var plan = planner.plan(
      name: spec.name.value, specText: options.specText, data: dataSettings(spec, facts: facts),
      network: narrowed.final, moduleNames: moduleNames(of: network, isVGG: spec.network.isVGG),
      classes: spec.network.classes.value, resident: resident, stages: stages, evaluation: evaluation,
      budgetBytes: options.budgetBytes,
      places: PlanPlaces(spec), narrowed: narrowed.sizesBefore)
    plan.start = start
    if choices.features == .recompute { plan.stagesWithoutFeatures = try stagesWithoutFeatures(narrowed) }
    return plan
  }

  /// Stages of a plan that recomputes, which start from an activation cache where memory is plenty.
  private func stagesWithoutFeatures(_ network: NarrowedNetwork) throws(CompilationFailed) -> Int {
    let inFile = stageCount(network, .file, .paying)
    guard inFile == 0, options.budgetBytes != nil, stageCount(network, .memory, .paying) > 0 else {
      return inFile
    }
    // Reading a file takes longer than computing: the default plan has a cache in memory, or none.
    return try defaultChoices().features == .memory ? stageCount(network, .memory, .paying) : 0
  }
}

extension Spec {
  /// The spec whose network a plan with these choices runs: a batch is what passes at once.
  func with(_ choices: PlanChoices) -> Spec {
    var spec = self
    if let microBatch = choices.microBatch {
      spec.training.batch.value = min(microBatch, spec.training.batch.value)
    }
    if let modules = choices.modules, case .auto(let span) = spec.training.partition {
      spec.training.partition = .modules(Spanned(modules, at: span))
    }
    return spec
  }

  /// The spec whose network runs where nothing learns.
  func forward(_ choices: PlanChoices) -> Spec {
    var spec = self
    if let forwardBatch = choices.forwardBatch {
      spec.training.batch.value = min(forwardBatch, spec.training.batch.value)
    }
    return spec
  }
}

/// The network's forward graph: layers, modules, classifiers, activations fused.
func lower(_ spec: Spec) throws(CompilationFailed) -> Graph {
  if spec.trainsNarrowNetwork { return try spec.narrowNetwork() }
  return try networkPipeline(spec, keepsSnapshots: false).graph
}

func networkPipeline(_ spec: Spec, keepsSnapshots: Bool) throws(CompilationFailed) -> PassPipeline {
  var lowering = NetworkLowering(spec)
  lowering.run()
  let partition = PartitionLowering(spec, items: spec.items)
  // Modules are told by numbers alone, whatever else is wrong with the network.
  var diagnostics =
    spec.featureFaults + lowering.diagnostics + partition.diagnostics
    + moduleFaults(of: spec, in: partition)
  guard lowering.diagnostics.isEmpty else { throw CompilationFailed(diagnostics: diagnostics) }
  var pipeline = PassPipeline(lowering.builder.graph, keepsSnapshots: keepsSnapshots)
  pipeline.run(ModulePartition(firstItems: partition.firstItems))
  if partition.diagnostics.isEmpty {
    let modules = ModulePartition(firstItems: partition.partitionFirstItems).run(lowering.builder.graph)
    let classifiers = ClassifierLowering(
      spec, moduleOutputs: modules.moduleOutputs.map(modules.shape),
      halvings: partition.halvings(of: lowering.halvedItems))
    diagnostics += classifiers.diagnostics
    if classifiers.diagnostics.isEmpty {
      pipeline.run(
        AuxiliaryHeads(
          recipes: classifiers.recipes, batchNormScale: spec.network.initialization.batchNormScale,
          heFanOut: spec.network.initialization.weights.value == .heFanOut,
          labelSmoothing: spec.training.labelSmoothing.value, activation: spec.network.activationFunction))
    }
  }
  guard diagnostics.isEmpty else { throw CompilationFailed(diagnostics: diagnostics) }
  if let fault = oneElementFault(of: pipeline.graph) { throw CompilationFailed(diagnostics: [fault]) }
  pipeline.run(FuseActivations())
  return pipeline
}

/// - Parameter links: to other ranks.
func trainingGraph(
  _ network: Graph, _ schedule: StageSchedule, _ spec: Spec, _ planner: Planner, firstModule: Int = 1,
  links: RankLinks? = nil, keepsSnapshots: Bool = false
) -> PassPipeline {
  var pipeline = keepingGraph(
    network, schedule, spec, planner, firstModule: firstModule, links: links, keepsSnapshots: keepsSnapshots)
  let graph = pipeline.graph
  recompute(
    &pipeline, planner,
    residentBytes: planner.resident(in: schedule, of: graph, network: ResidentLayout(network: network))
      .byteCount)
  pipeline.run(InPlace())
  return pipeline
}

/// A training before anything is computed again.
func keepingGraph(
  _ network: Graph, _ schedule: StageSchedule, _ spec: Spec, _ planner: Planner, firstModule: Int = 1,
  links: RankLinks? = nil, keepsSnapshots: Bool = false
) -> PassPipeline {
  let choices = planner.choices
  let modules = schedule.indices
  var pipeline = PassPipeline(network, keepsSnapshots: keepsSnapshots)
  switch spec.training.strategy.value {
  case .asynchronous:
    pipeline.run(AsynchronousStage(.training, slots: slots(spec), frozenCount: frozenCount(spec)))
  case .sequential, .parallel, .endToEnd:
    pipeline.run(
      TrainingStage(modules: modules, startingAt: firstModule, trainsLayers: schedule.trainsLayers))
  }
  if let links { pipeline.run(links) }
  pipeline.run(FoldBatchNorm())
  pipeline.run(
    Differentiation(
      modules: modules, optimizer: optimizer(spec.training.optimizer), accumulates: choices.microBatch != nil,
      trainsLayers: schedule.trainsLayers,
      decaysWeightsAlone: spec.training.optimizer.decay.value == .weights))
  pipeline.run(MaskPlacement())
  pipeline.run(FuseSpreads())
  pipeline.run(DeadValueElimination())
  chooseAlgorithms(&pipeline, spec, planner)
  pipeline.run(LateNormalization())
  return pipeline
}

/// What modules run in asynchronous training that have learned all their epochs; nil where nobody needs it.
func feedingGraph(
  _ network: Graph, _ spec: Spec, _ planner: Planner, keepsSnapshots: Bool = false
) -> PassPipeline? {
  guard spec.training.strategy.value == .asynchronous, network.moduleCount - frozenCount(spec) > 1
  else { return nil }
  var pipeline = PassPipeline(network, keepsSnapshots: keepsSnapshots)
  pipeline.run(AsynchronousStage(.feeding, slots: slots(spec), frozenCount: frozenCount(spec)))
  runForwardPasses(&pipeline, spec, planner)
  return pipeline
}

private func ensembleMean(_ spec: Spec) -> EnsembleMean {
  switch spec.network.ensemble?.value {
  case .logits, nil: .logits
  case .probabilities: .probabilities
  }
}

private func slots(_ spec: Spec) -> Int { spec.training.asynchronous?.buffer.value ?? 1 }
private func frozenCount(_ spec: Spec) -> Int { spec.network.frozen?.value ?? 0 }

/// - Parameters:
///   - withEnsembles: of the modules that are measured.
///   - keepsAnswers: whether the last module's logits stay, for those who count them by class.
func evaluationGraph(
  _ network: Graph, modules: [Int], _ spec: Spec, _ planner: Planner, firstModule: Int = 1,
  withEnsembles: Bool = true, keepsAnswers: Bool = false, links: RankLinks? = nil,
  keepsSnapshots: Bool = false
) -> PassPipeline {
  var pipeline = PassPipeline(network, keepsSnapshots: keepsSnapshots)
  pipeline.run(
    EvaluationStage(
      modules: modules, ensemble: withEnsembles ? ensembleMean(spec) : nil, startingAt: firstModule,
      keepsAnswers: keepsAnswers))
  if let links { pipeline.run(links) }
  runForwardPasses(&pipeline, spec, planner)
  return pipeline
}

/// What graphs without a backward pass go through.
func runForwardPasses(_ pipeline: inout PassPipeline, _ spec: Spec, _ planner: Planner) {
  pipeline.run(FoldBatchNorm())
  pipeline.run(DeadValueElimination())
  chooseAlgorithms(&pipeline, spec, planner)
  pipeline.run(InPlace())
}

/// How each convolution is computed.
func chooseAlgorithms(_ pipeline: inout PassPipeline, _ spec: Spec, _ planner: Planner) {
  pipeline.run(AlgorithmChoice(isStrict: spec.numerics.value == .strict))
  if planner.choices.scratch == .small { pipeline.run(SmallScratch(planner.smallScratch)) }
}

/// The passes of all programs of a stage.
///
/// - Parameters:
///   - kept: what the stage starts from; nil: from images.
///   - unsolved: frozen modules that nobody measures.
func stagePipelines(
  _ narrowed: NarrowedNetwork, _ schedule: StageSchedule, _ spec: Spec, _ planner: Planner,
  kept: KeptPrefix? = nil, unsolved: [Int] = [], keepsSnapshots: Bool = false
) -> ByRole<PassPipeline> {
  let (network, forward) = (narrowed[schedule], narrowed.forward(schedule))
  let first = KeptPrefix.firstModule(behind: kept)
  func features(_ modules: ClosedRange<Int>) -> PassPipeline {
    featureGraph(forward, modules: modules, spec, planner, keepsSnapshots: keepsSnapshots)
  }
  let training = trainingGraph(
    network, schedule, spec, planner, firstModule: first, keepsSnapshots: keepsSnapshots)
  var pipelines = ByRole<PassPipeline>()
  pipelines[.training] = training
  pipelines[.feeding] = feedingGraph(network, spec, planner, keepsSnapshots: keepsSnapshots)
  pipelines[.ranking] = narrowed.ranking(
    behind: schedule, spec, planner, training: training.graph, firstModule: first,
    keepsSnapshots: keepsSnapshots)
  pipelines[.evaluation] = stageEvaluation(
    forward, schedule, spec, planner, firstModule: first, unsolved: unsolved, keepsSnapshots: keepsSnapshots)
  pipelines[.depthEvaluation] = depthEvaluation(
    forward, schedule, spec, planner, unsolved: unsolved, keepsSnapshots: keepsSnapshots)
  pipelines[.features] = kept.map { features(1...$0.module) }
  pipelines[.featuresOfPrevious] = kept.flatMap { kept in
    kept.source.map { features($0 + 1...kept.module) }
  }
  return pipelines
}

/// What the planner gets of a stage; parameters as above.
func stageGraphs(
  _ narrowed: NarrowedNetwork, _ schedule: StageSchedule, _ spec: Spec, _ planner: Planner,
  kept: KeptPrefix? = nil, unsolved: [Int] = []
) -> StageGraphs {
  let pipelines = stagePipelines(narrowed, schedule, spec, planner, kept: kept, unsolved: unsolved)
  return StageGraphs(
    schedule: schedule, graphs: pipelines.map(\.graph), featureModule: kept?.module,
    network: narrowed.resident(schedule))
}
