internal import CostModel
internal import GraphIR
internal import Kernels
internal import Operators

extension KernelDispatch {
  /// The losses are means over the whole batch, of which this may be a piece.
  private func share(of weight: Double) -> Float {
    unsafe Float(weight) * (Float(batch) / Float(piece.batch))
  }

  func run(_ loss: SoftmaxCrossEntropy, _ node: Node, _ context: KernelContext) {
    unsafe softmaxCrossEntropy(
      logits: floats(node.operands[0]), labels: labels(node.operands[1]),
      logitGradient: node.results.count > 1 ? floats(node.results[1]) : nil,
      metrics: floats(node.results[0]), rows: batch, classes: shape(node.operands[0]).channels,
      weight: share(of: loss.weight), smoothing: Float(loss.smoothing), context: context)
  }

  func run(_ loss: SimilarityLoss, _ node: Node, _ context: KernelContext) {
    unsafe similarityLoss(
      z: floats(node.operands[0]), labels: labels(node.operands[1]), metrics: floats(node.operands[2]),
      newMetrics: floats(node.results[0]), dz: node.results.count > 1 ? floats(node.results[1]) : nil,
      rows: batch, features: shape(node.operands[0]).elementsPerImage, classes: loss.classes,
      weight: Float(loss.weight), context: context)
  }

  func run(_ ensemble: Ensemble, _ node: Node, _ context: KernelContext) {
    let input = unsafe shape(node.operands[0])
    let soFar = unsafe floats(node.operands[0])
    let logits = unsafe floats(node.operands[1])
    let y = unsafe floats(node.results[0])
    let (rest, share) = (Float(1 - ensemble.share), Float(ensemble.share))
    switch ensemble.mean {
    case .logits:
      unsafe accumulateScaled(
        x: soFar, scale: rest, y: y, count: input.elementCount, overwrites: true, context: context)
      unsafe accumulateScaled(
        x: logits, scale: share, y: y, count: input.elementCount, overwrites: false, context: context)
    case .probabilities:
      // An ensemble's logits are logarithms of probabilities: their softmax gives these back.
      unsafe accumulateSoftmax(
        x: soFar, scale: rest, y: y, rows: input.rows, classes: input.channels, overwrites: true,
        context: context)
      unsafe accumulateSoftmax(
        x: logits, scale: share, y: y, rows: input.rows, classes: input.channels, overwrites: false,
        context: context)
      unsafe logarithms(y, count: input.elementCount, context: context)
    }
  }
}
