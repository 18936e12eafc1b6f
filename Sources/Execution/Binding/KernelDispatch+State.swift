internal import CostModel
internal import GraphIR
internal import Kernels
internal import Operators
internal import Planning

// What outlives a step: rings, optimizer state, scores.
extension KernelDispatch {
  func run(_: RingRead, _ node: Node, _ clock: StepParameters, _ context: KernelContext) {
    unsafe copyBatch(
      from: (node.operands[0], node.operands[1]), slot: clock.slotRead,
      to: (node.results[0], node.results[1]), slot: 0, context)
  }

  func run(_: RingWrite, _ node: Node, _ clock: StepParameters, _ context: KernelContext) {
    unsafe copyBatch(
      from: (node.operands[0], node.operands[1]), slot: 0,
      to: (node.operands[2], node.operands[3]), slot: clock.slotWritten, context)
  }

  /// Features and labels of the batch at hand, from and to whole batches of rings.
  private func copyBatch(
    from source: (features: ValueID, labels: ValueID), slot sourceSlot: Int,
    to target: (features: ValueID, labels: ValueID), slot targetSlot: Int, _ context: KernelContext
  ) {
    let planned = unsafe program.graph.batch
    let size = unsafe program.graph.shape(target.features).elementsPerImage
    unsafe copyElements(
      from: UnsafePointer(floats(source.features)) + sourceSlot * planned * size,
      to: floats(target.features) + targetSlot * planned * size, count: batch * size, context: context)
    let places = unsafe UnsafeMutablePointer(mutating: labels(target.labels)) + targetSlot * planned
    unsafe places.update(from: labels(source.labels) + sourceSlot * planned, count: batch)
  }

  func run(_: Accumulate, _ node: Node, _ context: KernelContext) {
    unsafe accumulateScaled(
      x: floats(node.operands[1]), scale: 1, y: floats(node.operands[0]),
      count: elementCount(node.operands[0]), overwrites: piece.isFirst, context: context)
  }

  /// Of the batch at hand, whose loss is the mean over it.
  func run(_ definition: ChannelScores, _ node: Node, _ context: KernelContext) {
    let scores = unsafe floats(node.operands[0])
    let watched = unsafe floats(node.operands[1])
    let channels = unsafe elementCount(node.operands[0])
    switch definition.criterion {
    case .taylor:
      let z = unsafe shape(node.operands[1])
      unsafe addTaylorScores(
        z: watched, dz: floats(node.operands[2]), scores: scores, batch: batch, pixels: z.height * z.width,
        channels: channels, lossScale: Float(piece.batch), context: context)
    case .activation:
      let z = unsafe shape(node.operands[1])
      unsafe addActivationScores(
        z: watched, scores: scores, batch: batch, pixels: z.height * z.width, channels: channels,
        context: context)
    case .weightNorm:
      unsafe addFilterNorms(
        filter: watched, scores: scores, patchSize: elementCount(node.operands[1]) / channels,
        outChannels: channels, context: context)
    }
  }

  func run(_ update: Update, _ node: Node, _ clock: StepParameters, _ context: KernelContext) {
    let weights = unsafe floats(node.operands[0])
    let gradient = unsafe floats(node.operands[1])
    let count = unsafe elementCount(node.operands[0])
    if unsafe update.runsWithLastPieceAlone && !piece.isLast { return }
    switch update.optimizer {
    case .sgd(let momentum, let weightDecay, nesterov: false)
    where unsafe !(piece.isFirst && piece.isLast):
      unsafe sgdPiece(
        weights: weights, velocity: floats(node.operands[2]), gradient: gradient, count: count,
        learningRate: clock.learningRate, momentum: Float(momentum), weightDecay: Float(weightDecay),
        isFirst: piece.isFirst, isLast: piece.isLast, context: context)
    case .sgd(let momentum, let weightDecay, let nesterov):
      unsafe sgdStep(
        weights: weights, velocity: floats(node.operands[2]), gradient: gradient, count: count,
        learningRate: clock.learningRate, momentum: Float(momentum), weightDecay: Float(weightDecay),
        nesterov: nesterov, context: context)
    case .adam(let beta1, let beta2, let epsilon, let weightDecay, let isDecoupled):
      unsafe adamStep(
        weights: weights, firstMoment: floats(node.operands[2]), secondMoment: floats(node.operands[3]),
        gradient: gradient, count: count, learningRate: clock.learningRate, beta1: beta1,
        beta2: beta2, epsilon: Float(epsilon), weightDecay: Float(weightDecay), isDecoupled: isDecoupled,
        step: clock.step, context: context)
    }
  }
}
