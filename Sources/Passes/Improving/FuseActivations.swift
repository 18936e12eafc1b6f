package import GraphIR

/// Lets the operation before a ReLU apply it in the same sweep over memory, where nothing else reads what lies between.
/// Batch norm then needs only its input saved: the backward pass computes the mask again.
package struct FuseActivations: Pass {
  package static let name = "fuse"

  package init() {}

  package func run(_ graph: Graph) -> Graph {
    var useCount = [Int](repeating: 0, count: graph.values.count)
    var producer = [Int?](repeating: nil, count: graph.values.count)
    for node in graph.nodes {
      for operand in node.operands { useCount[operand.index] += 1 }
    }
    for output in graph.moduleOutputs { useCount[output.index] += 1 }
    var fused = graph
    var removed = Set<Int>()
    for (index, node) in graph.nodes.enumerated() {
      for result in node.results { producer[result.index] = index }
      guard node.op == .relu, useCount[node.operands[0].index] == 1,
        let source = producer[node.operands[0].index],
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
