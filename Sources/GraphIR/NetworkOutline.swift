/// A network's forward graph in rows, as `strata show` draws it: layers (or stem and blocks), and the modules with their
/// classifiers.
package struct NetworkOutline: Hashable, Sendable {
  /// A layer, a block or the stem.
  package struct Row: Hashable, Sendable {
    /// From 1; 0 is the stem.
    package var item: Int
    /// From 1.
    package var module: Int
    /// In words: `max-pool 2x2, conv 3x3 128`.
    package var operations: [String]
    package var input: Shape
    package var output: Shape
    package var parameters: Int
    /// Forward, one picture.
    package var multiplyAdds: Int
  }

  package struct Module: Hashable, Sendable {
    /// From 1.
    package var index: Int
    package var parameters = 0
    package var multiplyAdds = 0
    /// Of the auxiliary network; of the last module's head.
    package var classifierOperations: [String] = []
    package var classifierParameters = 0
    package var classifierMultiplyAdds = 0
  }

  package private(set) var rows: [Row] = []
  package private(set) var modules: [Module]
  package let input: Shape

  /// - Parameter graph: forward, partitioned, with its classifiers.
  package init(_ graph: Graph) {
    input = graph.shape(graph.pictures)
    modules = zip(graph.sizes(of: .layers), graph.sizes(of: .auxiliary)).enumerated().map { index, sizes in
      Module(
        index: index + 1, parameters: sizes.0.parameters, multiplyAdds: sizes.0.multiplyAdds,
        classifierParameters: sizes.1.parameters, classifierMultiplyAdds: sizes.1.multiplyAdds)
    }
    for node in graph.nodes {
      switch node.part {
      case .layers:
        if rows.last?.item != node.item {
          let input = graph.shape(node.operands[0])
          rows.append(
            Row(
              item: node.item, module: node.module, operations: [], input: input, output: input,
              parameters: 0, multiplyAdds: 0))
        }
        let last = rows.count - 1
        rows[last].output = graph.shape(node.results[0])
        let sizes = node.sizes(in: graph)
        rows[last].parameters += sizes.parameters
        rows[last].multiplyAdds += sizes.multiplyAdds
        if let words = node.words(in: graph) { rows[last].operations.append(words) }
      case .auxiliary:
        if let words = node.words(in: graph) { modules[node.module - 1].classifierOperations.append(words) }
      }
    }
  }

  /// Of the layers and the head; auxiliaries not.
  package var parameters: Int {
    modules.map(\.parameters).reduce(0, +) + (modules.last?.classifierParameters ?? 0)
  }

  /// Of the layers and the head, forward, one picture.
  package var multiplyAdds: Int {
    modules.map(\.multiplyAdds).reduce(0, +) + (modules.last?.classifierMultiplyAdds ?? 0)
  }
}

extension Node {
  /// What a forward operation does to shapes, for people: `conv 3x3 128 /2`; nil for what changes no shape, and for losses.
  fileprivate func words(in graph: Graph) -> String? {
    switch op {
    case .convolution(let c):
      (graph[operands[1]].name.contains(".shortcut.") ? "shortcut " : "")
        + "conv \(c.kernelSize)x\(c.kernelSize) \(c.outChannels)" + (c.stride > 1 ? " /\(c.stride)" : "")
    case .linear(let outFeatures, _): "linear \(outFeatures)"
    case .maxPool(let pool):
      "max-pool \(pool.window)x\(pool.window)" + (pool.stride == pool.window ? "" : " /\(pool.stride)")
    case .averagePool(let height, let width, _): "average to \(height)x\(width)"
    case .spaceToDepth: "fold 2x2"
    case .subsample(let stride, let channels):
      "shortcut zero-pad \(channels)" + (stride > 1 ? " /\(stride)" : "")
    case .batchNorm, .foldBatchNorm, .relu, .add, .spatialDeviation, .softmaxCrossEntropy, .similarityLoss,
      .ensemble, .recall, .remember, .convolutionInputGradient, .convolutionWeightGradient, .biasGradient,
      .zeroGradient,
      .linearInputGradient, .linearWeightGradient, .batchNormBackward, .reluBackward, .maxPoolBackward,
      .averagePoolBackward, .depthToSpace, .subsampleBackward, .spatialDeviationBackward, .accumulate,
      .channelScores, .update:
      nil
    }
  }
}
