internal import CostModel
internal import GraphIR
internal import Kernels
internal import Operators

// Element by element, window by window.
extension KernelDispatch {
  func run(_ activate: Activate, _ node: Node, _ context: KernelContext) {
    unsafe activationForward(
      activate.activation, x: floats(node.operands[0]), y: floats(node.results[0]),
      count: shape(node.operands[0]).elementCount, context: context)
  }

  func run(_ backward: ActivationBackward, _ node: Node, _ context: KernelContext) {
    unsafe activationBackward(
      backward.activation, z: floats(node.operands[0]), dy: floats(node.operands[1]),
      dx: floats(node.results[0]),
      count: shape(node.operands[0]).elementCount, context: context)
  }

  func run(_ addition: Addition, _ node: Node, _ context: KernelContext) {
    unsafe addForward(
      a: floats(node.operands[0]), b: floats(node.operands[1]), y: floats(node.results[0]),
      count: shape(node.operands[0]).elementCount, activation: addition.activation, context: context)
  }

  func run(_ pool: MaxPool, _ node: Node, _ context: KernelContext) {
    let input = unsafe shape(node.operands[0])
    unsafe maxPoolForward(
      x: floats(node.operands[0]), y: floats(node.results[0]),
      argmax: node.results.count > 1 ? bytes(node.results[1]) : nil, batch: batch, height: input.height,
      width: input.width, channels: input.channels, window: pool.window, stride: pool.stride,
      padding: pool.padding, context: context)
  }

  func run(_ backward: MaxPoolBackward, _ node: Node, _ context: KernelContext) {
    let (x, pool) = unsafe (shape(node.results[0]), backward.pool)
    unsafe maxPoolBackward(
      dy: floats(node.operands[0]), argmax: bytes(node.operands[1]), dx: floats(node.results[0]),
      batch: batch, height: x.height, width: x.width, channels: x.channels, window: pool.window,
      stride: pool.stride, padding: pool.padding, context: context)
  }

  func run(_ pool: AveragePool, _ node: Node, _ context: KernelContext) {
    unsafe run(pool, node, normalization: nil, context)
  }

  func run(_ normalized: NormalizedAveragePool, _ node: Node, _ context: KernelContext) {
    unsafe run(
      normalized.pool, node, normalization: normalization(node, at: 1, normalized.activation), context)
  }

  private func run(
    _ pool: AveragePool, _ node: Node, normalization: InputNormalization?, _ context: KernelContext
  ) {
    let input = unsafe shape(node.operands[0])
    unsafe averagePoolForward(
      x: floats(node.operands[0]), y: floats(node.results[0]), batch: batch, height: input.height,
      width: input.width, channels: input.channels, outHeight: pool.height, outWidth: pool.width,
      window: pool.window, normalization: normalization, context: context)
  }

  func run(_ backward: AveragePoolBackward, _ node: Node, _ context: KernelContext) {
    let (x, y) = unsafe (shape(node.results[0]), shape(node.operands[0]))
    unsafe averagePoolBackward(
      dy: floats(node.operands[0]), dx: floats(node.results[0]), batch: batch, height: x.height,
      width: x.width, channels: x.channels, outHeight: y.height, outWidth: y.width, window: backward.window,
      context: context)
  }

  func run(_: SpaceToDepth, _ node: Node, _ context: KernelContext) {
    let input = unsafe shape(node.operands[0])
    unsafe spaceToDepth(
      x: floats(node.operands[0]), y: floats(node.results[0]), batch: batch, height: input.height,
      width: input.width, channels: input.channels, context: context)
  }

  func run(_: DepthToSpace, _ node: Node, _ context: KernelContext) {
    let x = unsafe shape(node.results[0])
    unsafe depthToSpace(
      x: floats(node.operands[0]), y: floats(node.results[0]), batch: batch, height: x.height,
      width: x.width, channels: x.channels, context: context)
  }

  func run(_ subsample: Subsample, _ node: Node, _ context: KernelContext) {
    let input = unsafe shape(node.operands[0])
    unsafe subsampleForward(
      x: floats(node.operands[0]), y: floats(node.results[0]), batch: batch, height: input.height,
      width: input.width, channels: input.channels, stride: subsample.stride,
      outChannels: subsample.channels, context: context)
  }

  func run(_ backward: SubsampleBackward, _ node: Node, _ context: KernelContext) {
    let x = unsafe shape(node.results[0])
    unsafe subsampleBackward(
      dy: floats(node.operands[0]), dx: floats(node.results[0]), batch: batch, height: x.height,
      width: x.width, channels: x.channels, stride: backward.stride,
      outChannels: shape(node.operands[0]).channels, context: context)
  }

  func run(_: SpatialDeviation, _ node: Node, _ context: KernelContext) {
    let input = unsafe shape(node.operands[0])
    unsafe spatialDeviationForward(
      x: floats(node.operands[0]), y: floats(node.results[0]), batch: batch,
      pixels: input.height * input.width, channels: input.channels, context: context)
  }

  func run(_: SpatialDeviationBackward, _ node: Node, _ context: KernelContext) {
    let x = unsafe shape(node.operands[0])
    unsafe spatialDeviationBackward(
      x: floats(node.operands[0]), y: floats(node.operands[1]), dy: floats(node.operands[2]),
      dx: floats(node.results[0]), batch: batch, pixels: x.height * x.width, channels: x.channels,
      context: context)
  }
}
