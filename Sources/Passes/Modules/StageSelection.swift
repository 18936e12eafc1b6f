package import GraphIR
package import Operators

/// Keeps what one stage of training runs: the trained modules with their losses, and the frozen modules before them as
/// inference (running statistics used and kept, no auxiliaries).
package struct TrainingStage: Pass {
  package static let name = "stage"

  private let modules: [Int]
  private let firstModule: Int
  private let trainsLayers: Bool

  /// - Parameters:
  ///   - modules: that learn, rising, at least one.
  ///   - firstModule: with which the program begins: its batch is what the module before it outputs.
  ///   - trainsLayers: otherwise their auxiliaries learn alone, behind layers that are frozen.
  package init(modules: [Int], startingAt firstModule: Int = 1, trainsLayers: Bool = true) {
    self.modules = modules
    self.firstModule = firstModule
    self.trainsLayers = trainsLayers
  }

  package func run(_ graph: Graph) -> Graph {
    let last = modules.max() ?? 0
    let modules = Set(modules)
    var stage = graph
    stage.readFeatures(before: firstModule)
    stage.nodes = graph.nodes.compactMap { node in
      if node.module > last || node.module < firstModule { return nil }
      if modules.contains(node.module), trainsLayers || node.part == .auxiliary { return node }
      return node.part == .layers ? node.asInference : nil
    }
    stage.metrics = graph.metrics.filter { modules.contains($0.module) }
    stage.moduleOutputs = []
    return stage
  }
}

/// Keeps what measuring accuracy runs: all as inference, with the classifiers of the measured modules and, behind each but
/// the first, the ensemble over depth as far as there.
package struct EvaluationStage: Pass {
  package static let name = "evaluation"

  private let modules: [Int]
  private let ensemble: EnsembleMean?
  private let firstModule: Int
  private let keepsAnswers: Bool

  /// - Parameters:
  ///   - modules: that are measured, rising, at least one.
  ///   - ensemble: what it takes the mean of; nil: the modules are measured by themselves.
  ///   - firstModule: with which the program begins: its batch is what the module before it outputs.
  ///   - keepsAnswers: whether the last module's logits are what the graph outputs.
  package init(
    modules: [Int], ensemble: EnsembleMean?, startingAt firstModule: Int = 1, keepsAnswers: Bool = false
  ) {
    self.modules = modules
    self.ensemble = ensemble
    self.firstModule = firstModule
    self.keepsAnswers = keepsAnswers
  }

  package func run(_ graph: Graph) -> Graph {
    let last = modules.max() ?? 0
    let modules = Set(modules)
    var stage = graph
    stage.readFeatures(before: firstModule)
    stage.nodes = graph.nodes.compactMap { node in
      if node.module > last || node.module < firstModule { return nil }
      return node.part == .layers || modules.contains(node.module) ? node.asInference : nil
    }
    stage.metrics = graph.metrics.filter { modules.contains($0.module) }
    stage.moduleOutputs = keepsAnswers ? stage.metrics.suffix(1).map(\.logits) : []
    return ensemble.map { stage.withEnsembles(meanOf: $0) } ?? stage
  }
}

extension Graph {
  /// The graph with the ensemble of all measured modules up to each of them but the first, right behind the module's own
  /// nodes. Module j has the weight 2^j, whether or not all before it are measured.
  fileprivate func withEnsembles(meanOf mean: EnsembleMean) -> Graph {
    guard metrics.count > 1 else { return self }
    var builder = GraphBuilder(graph: self, origin: nodes[0].origin)
    builder.graph.nodes = []
    builder.part = .auxiliary
    /// The weight is in units of the module's own.
    var ensemble: (module: Int, logits: ValueID, weight: Double)?
    let logits = Dictionary(metrics.map { ($0.module, $0.logits) }) { first, _ in first }
    for (index, node) in nodes.enumerated() {
      builder.graph.nodes.append(node)
      let module = node.module
      let endsModule = index + 1 == nodes.count || nodes[index + 1].module != module
      guard endsModule, let own = logits[module] else { continue }
      guard let soFar = ensemble else {
        ensemble = (module, own, 1)
        continue
      }
      builder.origin = node.origin
      builder.item = node.item
      builder.module = module
      let before = Double(sign: .plus, exponent: soFar.module - module, significand: soFar.weight)
      let joined = builder.ensemble(soFar.logits, with: own, share: 1 / (1 + before), meanOf: mean)
      builder.loss(logits: joined, metricsOf: module, ofEnsemble: true)
      ensemble = (module, joined, 1 + before)
    }
    return builder.graph
  }
}

/// Keeps what computes the features that a module starts from: the layers of the modules before it, as inference.
package struct FeatureStage: Pass {
  package static let name = "features"

  private let modules: ClosedRange<Int>

  /// - Parameter modules: the first one's batch is what the module before it outputs; the last one's output is kept.
  package init(modules: ClosedRange<Int>) {
    self.modules = modules
  }

  package func run(_ graph: Graph) -> Graph {
    var stage = graph
    stage.readFeatures(before: modules.lowerBound)
    stage.nodes = graph.nodes.compactMap { node in
      modules.contains(node.module) && node.part == .layers ? node.asInference : nil
    }
    stage.metrics = []
    stage.moduleOutputs = [graph.moduleOutputs[modules.upperBound - 1]]
    return stage
  }
}

extension Graph {
  /// Makes what the module before `module` outputs the batch; the first module reads images.
  fileprivate mutating func readFeatures(before module: Int) {
    guard module > 1 else { return }
    let output = moduleOutputs[module - 2]
    images = output
    inputModule = module - 1
    self[output].name = "features"
    self[output].category = .batch
    self[output].module = 0
  }
}
