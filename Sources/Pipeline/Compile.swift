package import Diagnostics
internal import GraphIR
internal import Passes
package import Planning
package import SpecLanguage

// The whole compiler on one screen: a spec to the network's graph, the network to stages, stages to a plan.

package struct CompileOptions: Sendable {
  /// Workers that scratch is laid out for.
  package var threads: Int
  /// Pictures and bytes of the data set, as known.
  package var facts: DataFacts
  /// The canonical text of the resolved spec, which the plan carries.
  package var specText: String
  /// Whether the plan gets the figures of the other strategies too.
  package var comparesStrategies: Bool

  package init(threads: Int, facts: DataFacts, specText: String, comparesStrategies: Bool = true) {
    self.threads = threads
    self.facts = facts
    self.specText = specText
    self.comparesStrategies = comparesStrategies
  }
}

/// Compiles a spec to a plan.
///
/// - Throws: every fault that shapes and counts reveal, and every feature that is not supported yet, at once.
package func compile(_ spec: Spec, options: CompileOptions) throws(CompilationFailed) -> Plan {
  let network = try lower(spec)
  let training = trainingPlan(spec, moduleCount: network.moduleCount)
  let steps = training.steps(pictures: options.facts.trainCount)
  guard steps > 0 else {
    throw CompilationFailed(diagnostics: [
      .nothingToTrainOn(
        batch: training.batch, pictures: options.facts.trainCount, at: spec.training.batch.span)
    ])
  }
  let leftOver = training.dropLast ? 0 : options.facts.trainCount % training.batch
  if leftOver == 1, network.nodes.contains(where: { $0.normalizesOnePixel(in: network) }) {
    throw CompilationFailed(diagnostics: [
      .lastBatchOfOne(
        pictures: options.facts.trainCount, batch: training.batch, at: spec.training.batch.span)
    ])
  }
  let planner = Planner(threads: options.threads, training: training, facts: options.facts)
  let resident = ResidentLayout(network: network)

  var stages: [StagePlan] = []
  for schedule in StageSchedule.all(of: training) {
    let graphs = stageGraphs(network, schedule, spec)
    stages.append(planner.stage(graphs, index: stages.count + 1, network: resident))
  }
  let evaluation = planner.program(
    evaluationGraph(network, modules: Array(1...network.moduleCount), ensemble: true, spec).graph,
    resident: resident)
  var plan = planner.plan(
    name: spec.name.value, specText: options.specText, data: dataPlan(spec, facts: options.facts),
    network: network, moduleNames: moduleNames(of: network, isVGG: spec.network.isVGG),
    classes: spec.network.classes.value, resident: resident, stages: stages, evaluation: evaluation,
    places: PlanPlaces(batch: spec.training.batch.span, data: spec.data.source.span))
  if options.comparesStrategies {
    plan.comparison = compareStrategies(spec, with: plan, network: network) {
      Planner(threads: options.threads, training: $0, facts: options.facts)
    }
  }
  return plan
}

/// The network's forward graph: layers, modules, classifiers, activations fused.
func lower(_ spec: Spec, keepsSnapshots: Bool = false) throws(CompilationFailed) -> Graph {
  try networkPipeline(spec, keepsSnapshots: keepsSnapshots).graph
}

func networkPipeline(_ spec: Spec, keepsSnapshots: Bool) throws(CompilationFailed) -> PassPipeline {
  var diagnostics = unsupportedFeatures(of: spec)
  var lowering = NetworkLowering(spec)
  lowering.run()
  diagnostics += lowering.diagnostics
  guard lowering.diagnostics.isEmpty else { throw CompilationFailed(diagnostics: diagnostics) }
  let partition = PartitionLowering(spec, items: lowering.items)
  diagnostics += partition.diagnostics
  var pipeline = PassPipeline(lowering.builder.graph, keepsSnapshots: keepsSnapshots)
  pipeline.run(ModulePartition(firstItems: partition.firstItems))
  if partition.diagnostics.isEmpty {
    let modules = ModulePartition(firstItems: partition.partitionFirstItems).run(lowering.builder.graph)
    diagnostics += moduleFaults(of: spec, moduleCount: modules.moduleCount)
    let classifiers = ClassifierLowering(spec, moduleOutputs: modules.moduleOutputs.map(modules.shape))
    diagnostics += classifiers.diagnostics
    if classifiers.diagnostics.isEmpty {
      pipeline.run(
        AuxiliaryHeads(
          recipes: classifiers.recipes, batchNormScale: spec.network.initialization.batchNormScale,
          heFanOut: spec.network.initialization.weights.value == .heFanOut))
    }
  }
  guard diagnostics.isEmpty else { throw CompilationFailed(diagnostics: diagnostics) }
  if let fault = oneElementFault(of: pipeline.graph) { throw CompilationFailed(diagnostics: [fault]) }
  pipeline.run(FuseActivations())
  return pipeline
}

func trainingGraph(
  _ network: Graph, modules: [Int], _ spec: Spec, keepsSnapshots: Bool = false
) -> PassPipeline {
  var pipeline = PassPipeline(network, keepsSnapshots: keepsSnapshots)
  pipeline.run(TrainingStage(modules: modules))
  pipeline.run(FoldBatchNorm())
  pipeline.run(Differentiation(modules: modules, optimizer: optimizer(spec.training.optimizer)))
  pipeline.run(DeadValueElimination())
  pipeline.run(AlgorithmChoice(isStrict: spec.numerics.value == .strict))
  pipeline.run(InPlace())
  return pipeline
}

func evaluationGraph(
  _ network: Graph, modules: [Int], ensemble: Bool, _ spec: Spec, keepsSnapshots: Bool = false
) -> PassPipeline {
  var pipeline = PassPipeline(network, keepsSnapshots: keepsSnapshots)
  pipeline.run(EvaluationStage(modules: modules, ensemble: ensemble))
  pipeline.run(FoldBatchNorm())
  pipeline.run(DeadValueElimination())
  pipeline.run(AlgorithmChoice(isStrict: spec.numerics.value == .strict))
  pipeline.run(InPlace())
  return pipeline
}

func stageGraphs(_ network: Graph, _ schedule: StageSchedule, _ spec: Spec) -> StageGraphs {
  let modules = schedule.indices
  return StageGraphs(
    schedule: schedule, training: trainingGraph(network, modules: modules, spec).graph,
    evaluation: evaluationGraph(network, modules: modules, ensemble: modules.count > 1, spec).graph)
}

/// Everything that `compile` would find, without planning.
package func check(_ spec: Spec) throws(CompilationFailed) {
  _ = try lower(spec)
}

/// Batch norm over a single number has no variance.
private func oneElementFault(of graph: Graph) -> Diagnostic? {
  guard graph.batch == 1 else { return nil }
  return graph.nodes.first { $0.normalizesOnePixel(in: graph) }.map { .oneElementStatistics(at: $0.origin) }
}

extension Node {
  /// Whether this is a batch norm of pictures of 1x1, whose statistics come from the batch alone.
  fileprivate func normalizesOnePixel(in graph: Graph) -> Bool {
    guard case .batchNorm = op else { return false }
    let shape = graph.shape(operands[0])
    return shape.height * shape.width == 1
  }
}
