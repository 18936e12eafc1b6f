internal import CostModel
internal import GraphIR
internal import Kernels
internal import Operators

extension KernelDispatch {
  func run(_ norm: BatchNorm, _ node: Node, _ context: KernelContext) {
    let input = unsafe shape(node.operands[0])
    let x = unsafe floats(node.operands[0])
    let y = unsafe floats(node.results[0])
    switch norm.mode {
    case .training, .batch:
      let moves = norm.mode == .training
      unsafe batchNormTraining(
        x: x, scale: floats(node.operands[1]), shift: floats(node.operands[2]),
        runningMean: moves ? floats(node.operands[3]) : nil,
        runningVariance: moves ? floats(node.operands[4]) : nil, y: y,
        savedMean: floats(node.results[1]), savedInverseDeviation: floats(node.results[2]),
        rows: input.rows, channels: input.channels, activation: norm.activation, epsilon: BatchNorm.epsilon,
        momentum: BatchNorm.momentum, context: context)
    case .inference:
      unsafe batchNormInference(
        x: x, scale: floats(node.operands[1]), shift: floats(node.operands[2]),
        runningMean: floats(node.operands[3]), runningVariance: floats(node.operands[4]), y: y,
        rows: input.rows, channels: input.channels, activation: norm.activation, epsilon: BatchNorm.epsilon,
        context: context)
    case .saved:
      unsafe batchNormSaved(
        x: x, scale: floats(node.operands[1]), shift: floats(node.operands[2]),
        savedMean: floats(node.operands[3]), savedInverseDeviation: floats(node.operands[4]), y: y,
        rows: input.rows, channels: input.channels, activation: norm.activation, context: context)
    }
  }

  func run(_ backward: BatchNormBackward, _ node: Node, _ context: KernelContext) {
    let (x, dy) = unsafe (shape(node.operands[0]), shape(node.operands[1]))
    unsafe batchNormBackward(
      x: floats(node.operands[0]), dy: floats(node.operands[1]), scale: floats(node.operands[2]),
      shift: floats(node.operands[3]), savedMean: floats(node.operands[4]),
      savedInverseDeviation: floats(node.operands[5]), dx: floats(node.results[0]),
      dScale: floats(node.results[1]), dShift: floats(node.results[2]), rows: x.rows, channels: x.channels,
      activation: backward.activation,
      spread: backward.spreadsGradient
        ? GradientSpread(height: x.height, width: x.width, outHeight: dy.height, outWidth: dy.width) : nil,
      context: context)
  }

  func run(_: BatchNormFolding, _ node: Node, _ context: KernelContext) {
    let outChannels = unsafe elementCount(node.results[1])
    unsafe foldBatchNorm(
      filter: floats(node.operands[0]), bias: node.operands.count > 5 ? floats(node.operands[5]) : nil,
      scale: floats(node.operands[1]), shift: floats(node.operands[2]), runningMean: floats(node.operands[3]),
      runningVariance: floats(node.operands[4]), foldedFilter: floats(node.results[0]),
      foldedBias: floats(node.results[1]), patchSize: elementCount(node.operands[0]) / outChannels,
      outChannels: outChannels, epsilon: BatchNorm.epsilon, context: context)
  }
}
