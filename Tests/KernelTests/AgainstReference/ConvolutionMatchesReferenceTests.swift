import CostModel
import Kernels
import TestSupport
import Testing

/// Every algorithm on every shape that it computes.
@Suite struct ConvolutionMatchesReferenceTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let geometry: ConvolutionGeometry
    let algorithm: ConvolutionAlgorithm
    var testDescription: String {
      let g = geometry
      return "\(algorithm) \(g.batch)x\(g.height)x\(g.width)x\(g.inChannels) \(g.reference)"
    }
  }

  /// Kernel sizes, strides, image sizes and channels, crossed: odd sizes, single pixels, channels beside the vectors' width.
  private static let crossed: [ConvolutionGeometry] = [1, 3, 5, 7].flatMap { kernelSize in
    [1, 2].flatMap { stride in
      [(1, 1), (5, 7), (8, 8), (9, 6)].flatMap { height, width in
        [(1, 8), (3, 17), (8, 8), (17, 3), (8, 1), (64, 64)].map { ins, outs in
          ConvolutionGeometry(
            batch: 2, height: height, width: width, inChannels: ins, outChannels: outs,
            kernelSize: kernelSize,
            stride: stride, padding: kernelSize / 2)
        }
      }
    }
  }

  /// Shapes that a crossing does not reach: paddings of other sizes, many blocks of work, filters too large for partial sums.
  private static let special: [ConvolutionGeometry] = [
    shape(2, 9, 7, 5, 6, kernel: 3, padding: 0), shape(2, 4, 4, 3, 5, kernel: 3, padding: 2),
    shape(1, 11, 11, 4, 4, kernel: 5, stride: 3, padding: 1), shape(2, 6, 6, 8, 8, kernel: 1, padding: 1),
    shape(3, 7, 9, 3, 8, kernel: 2, stride: 2, padding: 0), shape(6, 32, 32, 3, 8, kernel: 3),
    shape(40, 16, 16, 3, 8, kernel: 3), shape(9, 16, 16, 3, 5, kernel: 3), shape(9, 16, 16, 3, 5, kernel: 1),
    shape(3, 33, 31, 8, 17, kernel: 5, stride: 2),
    shape(9, 16, 16, 17, 8, kernel: 1), shape(3, 8, 8, 400, 380, kernel: 1),
    shape(2, 4, 4, 130, 130, kernel: 3), shape(3, 7, 5, 192, 192, kernel: 3),
    shape(2, 1, 1, 200, 264, kernel: 3), shape(1, 1, 16, 8, 8, kernel: 7),
    shape(5, 2, 2, 32, 32, kernel: 3), shape(1, 13, 3, 10, 33, kernel: 3), shape(40, 8, 8, 16, 16, kernel: 3),
    shape(2, 6, 6, 130, 70, kernel: 3), shape(1, 10, 10, 48, 64, kernel: 3),
    shape(2, 13, 6, 4, 4, kernel: 1, stride: 3, padding: 0), shape(40, 8, 8, 8, 8, kernel: 1),
  ]

  /// Few output channels, which are the lanes of one vector: every number of them, rows that fill no four pixels, images that are copied
  /// in strips.
  private static let narrow: [ConvolutionGeometry] =
    (1...8).map { shape(3, 9, 7, $0, 9 - $0, kernel: 3) }
    + (1...7).map { shape(2, 11, 13, 3, $0, kernel: 5, stride: 2) }
    + [
      shape(1, 70, 40, 7, 7, kernel: 3), shape(2, 60, 33, 5, 6, kernel: 7),
      shape(40, 16, 16, 7, 7, kernel: 3),
    ]

  /// Kernels in parts of 3x3: sizes that do not divide by three, paddings that change the size, groups of parts, blocks that are shared.
  private static let large: [ConvolutionGeometry] = [
    shape(2, 13, 11, 3, 8, kernel: 11), shape(2, 12, 12, 16, 9, kernel: 9),
    shape(3, 9, 14, 33, 17, kernel: 5),
    shape(2, 9, 9, 8, 12, kernel: 4, padding: 1), shape(2, 9, 9, 12, 8, kernel: 6, padding: 0),
    shape(2, 6, 6, 70, 33, kernel: 5), shape(2, 8, 8, 130, 140, kernel: 5),
    shape(20, 16, 16, 24, 24, kernel: 7),
    shape(2, 8, 8, 10, 10, kernel: 5, padding: 4), shape(2, 7, 7, 10, 10, kernel: 3, padding: 2),
  ]

  /// Images of one or two rows, or columns, where rows of the kernel meet nothing but padding.
  private static let low: [ConvolutionGeometry] = [
    shape(3, 1, 40, 8, 16, kernel: 3), shape(3, 1, 40, 8, 16, kernel: 5, stride: 2),
    shape(2, 2, 9, 9, 10, kernel: 7),
    shape(3, 40, 1, 8, 16, kernel: 3), shape(40, 1, 64, 16, 16, kernel: 3), shape(2, 1, 1, 8, 8, kernel: 5),
    shape(1, 1, 9, 400, 380, kernel: 3),
  ]

  private static func shape(
    _ batch: Int, _ height: Int, _ width: Int, _ ins: Int, _ outs: Int, kernel: Int, stride: Int = 1,
    padding: Int? = nil
  ) -> ConvolutionGeometry {
    ConvolutionGeometry(
      batch: batch, height: height, width: width, inChannels: ins, outChannels: outs, kernelSize: kernel,
      stride: stride, padding: padding ?? kernel / 2)
  }

  static let cases: [Case] = (crossed + special + narrow + large + low).flatMap { geometry in
    geometry.legalAlgorithms.map { Case(geometry: geometry, algorithm: $0) }
  }

  /// As `ConvolutionAlgorithm` documents for operands without a mean: a plain sum costs what sums cost, a Winograd transform's
  /// large coefficients cost digits (Lavin and Gray 2016).
  private func slack(_ algorithm: ConvolutionAlgorithm) -> Double {
    switch algorithm {
    case .im2col, .pointwise: 1.3
    case .winograd2x2: 1.6
    case .winograd4x4: 10.5
    }
  }

  private func inputs(_ g: ConvolutionGeometry) -> (
    x: Images, filter: [Double], bias: [Double], dy: Images
  ) {
    var random = SplitMix64(seed: UInt64(g.patchSize + 1000 * g.outRows + g.outChannels))
    return (
      random.images(g.batch, g.height, g.width, g.inChannels),
      random.uniform(count: g.patchSize * g.outChannels), random.uniform(count: g.outChannels),
      random.images(g.batch, g.outHeight, g.outWidth, g.outChannels)
    )
  }

  @Test(arguments: cases)
  func forward(_ testCase: Case) {
    let (g, algorithm) = (testCase.geometry, testCase.algorithm)
    let (x, filter, bias, _) = inputs(g)
    let plain = Reference.convolutionForward(x, filter: filter, g.reference)
    let cut = Reference.convolutionForward(x, filter: filter, bias: bias, relu: true, g.reference)
    let (xs, filters, biases) = (x.buffer, AlignedBuffer<Float>(filter), AlignedBuffer<Float>(bias))
    for (bias, relu, expected) in [(nil, false, plain), (biases, true, cut)] {
      let y = run(
        KernelScratch.convolutionForward(g, algorithm), reading: [xs, filters, biases],
        writing: [.fresh(g.outRows * g.outChannels)]
      ) { outputs, context in
        convolutionForward(
          x: xs.pointer, filter: filters.pointer, bias: bias?.pointer, y: outputs[0],
          activation: relu ? .relu : .none, geometry: g,
          algorithm: algorithm, context: context)
      }
      expectClose(
        y[0], expected.values, reductionLength: g.patchSize, slack: slack(algorithm), "forward \(algorithm)")
    }
  }

  @Test(arguments: cases)
  func inputGradient(_ testCase: Case) {
    let (g, algorithm) = (testCase.geometry, testCase.algorithm)
    let (_, filter, _, dy) = inputs(g)
    let expected = Reference.convolutionInputGradient(
      outputGradient: dy, filter: filter, height: g.height, width: g.width, inChannels: g.inChannels,
      g.reference)
    let (dys, filters) = (dy.buffer, AlignedBuffer<Float>(filter))
    let dx = run(
      KernelScratch.convolutionInputGradient(g, algorithm), reading: [dys, filters],
      writing: [.fresh(g.inRows * g.inChannels)]
    ) { outputs, context in
      convolutionInputGradient(
        dy: dys.pointer, filter: filters.pointer, dx: outputs[0], geometry: g, algorithm: algorithm,
        context: context)
    }
    expectClose(
      dx[0], expected.values, reductionLength: g.kernelSize * g.kernelSize * g.outChannels,
      slack: slack(algorithm), "input gradient \(algorithm)")
  }

  @Test(arguments: cases)
  func weightGradient(_ testCase: Case) {
    let (g, algorithm) = (testCase.geometry, testCase.algorithm)
    let (x, _, _, dy) = inputs(g)
    let expected = Reference.convolutionWeightGradient(x, outputGradient: dy, g.reference)
    let (xs, dys) = (x.buffer, dy.buffer)
    let dFilter = run(
      KernelScratch.convolutionWeightGradient(g, algorithm), reading: [xs, dys],
      writing: [.fresh(g.patchSize * g.outChannels)]
    ) { outputs, context in
      convolutionWeightGradient(
        x: xs.pointer, dy: dys.pointer, dFilter: outputs[0], geometry: g, algorithm: algorithm,
        context: context)
    }
    expectClose(
      dFilter[0], expected, reductionLength: g.outRows, slack: slack(algorithm),
      "weight gradient \(algorithm)")
  }
}
