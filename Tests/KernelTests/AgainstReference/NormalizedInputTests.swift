import CostModel
import Kernels
import TestSupport
import Testing

/// Kernels that normalise what they read, or take a batch norm's gradient as they go, hold to the bit what the same kernels give of
/// what was written first; those are held against references.
@Suite struct NormalizedInputTests {
  /// A batch norm's vectors and a matrix [rows, channels] in front of it.
  private struct Norm {
    let rows, channels: Int
    let xs, scales, shifts, means, inverses: AlignedBuffer<Float>
    let activation: Activation

    init(_ rows: Int, _ channels: Int, _ activation: Activation, seed: UInt64 = 21) {
      var random = SplitMix64(seed: seed)
      let norm = random.batchNorm(channels: channels)
      let x = random.matrix(rows, channels)
      let (mean, variance) = Reference.moments(x)
      (self.rows, self.channels, self.activation) = (rows, channels, activation)
      xs = x.buffer
      scales = AlignedBuffer(norm.scale)
      shifts = AlignedBuffer(norm.shift)
      means = AlignedBuffer(mean)
      inverses = AlignedBuffer(variance.map { 1 / ($0 + 1e-5).squareRoot() })
    }

    var vectors: [AlignedBuffer<Float>] { [scales, shifts, means, inverses] }

    var input: InputNormalization {
      InputNormalization(
        scale: scales.pointer, shift: shifts.pointer, mean: means.pointer, inverseDeviation: inverses.pointer,
        activation: activation)
    }

    /// What the norm writes.
    func written() -> AlignedBuffer<Float> {
      let y = run(
        KernelScratch.batchNormInference(rows: rows, channels: channels), reading: [xs] + vectors,
        writing: [.fresh(rows * channels)], workers: [1]
      ) { outputs, context in
        batchNormSaved(
          x: xs.pointer, scale: scales.pointer, shift: shifts.pointer, savedMean: means.pointer,
          savedInverseDeviation: inverses.pointer, y: outputs[0], rows: rows, channels: channels,
          activation: activation, context: context)
      }
      return AlignedBuffer(y[0].map { Double($0) })
    }
  }

  private static let activations: [Activation] = [.none, .relu, .leakyRelu(slope: 0.2), .gelu, .silu]

  @Test(
    "averages", arguments: [(8, 8, 2, 2, 16), (7, 5, 3, 2, 5), (9, 9, 9, 9, 3), (16, 12, 4, 4, 21)],
    activations)
  func averages(_ sizes: (Int, Int, Int, Int, Int), activation: Activation) {
    let (height, width, outHeight, outWidth, channels) = sizes
    let norm = Norm(2 * height * width, channels, activation)
    func averages(_ x: AlignedBuffer<Float>, _ normalization: InputNormalization?) -> [Float] {
      run(.none, reading: [x] + norm.vectors, writing: [.fresh(2 * outHeight * outWidth * channels)]) {
        averagePoolForward(
          x: x.pointer, y: $0[0], batch: 2, height: height, width: width, channels: channels,
          outHeight: outHeight, outWidth: outWidth, normalization: normalization, context: $1)
      }[0]
    }
    #expect(averages(norm.xs, norm.input) == averages(norm.written(), nil))
  }

  private static let cases: [ConvolutionMatchesReferenceTests.Case] = ConvolutionMatchesReferenceTests.cases
    .filter { $0.algorithm != .pointwise && $0.geometry.outChannels >= 8 && $0.geometry.patchSize < 3000 }

