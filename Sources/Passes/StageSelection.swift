package import GraphIR

/// Keeps what one stage of training runs: the trained modules with their losses, and the frozen modules before them as
/// inference (running statistics used and kept, no auxiliaries).
package struct TrainingStage: Pass {
  package static let name = "stage"

  private let modules: [Int]

  /// - Parameter modules: that learn, rising, at least one.
  package init(modules: [Int]) {
    self.modules = modules
  }

  package func run(_ graph: Graph) -> Graph {
    let last = modules.max() ?? 0
    var stage = graph
    stage.nodes = graph.nodes.compactMap { node in
      if node.module > last { return nil }
      if modules.contains(node.module) { return node }
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

  /// - Parameter modules: that are measured, rising, at least one.
  package init(modules: [Int], ensemble: EnsembleMean) {
    self.modules = modules
    self.ensemble = ensemble
  }

  package func run(_ graph: Graph) -> Graph {
    let last = modules.max() ?? 0
    var stage = graph
    stage.nodes = graph.nodes.compactMap { node in
      if node.module > last { return nil }
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
