package import Diagnostics
internal import GraphIR
internal import Passes
package import Planning
package import SpecLanguage

/// A convolutional classifier that is trained on the frozen features of one depth.
package struct ConvolutionalProbe: Sendable {
  /// Hidden 3x3 convolutions.
  package var convolutions: Int
  /// Their channels; nil: as many as the features have.
  package var width: Int?
  package var epochs: Int

  package init(convolutions: Int, width: Int?, epochs: Int) {
    self.convolutions = convolutions
    self.width = width
    self.epochs = epochs
  }
}

/// Names of the modules whose features can be probed: those of the partition, whatever the strategy.
package func probedModules(_ spec: Spec) throws(CompilationFailed) -> [String] {
  moduleNames(of: try lowerPartitioned(spec), isVGG: spec.network.isVGG)
}

/// End-to-end training has one module; its depths are those of the partition all the same. It has no auxiliaries: what the spec
/// says of them need not fit its depths, so that the least of all stands in for them.
private func lowerPartitioned(_ spec: Spec) throws(CompilationFailed) -> Graph {
  var spec = spec
  if spec.training.strategy.value == .endToEnd {
    spec.training.strategy.value = .parallel
    let own = spec.auxiliary
    spec.auxiliary.standard.kind = .gap
    spec.auxiliary.overrides = []
    spec.auxiliary.loss.value = .crossEntropy
    // The head is the one that was trained.
    if case .auxiliary = spec.network.head {
      let modules = PartitionLowering(spec, items: spec.items).partitionFirstItems.count
      let last = own.overrides.first { $0.module.value == modules }?.classifier
      spec.network.head = .classifier(last ?? own.standard)
    }
  }
  let network = try lower(spec)
  // What a run leaves, with all its modules narrowed where it narrows any.
  return NarrowedNetwork(network, trainingPlan(spec, moduleCount: network.moduleCount, pictures: 0)).final
}

extension Plan {
  /// The program that makes the features of one depth of a run, behind the run's weights.
  ///
  /// - Parameters:
  ///   - module: whose output; 0: the pictures.
  ///   - poolSize: side that features are averaged to; nil: as they are.
  package func featureProgram(
    ofModule module: Int, poolSize: Int?, _ spec: Spec
  ) throws(CompilationFailed) -> Program {
    var pipeline = PassPipeline(try lowerPartitioned(spec))
    pipeline.run(ProbeFeatureStage(module: module, poolSize: poolSize))
    let planner = Planner(
      threads: threads, training: training, facts: data.facts, choices: PlanChoices())
    runForwardPasses(&pipeline, spec, planner)
    return planner.program(pipeline.graph, resident: resident)
  }

  /// The plan of training a probe behind a module of a run: the run's layers up to there, frozen as they are stored, and the
  /// probe as the one module that learns, with the run's optimizer and half a cosine of its learning rate.
  ///
  /// - Parameter module: 0: the probe reads the pictures.
  package func probe(
    _ probe: ConvolutionalProbe, behind module: Int, poolSize: Int?, _ spec: Spec
  ) throws(CompilationFailed) -> Plan {
    var spec = spec
    let complete = try lowerPartitioned(spec)
    precondition(module <= complete.moduleCount, "a module of the run")
    let features = module == 0 ? complete.pictures : complete.moduleOutputs[module - 1]
    var recipe = ClassifierRecipe(
      kind: .cnn(
        convolutions: probe.convolutions, width: probe.width ?? complete.shape(features).channels),
      classes: classes, batchNorm: true, poolSize: 2, origin: spec.training.strategy.span)
    let smallest = min(complete.shape(features).height, complete.shape(features).width)
    recipe.poolSize = min(2, smallest)
    var pipeline = PassPipeline(complete)
    pipeline.run(ProbeNetwork(module: module, recipe: recipe, poolSize: poolSize))
    pipeline.run(FuseActivations())
    let network = pipeline.graph

    spec.training.strategy.value = .sequential
    let frozen = TrainingPlan.Module(epochs: 0, learningRate: training.modules[0].learningRate)
    let trained = TrainingPlan.Module(epochs: probe.epochs, learningRate: training.modules[0].learningRate)
    let training = TrainingPlan(
      strategy: .sequential, modules: [TrainingPlan.Module](repeating: frozen, count: module) + [trained],
      startEvery: 0, batch: training.batch, dropLast: training.dropLast, optimizer: training.optimizer,
      schedule: .cosine(warmUp: 0, floor: 0), dropsMomentumAtDecay: false, seed: training.seed)
    let planner = Planner(threads: threads, training: training, facts: data.facts, choices: PlanChoices())
    let resident = ResidentLayout(network: network)
    let stage = planner.stage(
      stageGraphs(
        NarrowedNetwork(network, training), StageSchedule.all(of: training)[0], spec, planner), index: 1)
    let evaluation = planner.program(
      evaluationGraph(network, modules: [module + 1], spec, planner).graph,
      resident: resident)
    var plan = planner.plan(
      name: "\(name)-probe", specText: specText, data: data, network: network,
      moduleNames: moduleNames(of: complete, isVGG: spec.network.isVGG).prefix(module) + ["probe"],
      classes: classes, resident: resident,
      stages: [stage], evaluation: evaluation, budgetBytes: nil,
      places: PlanPlaces(spec))
    let stored = resident.entries.map(\.value).filter { $0.module <= module }
    plan.start = StartPlan(
      path: "", sha256: "", tensors: stored.map { StartPlan.Tensor(stored: $0.name, name: $0.name) },
      unsolved: [])
    return plan
  }
}
