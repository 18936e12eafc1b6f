internal import CostModel
package import GraphIR

/// Chooses how each convolution is computed, from its shape alone.
package struct AlgorithmChoice: Pass {
  package static let name = "algorithms"

  /// No Winograd: products and sums in the order of the definition.
  private let isStrict: Bool

  package init(isStrict: Bool) {
    self.isStrict = isStrict
  }

  package func run(_ graph: Graph) -> Graph {
    var result = graph
    for (index, node) in graph.nodes.enumerated() {
      guard let (convolution, input) = node.convolution(in: graph) else { continue }
      let geometry = convolution.geometry(input: input)
      var chosen = convolution
      chosen.algorithm = ConvolutionCost.chooseAlgorithm(geometry, strict: isStrict)
      switch node.op {
      case .convolution: result.nodes[index].op = .convolution(chosen)
      case .convolutionInputGradient: result.nodes[index].op = .convolutionInputGradient(chosen)
      case .convolutionWeightGradient: result.nodes[index].op = .convolutionWeightGradient(chosen)
      case .linear, .batchNorm, .relu, .add, .maxPool, .averagePool, .spaceToDepth, .subsample,
        .spatialDeviation, .foldBatchNorm,
        .softmaxCrossEntropy, .similarityLoss, .ensemble, .recall, .remember, .biasGradient, .zeroGradient,
        .linearInputGradient,
        .linearWeightGradient,
        .batchNormBackward, .reluBackward, .maxPoolBackward, .averagePoolBackward, .depthToSpace,
        .subsampleBackward,
        .spatialDeviationBackward, .accumulate, .channelScores, .update:
        break
      }
    }
    return result
  }
}
