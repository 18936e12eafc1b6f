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

  func run(_ statistics: BatchNormStatistics, _ node: Node, _ context: KernelContext) {
    let input = unsafe shape(node.operands[0])
    let moves = statistics.mode == .training
    unsafe batchNormTraining(
      x: floats(node.operands[0]), scale: floats(node.operands[1]), shift: floats(node.operands[2]),
      runningMean: moves ? floats(node.operands[3]) : nil,
      runningVariance: moves ? floats(node.operands[4]) : nil, y: nil, savedMean: floats(node.results[0]),
      savedInverseDeviation: floats(node.results[1]), rows: input.rows, channels: input.channels,
      activation: .none, epsilon: BatchNorm.epsilon, momentum: BatchNorm.momentum, context: context)
  }

  func run(_ backward: BatchNormBackward, _ node: Node, _ context: KernelContext) {
    unsafe runBackward(
      backward, node.operands, dx: floats(node.results[0]), dScale: node.results[1], dShift: node.results[2],
      context)
  }

  func run(_ sums: BatchNormSums, _ node: Node, _ context: KernelContext) {
    unsafe runBackward(
      sums.backward, node.operands, dx: nil, dScale: node.results[0], dShift: node.results[1], context)
  }

  private func runBackward(
    _ backward: BatchNormBackward, _ operands: [ValueID], dx: UnsafeMutablePointer<Float>?, dScale: ValueID,
    dShift: ValueID, _ context: KernelContext
  ) {
    let x = unsafe shape(operands[0])
    unsafe batchNormBackward(
      x: floats(operands[0]), dy: floats(operands[1]), scale: floats(operands[2]), shift: floats(operands[3]),
      savedMean: floats(operands[4]), savedInverseDeviation: floats(operands[5]), dx: dx,
      dScale: floats(dScale), dShift: floats(dShift), rows: x.rows, channels: x.channels,
      activation: backward.activation, spread: spread(backward, x: operands[0], dy: operands[1]),
      context: context)
  }

  private func spread(_ backward: BatchNormBackward, x: ValueID, dy: ValueID) -> GradientSpread? {
    guard backward.spreadsGradient else { return nil }
    let (pixels, averages) = unsafe (shape(x), shape(dy))
    return GradientSpread(
      height: pixels.height, width: pixels.width, outHeight: averages.height, outWidth: averages.width)
  }

  /// Of what a node reads as operand 0; its vectors begin at operand `first`.
  func normalization(_ node: Node, at first: Int, _ activation: Activation) -> InputNormalization {
    unsafe InputNormalization(
      scale: floats(node.operands[first]), shift: floats(node.operands[first + 1]),
      mean: floats(node.operands[first + 2]), inverseDeviation: floats(node.operands[first + 3]),
      activation: activation)
  }

  func run(_ weights: NormalizedWeightGradient, _ node: Node, _ context: KernelContext) {
    let x = unsafe shape(node.operands[1])
    let gradient = unsafe NormalizedGradient(
      x: floats(node.operands[1]), dy: floats(node.operands[2]), scale: floats(node.operands[3]),
      shift: floats(node.operands[4]), savedMean: floats(node.operands[5]),
      savedInverseDeviation: floats(node.operands[6]), dScale: floats(node.operands[7]),
      dShift: floats(node.operands[8]), rows: x.rows, channels: x.channels,
      activation: weights.backward.activation,
      spread: spread(weights.backward, x: node.operands[1], dy: node.operands[2]))
    unsafe normalizedWeightGradient(
      x: floats(node.operands[0]), gradient: gradient, dFilter: floats(node.results[0]),
      geometry: weights.gradient.convolution.geometry(input: shape(node.operands[0])), context: context)
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