  @Test("convolutions and their weight gradients", arguments: cases)
  func convolutions(_ testCase: ConvolutionMatchesReferenceTests.Case) {
    let (g, algorithm) = (testCase.geometry, testCase.algorithm)
    let norm = Norm(g.inRows, g.inChannels, .relu)
    let written = norm.written()
    var random = SplitMix64(seed: 5)
    let filter = AlignedBuffer<Float>(random.uniform(count: g.patchSize * g.outChannels))
    let dy = AlignedBuffer<Float>(random.uniform(count: g.outRows * g.outChannels))
    func forward(_ x: AlignedBuffer<Float>, _ normalization: InputNormalization?) -> [Float] {
      run(
        KernelScratch.convolutionForward(g, algorithm), reading: [x, filter] + norm.vectors,
        writing: [.fresh(g.outRows * g.outChannels)], workers: [1, 3]
      ) {
        convolutionForward(
          x: x.pointer, filter: filter.pointer, bias: nil, y: $0[0], activation: .none, geometry: g,
          algorithm: algorithm, normalization: normalization, context: $1)
      }[0]
    }
    func weightGradient(_ x: AlignedBuffer<Float>, _ normalization: InputNormalization?) -> [Float] {
      run(
        KernelScratch.convolutionWeightGradient(g, algorithm), reading: [x, dy] + norm.vectors,
        writing: [.fresh(g.patchSize * g.outChannels)], workers: [1, 3]
      ) {
        convolutionWeightGradient(
          x: x.pointer, dy: dy.pointer, dFilter: $0[0], geometry: g, algorithm: algorithm,
          normalization: normalization, context: $1)
      }[0]
    }
    #expect(forward(norm.xs, norm.input) == forward(written, nil))
    #expect(weightGradient(norm.xs, norm.input) == weightGradient(written, nil))
  }

  /// Batch, extents, channels in and out, kernel, stride; side of the averages whose gradient is spread, or none.
  private static let layers: [(Int, Int, Int, Int, Int, Int, Int?)] = [
    (2, 8, 3, 16, 3, 1, 2), (3, 9, 5, 8, 3, 1, nil), (5, 12, 3, 64, 3, 1, 4), (4, 16, 8, 24, 5, 2, nil),
    (2, 6, 17, 128, 1, 1, 3), (40, 16, 3, 8, 3, 1, 8),
  ]

  @Test("weight gradients behind a batch norm", arguments: layers, activations)
  func gradients(_ layer: (Int, Int, Int, Int, Int, Int, Int?), activation: Activation) {
    let (batch, side, ins, outs, kernel, stride, averages) = layer
    let g = ConvolutionGeometry(
      batch: batch, height: side, width: side, inChannels: ins, outChannels: outs, kernelSize: kernel,
      stride: stride, padding: kernel / 2)
    let rows = g.outRows
    let norm = Norm(rows, outs, activation)
    var random = SplitMix64(seed: 6)
    let input = AlignedBuffer<Float>(random.uniform(count: g.inRows * ins))
    let small = averages.map { batch * $0 * $0 } ?? rows
    let dy = AlignedBuffer<Float>(random.uniform(count: small * outs))
    let spread = averages.map {
      GradientSpread(height: g.outHeight, width: g.outWidth, outHeight: $0, outWidth: $0)
    }
    func backward(_ writesInput: Bool) -> [[Float]] {
      run(
        KernelScratch.batchNormBackward(rows: rows, channels: outs), reading: [norm.xs, dy] + norm.vectors,
        writing: [.fresh(outs), .fresh(outs)] + (writesInput ? [.fresh(rows * outs)] : [])
      ) {
        batchNormBackward(
          x: norm.xs.pointer, dy: dy.pointer, scale: norm.scales.pointer, shift: norm.shifts.pointer,
          savedMean: norm.means.pointer, savedInverseDeviation: norm.inverses.pointer,
          dx: writesInput ? $0[2] : nil, dScale: $0[0], dShift: $0[1], rows: rows, channels: outs,
          activation: activation, spread: spread, context: $1)
      }
    }
    let (whole, sums) = (backward(true), backward(false))
    #expect(sums == Array(whole[..<2]))
    let dx = AlignedBuffer<Float>(whole[2].map { Double($0) })
    let apart = run(
      KernelScratch.convolutionWeightGradient(g, .im2col), reading: [input, dx],
      writing: [.fresh(g.patchSize * outs)]
    ) {
      convolutionWeightGradient(
        x: input.pointer, dy: dx.pointer, dFilter: $0[0], geometry: g, algorithm: .im2col, context: $1)
    }
    let (dScale, dShift) = (
      AlignedBuffer<Float>(sums[0].map { Double($0) }), AlignedBuffer<Float>(sums[1].map { Double($0) })
    )
    let fused = run(
      KernelScratch.normalizedWeightGradient(g),
      reading: [input, norm.xs, dy, dScale, dShift] + norm.vectors,
      writing: [.fresh(g.patchSize * outs)]
    ) {
      normalizedWeightGradient(
        x: input.pointer,
        gradient: NormalizedGradient(
          x: norm.xs.pointer, dy: dy.pointer, scale: norm.scales.pointer, shift: norm.shifts.pointer,
          savedMean: norm.means.pointer, savedInverseDeviation: norm.inverses.pointer, dScale: dScale.pointer,
          dShift: dShift.pointer, rows: rows, channels: outs, activation: activation, spread: spread),
        dFilter: $0[0], geometry: g, context: $1)
    }
    #expect(fused == apart)
  }

