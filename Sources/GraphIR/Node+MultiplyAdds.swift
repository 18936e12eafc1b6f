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
    case .batchNorm, .relu, .add, .maxPool, .averagePool, .spaceToDepth, .subsample, .softmaxCrossEntropy,
      .ensemble,
      .convolutionInputGradient, .convolutionWeightGradient, .biasGradient, .linearInputGradient,
      .linearWeightGradient, .batchNormBackward, .reluBackward, .maxPoolBackward, .averagePoolBackward,
      .depthToSpace, .subsampleBackward, .sgd:
      return 0
    }
  }
}
