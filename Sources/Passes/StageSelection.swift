package import GraphIR

/// Keeps what one stage of training runs: the trained modules with their losses, and the frozen modules before them as
/// inference (running statistics used and kept, no auxiliaries).
package struct TrainingStage: Pass {
  package static let name = "stage"

  private let modules: [Int]
  private let firstModule: Int
  private let trainsLayers: Bool

  /// - Parameters:
  ///   - modules: that learn, rising, at least one.
  ///   - firstModule: with which the program begins: its batch is what the module before it hands on.
  ///   - trainsLayers: otherwise their auxiliaries learn alone, behind layers that are frozen.
  package init(modules: [Int], startingAt firstModule: Int = 1, trainsLayers: Bool = true) {
    self.modules = modules
    self.firstModule = firstModule
    self.trainsLayers = trainsLayers
  }

  package func run(_ graph: Graph) -> Graph {
    let last = modules.max() ?? 0
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

/// Keeps what measuring accuracy runs: all as inference, with the classifiers of the measured modules, and the ensemble
/// over depth where there is more than one classifier.
package struct EvaluationStage: Pass {
  package static let name = "evaluation"

  private let modules: [Int]
  private let ensemble: EnsembleMean
  private let firstModule: Int

  /// - Parameters:
  ///   - modules: that are measured, rising, at least one.
  ///   - firstModule: with which the program begins: its batch is what the module before it hands on.
  package init(modules: [Int], ensemble: EnsembleMean, startingAt firstModule: Int = 1) {
    self.modules = modules
    self.ensemble = ensemble
    self.firstModule = firstModule
  }

  package func run(_ graph: Graph) -> Graph {
    let last = modules.max() ?? 0
    var stage = graph
    stage.readFeatures(before: firstModule)
    stage.nodes = graph.nodes.compactMap { node in
      if node.module > last || node.module < firstModule { return nil }
      return node.part == .layers || modules.contains(node.module) ? node.asInference : nil
    }
    stage.metrics = graph.metrics.filter { modules.contains($0.module) }
    stage.moduleOutputs = []
    guard stage.metrics.count > 1, let last = stage.nodes.last else { return stage }
    var builder = GraphBuilder(graph: stage, origin: last.origin)
    builder.item = last.item
    builder.module = last.module
    builder.part = .auxiliary
    let logits = builder.ensemble(stage.metrics.map(\.logits), meanOf: ensemble)
    builder.loss(logits: logits, metricsOf: 0)
    return builder.graph
  }
}

/// Keeps what computes the features that a module starts from: the layers of the modules before it, as inference.
package struct FeatureStage: Pass {
  package static let name = "features"

  private let modules: ClosedRange<Int>

  /// - Parameter modules: the first one's batch is what the module before it hands on; the last one's output is kept.
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
  /// Makes what the module before `module` hands on the batch; the first module reads pictures.
  fileprivate mutating func readFeatures(before module: Int) {
    guard module > 1 else { return }
    let output = moduleOutputs[module - 2]
    pictures = output
    self[output].name = "features"
    self[output].category = .batch
    self[output].module = 0
  }
}

extension Node {
  /// The node with running statistics in place of the batch's.
  var asInference: Node {
    guard case .batchNorm(var norm) = op else { return self }
    norm.mode = .inference
    var node = self
    node.op = .batchNorm(norm)
    return node
  }
}
