import CostModel
import Kernels
import TestSupport
import Testing

/// The errors that `ConvolutionAlgorithm` documents, against the sizes of what is added up: where products cancel, results are
/// small and errors are not.
@Suite struct ConvolutionErrorTests {
  enum Inputs: CaseIterable, Sendable {
    /// Of both signs.
    case centred
    /// One factor lies far from zero, the other adds up to zero over whatever is summed.
    case cancelling
    /// All positive: every partial sum is large.
    case positive
  }

  static let shapes: [ConvolutionGeometry] = [
    shape(2, 8, 8, 16, 24), shape(2, 9, 7, 8, 8), shape(3, 14, 10, 64, 64), shape(2, 4, 4, 130, 70),
    shape(2, 8, 8, 16, 24, kernel: 1), shape(3, 6, 6, 200, 96, kernel: 1),
    shape(2, 9, 9, 12, 16, kernel: 5, stride: 2), shape(2, 9, 9, 16, 24, kernel: 5),
    shape(2, 12, 12, 8, 16, kernel: 7),
    shape(2, 12, 12, 16, 8, kernel: 11), shape(2, 12, 12, 9, 7, kernel: 5),
  ]

  private static func shape(
    _ batch: Int, _ height: Int, _ width: Int, _ ins: Int, _ outs: Int, kernel: Int = 3, stride: Int = 1
  ) -> ConvolutionGeometry {
    ConvolutionGeometry(
      batch: batch, height: height, width: width, inChannels: ins, outChannels: outs, kernelSize: kernel,
      stride: stride, padding: kernel / 2)
  }

  /// In units of sqrt(n) u, as documented.
  private func bound(_ algorithm: ConvolutionAlgorithm) -> Double {
    switch algorithm {
    case .im2col, .pointwise: 0.5
    case .winograd2x2: 0.6
    case .winograd4x4: 1.5
    }
  }

  /// What is read with an offset, or what adds up to zero over groups of `groups` interleaved sums.
  private func large(_ count: Int, _ inputs: Inputs, _ random: inout SplitMix64) -> [Double] {
    switch inputs {
    case .centred: random.uniform(count: count)
    case .cancelling: random.uniform(count: count, in: 99...101)
    case .positive: random.uniform(count: count, in: 0.5...1.5)
    }
  }

  private func small(_ count: Int, _ inputs: Inputs, groups: Int, _ random: inout SplitMix64) -> [Double] {
    switch inputs {
    case .centred: return random.uniform(count: count)
    case .positive: return random.uniform(count: count, in: 0.5...1.5)
    case .cancelling:
      var values = random.uniform(count: count)
      let length = count / groups
      for group in 0..<groups {
        let mean = (0..<length).map { values[$0 * groups + group] }.reduce(0, +) / Double(length)
        for index in 0..<length { values[index * groups + group] -= mean }
      }
      return values.map { Double(Float($0)) }
    }
  }

  private func expectBounded(
    _ actual: [Float], _ exact: [Double], magnitudes: [Double], reductionLength: Int,
    _ algorithm: ConvolutionAlgorithm, _ what: String
  ) {
    let difference = zip(actual, exact).map { (Double($0) - $1) * (Double($0) - $1) }.reduce(0, +)
    let size = magnitudes.map { $0 * $0 }.reduce(0, +)
    let unit = Double(Float.ulpOfOne) / 2 * Double(reductionLength).squareRoot()
    let error = (difference / size).squareRoot() / unit
    #expect(error < bound(algorithm), "\(what), \(algorithm): \(error) sqrt(n) u")
  }

