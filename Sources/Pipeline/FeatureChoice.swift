internal import CostModel
internal import Diagnostics
internal import GraphIR
internal import Passes
internal import Planning
internal import SpecLanguage

/// Which stages keep what their frozen prefix gives instead of computing it in every step.
struct FeatureChoice {
  private let spec: Spec
  private let network: Graph
  private let storage: PlanChoices.Features
  private let stages: PlanChoices.FeatureStages

  /// - Parameter network: of as many pictures as pass at once while features are made.
  init(
    _ spec: Spec, network: Graph, storage: PlanChoices.Features, stages: PlanChoices.FeatureStages = .paying
  ) {
    self.spec = spec
    self.network = network
    self.storage = storage
    self.stages = stages
  }

  /// The module whose output a stage keeps; nil where it computes its prefix in every step, or has none.
  ///
  /// - Parameter previous: the module whose output the stage before keeps.
  func module(for schedule: StageSchedule, previous: Int?) -> Int? {
    guard storage != .recompute, spec.canKeepFeatures, let module = prefix(of: schedule) else { return nil }
    switch spec.memory.features.value {
    case .recompute: return nil
    case .cache: return module
    case .auto where stages == .all: return module
    case .auto:
      let cost = FeatureCost(
        prefixMultiplyAdds: multiplyAdds(1...module),
        onceMultiplyAdds: previous == module
          ? 0 : multiplyAdds((source(of: module, previous) ?? 0) + 1...module),
        bytesPerPicture: 4 * network.shape(network.moduleOutputs[module - 1]).elementsPerPicture,
        epochs: schedule.epochs, isInFile: storage == .file)
      return cost.pays ? module : nil
    }
  }

  /// The same with the graphs that make it.
  func graphs(for schedule: StageSchedule, previous: Int?) -> FeatureGraphs? {
    guard let module = module(for: schedule, previous: previous) else { return nil }
    return FeatureGraphs(
      module: module, fromPictures: featureGraph(network, modules: 1...module, spec).graph,
      fromPrevious: source(of: module, previous).map {
        featureGraph(network, modules: $0 + 1...module, spec).graph
      })
  }

  /// The module from whose output that of `module` can be made.
  private func source(of module: Int, _ previous: Int?) -> Int? {
    previous.flatMap { $0 < module ? $0 : nil }
  }

  /// The last of the modules before all that learn.
  private func prefix(of schedule: StageSchedule) -> Int? {
    let first = schedule.modules[0].index
    return first > 1 ? first - 1 : nil
  }

  /// Forward, one picture.
  private func multiplyAdds(_ modules: ClosedRange<Int>) -> Int {
    network.nodes.filter { $0.part == .layers && modules.contains($0.module) }
      .map { $0.multiplyAddsPerPicture(in: network) }.reduce(0, +)
  }
}

func featureGraph(
  _ network: Graph, modules: ClosedRange<Int>, _ spec: Spec, keepsSnapshots: Bool = false
) -> PassPipeline {
  var pipeline = PassPipeline(network, keepsSnapshots: keepsSnapshots)
  pipeline.run(FeatureStage(modules: modules))
  pipeline.run(FoldBatchNorm())
  pipeline.run(DeadValueElimination())
  pipeline.run(AlgorithmChoice(isStrict: spec.numerics.value == .strict))
  pipeline.run(InPlace())
  return pipeline
}

extension Spec {
  /// Whether the pictures of an epoch are those of every other.
  fileprivate var drawsPictures: Bool { data.padCrop.value > 0 || data.flipHorizontal.value }

  /// Whether a frozen prefix gives the same in every epoch.
  var canKeepFeatures: Bool {
    switch training.strategy.value {
    case .sequential, .parallel: !drawsPictures
    // One stage in which all modules learn, or none that is frozen from the start.
    case .asynchronous, .endToEnd: false
    }
  }

  var featureFaults: [Diagnostic] {
    guard memory.features.value == .cache, drawsPictures else { return [] }
    return [.cacheOfDrawnPictures(at: memory.features.span)]
  }
}

extension Compiler {
  /// The plan where nothing is chosen for a budget: features stay in memory as long as they take less than all the rest, and
  /// in a file otherwise.
  func naturalPlan() throws(CompilationFailed) -> Plan {
    let network = try lower(spec)
    guard keepsFeatures(network, .memory) else { return try plan(PlanChoices()) }
    var choices = PlanChoices()
    choices.features = .memory
    let inMemory = try plan(choices)
    let rest = inMemory.stages.map { $0.memory.peakBytes - ($0.features?.range?.count ?? 0) }.max() ?? 0
    if inMemory.memory.peakBytes <= 2 * rest { return inMemory }
    choices.features = keepsFeatures(network, .file) ? .file : .recompute
    return try plan(choices, comparison: inMemory.comparisonWithoutChoices)
  }

  /// How features may lie, what costs least time first; `recompute` alone where no stage has any to keep.
  func featureChoices() throws(CompilationFailed) -> [PlanChoices] {
    let network = try lower(spec)
    var found: [PlanChoices] = []
    func add(_ features: PlanChoices.Features, _ stages: PlanChoices.FeatureStages = .paying) {
      var choices = PlanChoices()
      choices.features = features
      choices.featureStages = stages
      found.append(choices)
    }
    for storage in [PlanChoices.Features.memory, .file] where keepsFeatures(network, storage) { add(storage) }
    let keepsFile = found.contains { $0.features == .file }
    if !keepsFile { add(.recompute) }
    // What follows contradicts a spec that says what it wants.
    guard spec.memory.features.value == .auto else { return found }
    let paying = stageCount(network, .file, .paying)
    if stageCount(network, .file, .all) > paying { add(.file, .all) }
    if keepsFile { add(.recompute) }
    return found
  }

  private func keepsFeatures(_ network: Graph, _ storage: PlanChoices.Features) -> Bool {
    stageCount(network, storage, .paying) > 0
  }

  /// Stages that keep features.
  func stageCount(
    _ network: Graph, _ storage: PlanChoices.Features, _ stages: PlanChoices.FeatureStages
  ) -> Int {
    let choice = FeatureChoice(spec, network: network, storage: storage, stages: stages)
    let training = trainingPlan(
      spec, moduleCount: network.moduleCount, pictures: options.facts.trainCount)
    return StageSchedule.all(of: training).count {
      choice.module(for: $0, previous: nil) != nil
    }
  }
}
