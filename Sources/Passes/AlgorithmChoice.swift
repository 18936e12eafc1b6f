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
      func chosen(_ operation: ConvolutionOperation) -> Convolution {
        var convolution = convolution
        convolution.algorithm = ConvolutionCost.chooseAlgorithm(
          geometry, operation: operation, strict: isStrict)
        return convolution
      }
      switch node.op {
      case .convolution: result.nodes[index].op = .convolution(chosen(.forward))
      case .convolutionInputGradient:
        result.nodes[index].op = .convolutionInputGradient(chosen(.inputGradient))
      case .convolutionWeightGradient:
        result.nodes[index].op = .convolutionWeightGradient(chosen(.weightGradient))
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
