package import CostModel

// Convolutions by whichever algorithm the plan names. Images are [batch, height, width, channels], filters
// [kernelSize, kernelSize, inChannels, outChannels]; `geometry.batch` is the number of images at hand.

/// y = f(x * filter + bias).
package func convolutionForward(
  x: UnsafePointer<Float>, filter: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
  y: UnsafeMutablePointer<Float>, activation: Activation, geometry: ConvolutionGeometry,
  algorithm: ConvolutionAlgorithm, context: KernelContext
) {
  let scratch = context.layOut(KernelScratch.convolutionForward(geometry, algorithm))
  switch algorithm {
  case .pointwise:
    precondition(geometry.isPointwise, "the compiler keeps pointwise for 1x1 convolutions")
    pointwiseForward(
      x: x, filter: filter, bias: bias, y: y, activation: activation, geometry, context.workers)
  case .im2col:
    im2colForward(
      x: x, filter: filter, bias: bias, y: y, activation: activation, geometry, scratch, context.workers)
  case .winograd4x4:
    precondition(geometry.allowsWinograd, "the compiler keeps Winograd for stride 1")
    winogradForward(
      WinogradTile4.self, x: x, filter: filter, .forward, bias: bias, y: y, activation: activation,
      WinogradCost(geometry, tile: 4), scratch, context.workers)
  case .winograd2x2:
    precondition(geometry.allowsWinograd, "the compiler keeps Winograd for stride 1")
    winogradForward(
      WinogradTile2.self, x: x, filter: filter, .forward, bias: bias, y: y, activation: activation,
      WinogradCost(geometry, tile: 2), scratch, context.workers)
  }
}

/// dx from dy.
package func convolutionInputGradient(
  dy: UnsafePointer<Float>, filter: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>,
  geometry: ConvolutionGeometry, algorithm: ConvolutionAlgorithm, context: KernelContext
) {
  let scratch = context.layOut(KernelScratch.convolutionInputGradient(geometry, algorithm))
  switch algorithm {
  case .pointwise:
    precondition(geometry.isPointwise, "the compiler keeps pointwise for 1x1 convolutions")
    pointwiseInputGradient(dy: dy, filter: filter, dx: dx, geometry, context.workers)
  case .im2col:
    im2colInputGradient(dy: dy, filter: filter, dx: dx, geometry, scratch, context.workers)
  case .winograd4x4:
    precondition(geometry.allowsWinograd, "the compiler keeps Winograd for stride 1")
    winogradForward(
      WinogradTile4.self, x: dy, filter: filter, .turned, bias: nil, y: dx, activation: .none,
      WinogradCost(geometry.inputGradientForward, tile: 4), scratch, context.workers)
  case .winograd2x2:
    precondition(geometry.allowsWinograd, "the compiler keeps Winograd for stride 1")
    winogradForward(
      WinogradTile2.self, x: dy, filter: filter, .turned, bias: nil, y: dx, activation: .none,
      WinogradCost(geometry.inputGradientForward, tile: 2), scratch, context.workers)
  }
}

/// dFilter from x and dy.
package func convolutionWeightGradient(
  x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dFilter: UnsafeMutablePointer<Float>,
  geometry: ConvolutionGeometry, algorithm: ConvolutionAlgorithm, context: KernelContext
) {
  let scratch = context.layOut(KernelScratch.convolutionWeightGradient(geometry, algorithm))
  switch algorithm {
  case .pointwise:
    precondition(geometry.isPointwise, "the compiler keeps pointwise for 1x1 convolutions")
    pointwiseWeightGradient(x: x, dy: dy, dFilter: dFilter, geometry, scratch, context.workers)
  case .im2col:
    im2colWeightGradient(x: x, dy: dy, dFilter: dFilter, geometry, scratch, context.workers)
  case .winograd4x4:
    precondition(geometry.allowsWinograd, "the compiler keeps Winograd for stride 1")
    winogradWeightGradient(
      WinogradTile4.self, x: x, dy: dy, dFilter: dFilter, WinogradCost(geometry, tile: 4), scratch,
      context.workers)
  case .winograd2x2:
    precondition(geometry.allowsWinograd, "the compiler keeps Winograd for stride 1")
    winogradWeightGradient(
      WinogradTile2.self, x: x, dy: dy, dFilter: dFilter, WinogradCost(geometry, tile: 2), scratch,
      context.workers)
  }
}

extension ConvolutionGeometry {
  fileprivate var isPointwise: Bool { kernelSize == 1 && stride == 1 && padding == 0 }
}