  @Test("statistics alone are those of a norm that writes its result")
  func statistics() {
    let norm = Norm(900, 12, .relu)
    func statistics(_ writes: Bool) -> [[Float]] {
      run(
        KernelScratch.batchNormTraining(rows: 900, channels: 12), reading: [norm.xs] + norm.vectors,
        writing: [
          .fresh(12), .fresh(12), .holding(Array(repeating: 0.25, count: 12)),
          .holding(Array(repeating: 0.75, count: 12)), .fresh(900 * 12),
        ]
      ) {
        batchNormTraining(
          x: norm.xs.pointer, scale: norm.scales.pointer, shift: norm.shifts.pointer, runningMean: $0[2],
          runningVariance: $0[3], y: writes ? $0[4] : nil, savedMean: $0[0], savedInverseDeviation: $0[1],
          rows: 900, channels: 12, activation: .relu, epsilon: 1e-5, momentum: 0.1, context: $1)
      }
    }
    #expect(statistics(true)[..<4] == statistics(false)[..<4])
  }

  /// Blocks of whole images, of a part of one, shared blocks.
  private static let inPlace: [(Int, Int, Int, Int)] = [
    (3, 32, 32, 64), (2, 32, 16, 128), (5, 16, 16, 64), (8, 8, 8, 32), (64, 8, 8, 256), (3, 64, 16, 32),
    (7, 4, 4, 200),
  ]

  @Test("input gradients by Winograd onto what they are made of", arguments: inPlace, [4, 2])
  func ontoTheGradient(_ sizes: (Int, Int, Int, Int), tile: Int) throws {
    let (batch, height, width, channels) = sizes
    let g = ConvolutionGeometry(
      batch: batch, height: height, width: width, inChannels: channels, outChannels: channels, kernelSize: 3,
      stride: 1, padding: 1)
    let algorithm: ConvolutionAlgorithm = tile == 4 ? .winograd4x4 : .winograd2x2
    let cost = WinogradCost(g.inputGradientForward, tile: tile)
    guard cost.allowsInPlace else {
      // Those that are meant to be in place by 4x4 are.
      #expect(tile == 2)
      return
    }
    var random = SplitMix64(seed: 8)
    let filter = AlignedBuffer<Float>(random.uniform(count: g.patchSize * channels))
    let values = random.uniform(count: g.outRows * channels)
    let dy = AlignedBuffer<Float>(values)
    let scratch = KernelScratch.convolutionInputGradient(g, algorithm)
    let apart = run(scratch, reading: [dy, filter], writing: [.fresh(g.inRows * channels)]) {
      convolutionInputGradient(
        dy: dy.pointer, filter: filter.pointer, dx: $0[0], geometry: g, algorithm: algorithm, context: $1)
    }
    let onto = run(scratch, reading: [filter], writing: [.holding(values)]) {
      convolutionInputGradient(
        dy: $0[0], filter: filter.pointer, dx: $0[0], geometry: g, algorithm: algorithm, context: $1)
    }
    #expect(onto == apart)
  }
}