  @Test(arguments: shapes, Inputs.allCases)
  func forward(_ g: ConvolutionGeometry, _ inputs: Inputs) {
    var random = SplitMix64(seed: UInt64(g.patchSize))
    let x = Images(
      batch: g.batch, height: g.height, width: g.width, channels: g.inChannels,
      values: large(g.inRows * g.inChannels, inputs, &random))
    let filter = small(g.patchSize * g.outChannels, inputs, groups: g.outChannels, &random)
    let exact = Reference.convolutionForward(x, filter: filter, g.reference)
    let magnitudes = Reference.convolutionForward(
      x.with(values: x.values.map(abs)), filter: filter.map(abs), g.reference)
    let (xs, filters) = (x.buffer, AlignedBuffer<Float>(filter))
    for algorithm in g.legalAlgorithms {
      let y = run(
        KernelScratch.convolutionForward(g, algorithm), reading: [xs, filters],
        writing: [.fresh(g.outRows * g.outChannels)]
      ) {
        convolutionForward(
          x: xs.pointer, filter: filters.pointer, bias: nil, y: $0[0], activation: .none, geometry: g,
          algorithm: algorithm, context: $1)
      }
      expectBounded(
        y[0], exact.values, magnitudes: magnitudes.values, reductionLength: g.patchSize, algorithm,
        "forward \(inputs)")
    }
  }

  @Test(arguments: shapes, Inputs.allCases)
  func inputGradient(_ g: ConvolutionGeometry, _ inputs: Inputs) {
    var random = SplitMix64(seed: UInt64(g.patchSize))
    let dy = Images(
      batch: g.batch, height: g.outHeight, width: g.outWidth, channels: g.outChannels,
      values: large(g.outRows * g.outChannels, inputs, &random))
    let filter = small(g.patchSize * g.outChannels, inputs, groups: 1, &random)
    func gradient(_ dy: Images, _ filter: [Double]) -> [Double] {
      Reference.convolutionInputGradient(
        outputGradient: dy, filter: filter, height: g.height, width: g.width, inChannels: g.inChannels,
        g.reference
      ).values
    }
    let exact = gradient(dy, filter)
    let magnitudes = gradient(dy.with(values: dy.values.map(abs)), filter.map(abs))
    let (dys, filters) = (dy.buffer, AlignedBuffer<Float>(filter))
    for algorithm in g.legalAlgorithms {
      let dx = run(
        KernelScratch.convolutionInputGradient(g, algorithm), reading: [dys, filters],
        writing: [.fresh(g.inRows * g.inChannels)]
      ) {
        convolutionInputGradient(
          dy: dys.pointer, filter: filters.pointer, dx: $0[0], geometry: g, algorithm: algorithm, context: $1)
      }
      expectBounded(
        dx[0], exact, magnitudes: magnitudes, reductionLength: g.kernelSize * g.kernelSize * g.outChannels,
        algorithm, "input gradient \(inputs)")
    }
  }

  @Test(arguments: shapes, Inputs.allCases)
  func weightGradient(_ g: ConvolutionGeometry, _ inputs: Inputs) {
    var random = SplitMix64(seed: UInt64(g.patchSize))
    let x = Images(
      batch: g.batch, height: g.height, width: g.width, channels: g.inChannels,
      values: large(g.inRows * g.inChannels, inputs, &random))
    let dy = Images(
      batch: g.batch, height: g.outHeight, width: g.outWidth, channels: g.outChannels,
      values: small(g.outRows * g.outChannels, inputs, groups: g.outChannels, &random))
    let exact = Reference.convolutionWeightGradient(x, outputGradient: dy, g.reference)
    let magnitudes = Reference.convolutionWeightGradient(
      x.with(values: x.values.map(abs)), outputGradient: dy.with(values: dy.values.map(abs)), g.reference)
    let (xs, dys) = (x.buffer, dy.buffer)
    for algorithm in g.legalAlgorithms {
      let dFilter = run(
        KernelScratch.convolutionWeightGradient(g, algorithm), reading: [xs, dys],
        writing: [.fresh(g.patchSize * g.outChannels)]
      ) {
        convolutionWeightGradient(
          x: xs.pointer, dy: dys.pointer, dFilter: $0[0], geometry: g, algorithm: algorithm, context: $1)
      }
      expectBounded(
        dFilter[0], exact, magnitudes: magnitudes, reductionLength: g.outRows, algorithm,
        "weight gradient \(inputs)")
    }
  }
}
