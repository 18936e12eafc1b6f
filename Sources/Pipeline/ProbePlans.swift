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

/// The network of a run, cut into the modules whose features can be probed: those of the partition, whatever the strategy.
package struct ProbedNetwork: Sendable {
  private let spec: Spec
  /// What a run leaves, with all its modules narrowed where it narrows any.
  private let network: Graph

  /// End-to-end training has one module; its depths are those of the partition all the same. It has no auxiliaries: what the
  /// spec says of them need not fit its depths, so that the least of all stands in for them.
  package init(_ spec: Spec) throws(CompilationFailed) {
    self.spec = spec
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
    self.network =
      NarrowedNetwork(network, trainingSettings(spec, moduleCount: network.moduleCount, images: 0)).final
  }

  package var moduleNames: [String] { Pipeline.moduleNames(of: network, isVGG: spec.network.isVGG) }

  /// The program that makes the features of one depth of a run, behind the run's weights.
  ///
  /// - Parameters:
  ///   - module: whose output; 0: the images.
  ///   - poolSize: side that features are averaged to; nil: as they are.
  ///   - run: the run's plan.
  package func featureProgram(ofModule module: Int, poolSize: Int?, of run: Plan) -> Program {
    var pipeline = PassPipeline(network)
    pipeline.run(ProbeFeatureStage(module: module, poolSize: poolSize))
    let planner = Planner(
      threads: run.threads, training: run.training, facts: run.data.facts, choices: PlanChoices())
    runForwardPasses(&pipeline, spec, planner)
    return planner.program(pipeline.graph, resident: run.resident)
  }

  /// The plan of training a probe behind a module of a run: the run's layers up to there, frozen as they are stored, and the
  /// probe as the one module that learns, with the run's optimizer and half a cosine of its learning rate.
  ///
  /// - Parameter module: 0: the probe reads the images.
  package func plan(
    _ probe: ConvolutionalProbe, behind module: Int, poolSize: Int?, of run: Plan
  ) -> Plan {
    var spec = spec
    let complete = network
    precondition(module <= complete.moduleCount, "a module of the run")
    let features = module == 0 ? complete.images : complete.moduleOutputs[module - 1]
    var recipe = ClassifierRecipe(
      kind: .cnn(
        convolutions: probe.convolutions, width: probe.width ?? complete.shape(features).channels),
      classes: run.classes, batchNorm: true, poolSize: 2, origin: spec.training.strategy.span)
    let smallest = min(complete.shape(features).height, complete.shape(features).width)
    recipe.poolSize = min(2, smallest)
    var pipeline = PassPipeline(complete)
    pipeline.run(ProbeNetwork(module: module, recipe: recipe, poolSize: poolSize))
    pipeline.run(FuseActivations())
    let network = pipeline.graph

    spec.training.strategy.value = .sequential
    let frozen = TrainingSettings.Module(epochs: 0, learningRate: run.training.modules[0].learningRate)
    let trained = TrainingSettings.Module(
      epochs: probe.epochs, learningRate: run.training.modules[0].learningRate)
    let training = TrainingSettings(
      strategy: .sequential, modules: [TrainingSettings.Module](repeating: frozen, count: module) + [trained],
      startEvery: 0, batch: run.training.batch, dropLast: run.training.dropLast,
      optimizer: run.training.optimizer,
      schedule: .cosine(warmUp: 0, floor: 0), dropsMomentumAtDecay: false, seed: run.training.seed)
    let planner = Planner(
      threads: run.threads, training: training, facts: run.data.facts, choices: PlanChoices())
    let resident = ResidentLayout(network: network)
    let stage = planner.stage(
      stageGraphs(
        NarrowedNetwork(network, training), StageSchedule.all(of: training)[0], spec, planner), index: 1)
    let evaluation = planner.program(
      evaluationGraph(network, modules: [module + 1], spec, planner).graph,
      resident: resident)
    var plan = planner.plan(
      name: "\(run.name)-probe", specText: run.specText, data: run.data, network: network,
      moduleNames: moduleNames.prefix(module) + ["probe"],
      classes: run.classes, resident: resident,
      stages: [stage], evaluation: evaluation, budgetBytes: nil,
      places: PlanPlaces(spec))
    let stored = resident.entries.map(\.value).filter { $0.module <= module }
    plan.start = WeightMapping(
      path: "", sha256: "", tensors: stored.map { WeightMapping.Tensor(stored: $0.name, name: $0.name) },
      unsolved: [])
    return plan
  }
}
