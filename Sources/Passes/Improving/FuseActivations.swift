package import GraphIR

/// Lets the operation before a ReLU apply it in the same sweep over memory, where nothing else reads what lies between.
/// Batch norm then needs only its input saved: the backward pass computes the mask again.
package struct FuseActivations: Pass {
  package static let name = "fuse"

  package init() {}

  package func run(_ graph: Graph) -> Graph {
    let uses = ValueUses(of: graph)
    var fused = graph
    var removed = Set<Int>()
    for (index, node) in graph.nodes.enumerated() {
      guard node.op == .relu, let source = uses.producer(ofValueReadOnce: node.operands[0]),
        graph.nodes[source].module == node.module, let op = graph.nodes[source].op.withReLU
      else { continue }
      fused.nodes[source].op = op
      fused.nodes[source].results[0] = node.results[0]
      removed.insert(index)
    }
    fused.nodes = fused.nodes.enumerated().filter { !removed.contains($0.offset) }.map(\.element)
    return fused
  }
}

extension Op {
  /// The operation with ReLU behind it; nil where the kernel has no such form.
  fileprivate var withReLU: Op? {
    switch self {
    case .convolution(var convolution):
      convolution.relu = true
      return .convolution(convolution)
    case .linear(let outFeatures, _): return .linear(outFeatures: outFeatures, relu: true)
    case .batchNorm(var norm):
      norm.relu = true
      return .batchNorm(norm)
    case .add: return .add(relu: true)
    case .relu, .maxPool, .averagePool, .spaceToDepth, .subsample, .spatialDeviation, .foldBatchNorm,
      .softmaxCrossEntropy,
      .similarityLoss, .ensemble, .recall, .remember,
      .convolutionInputGradient, .convolutionWeightGradient, .biasGradient, .zeroGradient,
      .linearInputGradient,
      .linearWeightGradient, .batchNormBackward, .reluBackward, .maxPoolBackward, .averagePoolBackward,
      .depthToSpace, .subsampleBackward, .spatialDeviationBackward, .accumulate, .channelScores, .update:
      return nil
    }
  }
}
