internal import CostModel
package import GraphIR

/// Computes convolutions by im2col instead of Winograd wherever the program needs more than it may and im2col works in less
/// memory. Slower, and rounded otherwise.
package struct SmallScratch: Pass {
  package static let name = "small-scratch"

  private let largestTotal: Int
  private let workers: Int

  /// - Parameters:
  ///   - largestTotal: bytes that batch, activations, gradients and scratch may take at any node.
  ///   - workers: that scratch is counted for.
  package init(largestTotal: Int, workers: Int) {
    self.largestTotal = largestTotal
    self.workers = workers
  }

  package func run(_ graph: Graph) -> Graph {
    let live = LiveBytes(graph, workers: workers)
    guard live.peak > largestTotal else { return graph }
    var result = graph
    for (index, node) in graph.nodes.enumerated() where live.byNode[index] > largestTotal {
      guard let smaller = node.withIm2col,
        smaller.scratch(in: graph).byteCount(workers: workers)
          < node.scratch(in: graph).byteCount(workers: workers)
      else { continue }
      result.nodes[index] = smaller
    }
    return result
  }
}

extension Node {
  /// A convolution of any direction by the algorithm that has the least working memory; nil for what has no other.
  fileprivate var withIm2col: Node? {
    func changed(_ convolution: Convolution) -> Convolution? {
      switch convolution.algorithm {
      case .im2col, .pointwise: return nil
      case .winograd2x2, .winograd4x4:
        var convolution = convolution
        convolution.algorithm = .im2col
        return convolution
      }
    }
    var node = self
    switch op {
    case .convolution(let c):
      guard let c = changed(c) else { return nil }
      node.op = .convolution(c)
    case .convolutionInputGradient(let c):
      guard let c = changed(c) else { return nil }
      node.op = .convolutionInputGradient(c)
    case .convolutionWeightGradient(let c):
      guard let c = changed(c) else { return nil }
      node.op = .convolutionWeightGradient(c)
    case .linear, .batchNorm, .relu, .add, .maxPool, .averagePool, .spaceToDepth, .subsample,
      .spatialDeviation, .foldBatchNorm, .softmaxCrossEntropy, .similarityLoss, .ensemble, .recall, .remember,
      .biasGradient,
      .zeroGradient, .linearInputGradient, .linearWeightGradient, .batchNormBackward, .reluBackward,
      .maxPoolBackward, .averagePoolBackward, .depthToSpace, .subsampleBackward, .spatialDeviationBackward,
      .accumulate, .channelScores, .update:
      return nil
    }
    return node
  }
}
