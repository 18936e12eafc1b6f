package import CostModel

// Convolutions by whichever algorithm the plan names. Images are [batch, height, width, channels], filters
// [kernelSize, kernelSize, inChannels, outChannels]; `geometry.batch` is the number of images at hand.

/// y = f(x * filter + bias). With `normalization`, x is what that makes of what is read.
package func convolutionForward(
  x: UnsafePointer<Float>, filter: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
  y: UnsafeMutablePointer<Float>, activation: Activation, geometry: ConvolutionGeometry,
  algorithm: ConvolutionAlgorithm, normalization: InputNormalization? = nil, context: KernelContext
) {
  let scratch = context.layOut(KernelScratch.convolutionForward(geometry, algorithm))
  readingPixels(
    normalization,
    ForwardWork(
      x: x, filter: filter, bias: bias, y: y, activation: activation, geometry: geometry,
      algorithm: algorithm, scratch: scratch, workers: context.workers))
}

private struct ForwardWork: PixelReadingWork {
  let x, filter: UnsafePointer<Float>
  let bias: UnsafePointer<Float>?
  let y: UnsafeMutablePointer<Float>
  let activation: Activation
  let geometry: ConvolutionGeometry
  let algorithm: ConvolutionAlgorithm
  let scratch: ScratchFloats
  let workers: Workers

  func run<Values: PixelValues>(_ pixels: Values) {
    switch algorithm {
    case .pointwise:
      precondition(geometry.isPointwise, "the compiler keeps pointwise for 1x1 convolutions")
      precondition(Values.isPlain, "a pointwise convolution multiplies its input as it is")
      pointwiseForward(x: x, filter: filter, bias: bias, y: y, activation: activation, geometry, workers)
    case .im2col:
      im2colForward(
        x: x, pixels, filter: filter, bias: bias, y: y, activation: activation, geometry, scratch, workers)
    case .winograd4x4:
      precondition(geometry.allowsWinograd, "the compiler keeps Winograd for stride 1")
      winogradForward(
        WinogradTile4.self, x: x, pixels, filter: filter, .forward, bias: bias, y: y, activation: activation,
        WinogradCost(geometry, tile: 4), scratch, workers)
    case .winograd2x2:
      precondition(geometry.allowsWinograd, "the compiler keeps Winograd for stride 1")
      winogradForward(
        WinogradTile2.self, x: x, pixels, filter: filter, .forward, bias: bias, y: y, activation: activation,
        WinogradCost(geometry, tile: 2), scratch, workers)
    }
  }
}

/// dx from dy. By Winograd `dx` may be `dy` where the cost of the pass allows it in place.
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
      WinogradTile4.self, x: dy, PlainPixels(), filter: filter, .turned, bias: nil, y: dx, activation: .none,
      WinogradCost(geometry.inputGradientForward, tile: 4), scratch, context.workers)
  case .winograd2x2:
    precondition(geometry.allowsWinograd, "the compiler keeps Winograd for stride 1")
    winogradForward(
      WinogradTile2.self, x: dy, PlainPixels(), filter: filter, .turned, bias: nil, y: dx, activation: .none,
      WinogradCost(geometry.inputGradientForward, tile: 2), scratch, context.workers)
  }
}

/// dFilter from x and dy. With `normalization`, x is what that makes of what is read.
package func convolutionWeightGradient(
  x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dFilter: UnsafeMutablePointer<Float>,
  geometry: ConvolutionGeometry, algorithm: ConvolutionAlgorithm, normalization: InputNormalization? = nil,
  context: KernelContext
) {
  let scratch = context.layOut(KernelScratch.convolutionWeightGradient(geometry, algorithm))
  readingPixels(
    normalization,
    WeightGradientWork(
      x: x, dy: dy, dFilter: dFilter, geometry: geometry, algorithm: algorithm, scratch: scratch,
      workers: context.workers))
}

private struct WeightGradientWork: PixelReadingWork {
  let x, dy: UnsafePointer<Float>
  let dFilter: UnsafeMutablePointer<Float>
  let geometry: ConvolutionGeometry
  let algorithm: ConvolutionAlgorithm
  let scratch: ScratchFloats
  let workers: Workers

  func run<Values: PixelValues>(_ pixels: Values) {
    switch algorithm {
    case .pointwise:
      precondition(geometry.isPointwise, "the compiler keeps pointwise for 1x1 convolutions")
      precondition(Values.isPlain, "a pointwise convolution multiplies its input as it is")
      pointwiseWeightGradient(x: x, dy: dy, dFilter: dFilter, geometry, scratch, workers)
    case .im2col:
      im2colWeightGradient(x: x, pixels, dy: dy, dFilter: dFilter, geometry, scratch, workers)
    case .winograd4x4:
      precondition(geometry.allowsWinograd, "the compiler keeps Winograd for stride 1")
      winogradWeightGradient(
        WinogradTile4.self, x: x, pixels, dy: dy, dFilter: dFilter, WinogradCost(geometry, tile: 4), scratch,
        workers)
    case .winograd2x2:
      precondition(geometry.allowsWinograd, "the compiler keeps Winograd for stride 1")
      winogradWeightGradient(
        WinogradTile2.self, x: x, pixels, dy: dy, dFilter: dFilter, WinogradCost(geometry, tile: 2), scratch,
        workers)
    }
  }
}

/// dFilter from x and the gradient of a batch norm behind the convolution, by im2col.
package func normalizedWeightGradient(
  x: UnsafePointer<Float>, gradient: NormalizedGradient, dFilter: UnsafeMutablePointer<Float>,
  geometry: ConvolutionGeometry, context: KernelContext
) {
  let scratch = context.layOut(KernelScratch.normalizedWeightGradient(geometry))
  im2colWeightGradient(x: x, gradient, dFilter: dFilter, geometry, scratch, context.workers)
}

extension ConvolutionGeometry {
  fileprivate var isPointwise: Bool { kernelSize == 1 && stride == 1 && padding == 0 }
}
