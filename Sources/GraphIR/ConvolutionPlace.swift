package import CostModel

/// Which of a network's products a convolution's node forms, over how many pictures. Equal for all nodes that form the same one:
/// in other programs of a plan, and where it is formed once more.
package struct ConvolutionPlace: Hashable, Sendable {
  package var module: Int
  package var part: Part
  package var item: Int
  package var operation: ConvolutionOperation
  /// With the batch. What one block has twice of one size is one place.
  package var geometry: ConvolutionGeometry
}

extension Node {
  /// Nil for what is no convolution.
  package func convolutionPlace(in graph: Graph) -> ConvolutionPlace? {
    guard let operation = convolutionOperation, let geometry = geometry(in: graph, batch: graph.batch) else {
      return nil
    }
    return ConvolutionPlace(
      module: module, part: part, item: item, operation: operation, geometry: geometry)
  }

  /// Nil for what is no convolution.
  var convolutionOperation: ConvolutionOperation? {
    switch op {
    case .convolution: .forward
    case .convolutionInputGradient: .inputGradient
    case .convolutionWeightGradient: .weightGradient
    case .linear, .batchNorm, .relu, .add, .maxPool, .averagePool, .spaceToDepth, .subsample,
      .spatialDeviation, .foldBatchNorm, .softmaxCrossEntropy, .similarityLoss, .ensemble, .recall, .remember,
      .biasGradient, .zeroGradient, .linearInputGradient, .linearWeightGradient, .batchNormBackward,
      .reluBackward, .maxPoolBackward, .averagePoolBackward, .depthToSpace, .subsampleBackward,
      .spatialDeviationBackward, .accumulate, .channelScores, .update:
      nil
    }
  }
}
