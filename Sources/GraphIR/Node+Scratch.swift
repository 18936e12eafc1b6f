package import CostModel

extension Node {
  /// Working memory of the node's kernel.
  package func scratch(in graph: Graph) -> Scratch {
    func shape(_ id: ValueID) -> Shape { graph.shape(id) }
    switch op {
    case .convolution(let c):
      return KernelScratch.convolutionForward(c.geometry(input: shape(operands[0])), c.algorithm)
    case .convolutionInputGradient(let c):
      return KernelScratch.convolutionInputGradient(c.geometry(input: shape(results[0])), c.algorithm)
    case .convolutionWeightGradient(let c):
      return KernelScratch.convolutionWeightGradient(c.geometry(input: shape(operands[0])), c.algorithm)
    case .biasGradient:
      let dy = shape(operands[0])
      return KernelScratch.columnSums(rows: dy.rows, columns: dy.channels)
    case .linear(let outFeatures, _):
      let x = shape(operands[0])
      return KernelScratch.linearForward(
        rows: x.batch, inFeatures: x.elementsPerPicture, outFeatures: outFeatures)
    case .linearInputGradient:
      let dx = shape(results[0])
      return KernelScratch.linearInputGradient(
        rows: dx.batch, inFeatures: dx.elementsPerPicture, outFeatures: shape(operands[0]).channels)
    case .linearWeightGradient:
      let x = shape(operands[0])
      return KernelScratch.linearWeightGradient(
        rows: x.batch, inFeatures: x.elementsPerPicture, outFeatures: shape(operands[1]).channels)
    case .batchNorm(let norm):
      let x = shape(operands[0])
      switch norm.mode {
      case .training, .batch: return KernelScratch.batchNormTraining(rows: x.rows, channels: x.channels)
      case .inference, .saved: return KernelScratch.batchNormInference(rows: x.rows, channels: x.channels)
      }
    case .batchNormBackward:
      let x = shape(operands[0])
      return KernelScratch.batchNormBackward(rows: x.rows, channels: x.channels)
    case .softmaxCrossEntropy:
      let logits = shape(operands[0])
      return KernelScratch.softmaxCrossEntropy(rows: logits.batch, classes: logits.channels)
    case .foldBatchNorm:
      let type = graph[operands[0]].type
      let outChannels = graph[results[1]].type.elementCount
      return KernelScratch.foldBatchNorm(patchSize: type.elementCount / outChannels, outChannels: outChannels)
    case .zeroGradient: return .none
    case .similarityLoss:
      let z = shape(operands[0])
      return KernelScratch.similarityLoss(rows: z.batch, features: z.elementsPerPicture)
    case .relu, .add, .maxPool, .averagePool, .spaceToDepth, .subsample, .spatialDeviation, .ensemble,
      .recall, .remember,
      .reluBackward,
      .maxPoolBackward,
      .averagePoolBackward, .depthToSpace, .subsampleBackward, .spatialDeviationBackward, .accumulate,
      .channelScores, .update:
      // Element by element or window by window: the kernels need none.
      return .none
    }
  }
}
