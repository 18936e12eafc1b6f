internal import CostModel

extension Node {
  /// Multiply-adds of a convolution or fully connected layer, forward, for one picture, padding included; zero for
  /// everything else.
  package func multiplyAddsPerPicture(in graph: Graph) -> Int {
    switch op {
    case .convolution(let convolution):
      let y = graph.shape(results[0])
      let x = graph.shape(operands[0])
      return y.elementsPerPicture * convolution.kernelSize * convolution.kernelSize * x.channels
    case .linear(let outFeatures, _): return outFeatures * graph.shape(operands[0]).elementsPerPicture
    case .batchNorm, .relu, .add, .maxPool, .averagePool, .spaceToDepth, .subsample, .spatialDeviation,
      .foldBatchNorm,
      .softmaxCrossEntropy, .similarityLoss, .ensemble, .recall, .remember,
      .convolutionInputGradient, .convolutionWeightGradient, .biasGradient, .zeroGradient,
      .linearInputGradient,
      .linearWeightGradient, .batchNormBackward, .reluBackward, .maxPoolBackward, .averagePoolBackward,
      .depthToSpace, .subsampleBackward, .spatialDeviationBackward, .accumulate, .channelScores, .update:
      return 0
    }
  }
}

extension Node {
  /// Multiply-adds of the node's product over the whole batch, in whatever direction; what its speed is measured by.
  package func productMultiplyAdds(in graph: Graph) -> Int {
    productMultiplyAdds(in: graph, batch: graph.batch)
  }

  /// The same over so many pictures.
  package func productMultiplyAdds(in graph: Graph, batch: Int) -> Int {
    if let geometry = geometry(in: graph, batch: batch) { return geometry.multiplyAdds }
    switch op {
    case .linear, .linearInputGradient: return batch * graph[operands[1]].type.elementCount
    case .linearWeightGradient: return batch * graph[results[0]].type.elementCount
    case .convolution, .convolutionInputGradient, .convolutionWeightGradient, .batchNorm, .relu, .add,
      .maxPool,
      .averagePool, .spaceToDepth, .subsample, .spatialDeviation, .foldBatchNorm, .softmaxCrossEntropy,
      .similarityLoss,
      .ensemble, .recall, .remember,
      .biasGradient, .zeroGradient, .batchNormBackward, .reluBackward, .maxPoolBackward, .averagePoolBackward,
      .depthToSpace,
      .subsampleBackward, .spatialDeviationBackward, .accumulate, .channelScores, .update:
      return 0
    }
  }

  /// Of a convolution, over so many pictures; nil for everything else.
  func geometry(in graph: Graph, batch: Int) -> ConvolutionGeometry? {
    convolution(in: graph).map { convolution, input in
      var input = input
      input.batch = batch
      return convolution.geometry(input: input)
    }
  }
}
