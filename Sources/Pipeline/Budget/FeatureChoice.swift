internal import CostModel
internal import Diagnostics
internal import GraphIR
internal import Passes
internal import Planning
package import SpecLanguage

/// Which stages keep what their frozen prefix gives instead of computing it in every step.
struct FeatureChoice {
  private let spec: Spec
  private let narrowed: NarrowedNetwork
  private let storage: PlanChoices.Features
  private let stages: PlanChoices.FeatureStages

  init(
    _ spec: Spec, _ narrowed: NarrowedNetwork, storage: PlanChoices.Features,
    stages: PlanChoices.FeatureStages = .paying
  ) {
    self.spec = spec
    self.narrowed = narrowed
    self.storage = storage
    self.stages = stages
  }

  /// What each stage keeps, in their order; nil for those that start from images.
  var all: [KeptPrefix?] {
    var previous: Int?
    return StageSchedule.all(of: narrowed.training).map { schedule in
      let kept = prefix(of: schedule, previous: schedule.takesFeaturesOfPrevious ? previous : nil)
      previous = kept?.module
      return kept
    }
  }

  /// - Parameter previous: the module whose output the stage before keeps, where this one can start from it.
  private func prefix(of schedule: StageSchedule, previous: Int?) -> KeptPrefix? {
    let module = schedule.modules[0].index - 1
    guard storage != .recompute, spec.canKeepFeatures, module > 0 else { return nil }
    let kept = KeptPrefix(module: module, source: previous.flatMap { $0 < module ? $0 : nil })
    switch spec.memory.features.value {
    case .recompute: return nil
    case .cache: return kept
    case .auto where stages == .all: return kept
    case .auto:
      let network = narrowed.forward(schedule)
      func multiplyAdds(_ modules: ClosedRange<Int>) -> Int {
        network.nodes.filter { $0.part == .layers && modules.contains($0.module) }
          .map { $0.multiplyAddsPerImage(in: network) }.reduce(0, +)
      }
      let cost = FeatureCost(
        prefixMultiplyAdds: multiplyAdds(1...module),
        onceMultiplyAdds: previous == module ? 0 : multiplyAdds((kept.source ?? 0) + 1...module),
        bytesPerImage: network[network.moduleOutputs[module - 1]].type.byteCount(images: 1),
        epochs: schedule.epochs, isInFile: storage == .file)
      return cost.pays ? kept : nil
    }
  }
}

/// The frozen prefix of a stage that keeps what it gives.
struct KeptPrefix: Hashable {
  /// Its last module, whose output is kept.
  var module: Int
  /// The module before it whose output the stage before keeps, and from which this one can be made; nil: from images alone.
  var source: Int?

  /// The module with which the stage's other programs begin.
  static func firstModule(behind kept: KeptPrefix?) -> Int { kept.map { $0.module + 1 } ?? 1 }
}

/// What makes the output of the last of these modules.
///
/// - Parameter network: of as many images as pass at once while features are made.
func featureGraph(
  _ network: Graph, modules: ClosedRange<Int>, _ spec: Spec, _ planner: Planner, keepsSnapshots: Bool = false
) -> PassPipeline {
  var pipeline = PassPipeline(network, keepsSnapshots: keepsSnapshots)
  pipeline.run(FeatureStage(modules: modules))
  runForwardPasses(&pipeline, spec, planner)
  return pipeline
}

extension Spec {
  /// Whether the images of an epoch are those of every other.
  fileprivate var drawsImages: Bool {
    data.padCrop.value > 0 || data.flipHorizontal.value || data.cutout.value > 0
      || data.randomResizedCrop != nil
  }

  /// Whether a frozen prefix gives the same in every epoch.
  package var canKeepFeatures: Bool {
    switch training.strategy.value {
    case .sequential, .parallel: !drawsImages
    // One stage in which all modules learn, or none that is frozen from the start.
    case .asynchronous, .endToEnd: false
    }
  }

  var featureFaults: [Diagnostic] {
    guard memory.features.value == .cache, drawsImages else { return [] }
    return [.cacheOfDrawnImages(at: memory.features.span)]
  }
}

/// How features may lie where a budget decides.
struct FeatureWays {
  /// What costs least time first; `recompute` alone where no stage has any to keep.
  var ways: [PlanChoices] = []
  /// Where the programs that make features are what is too much; nil where the spec insists on features, or one of the ways
  /// keeps none.
  var withoutFeatures: PlanChoices?
}

extension Compiler {
  /// The plan where nothing is chosen for a budget: features stay in memory as long as they take less than all the rest, and
  /// in a file otherwise. Which stages keep them, and so the last bits of a training, hang on that: it is settled for a number
  /// of threads of its own, whatever number there is.
  func naturalPlan() throws(CompilationFailed) -> Plan { try plan(defaultChoices()) }

  func defaultChoices() throws(CompilationFailed) -> PlanChoices {
    let network = narrowedNetwork
    var choices = PlanChoices()
    guard stageCount(network, .memory, .paying) > 0 else { return choices }
    choices.features = .memory
    let inMemory = try with(threads: PlanChoices.countedThreads).plan(choices)
    let rest = inMemory.stages.map { $0.memory.peakBytes - ($0.features?.range?.count ?? 0) }.max() ?? 0
    if inMemory.memory.peakBytes <= 2 * rest { return choices }
    choices.features = stageCount(network, .file, .paying) > 0 ? .file : .recompute
    return choices
  }

  func with(threads: Int) -> Compiler {
    var options = options
    options.threads = threads
    return Compiler(lowered, options: options)
  }

  func featureWays() -> FeatureWays {
    let network = narrowedNetwork
    func choices(
      _ features: PlanChoices.Features, _ stages: PlanChoices.FeatureStages = .paying
    ) -> PlanChoices {
      var choices = PlanChoices()
      choices.features = features
      choices.featureStages = stages
      return choices
    }
    let storages: [PlanChoices.Features] = [.memory, .file]
    let kept = storages.filter { stageCount(network, $0, .paying) > 0 }
    let keepsFile = kept.contains(.file)
    var found = FeatureWays(ways: kept.map { choices($0) } + (keepsFile ? [] : [choices(.recompute)]))
    // What follows contradicts a spec that says what it wants.
    guard spec.memory.features.value == .auto else { return found }
    if stageCount(network, .file, .all) > stageCount(network, .file, .paying) {
      found.ways.append(choices(.file, .all))
    }
    if keepsFile { found.withoutFeatures = choices(.recompute) }
    return found
  }

  private var narrowedNetwork: NarrowedNetwork {
    NarrowedNetwork(
      network,
      trainingSettings(spec, moduleCount: network.moduleCount, images: options.facts.trainCount))
  }

  /// Stages that keep features.
  func stageCount(
    _ network: NarrowedNetwork, _ storage: PlanChoices.Features, _ stages: PlanChoices.FeatureStages
  ) -> Int {
    FeatureChoice(spec, network, storage: storage, stages: stages).all.count { $0 != nil }
  }
}
