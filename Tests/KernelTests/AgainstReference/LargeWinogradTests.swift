import CostModel
import Kernels
import TestSupport
import Testing

/// Many channels, many tiles: more than one block, and more than one stripe of output channels. im2col is held against the reference
/// elsewhere, which would take too long here.
@Suite struct LargeWinogradTests {
  static let shapes = [(20, 8, 8, 130, 140), (9, 15, 13, 72, 260), (3, 14, 14, 260, 72), (70, 6, 6, 64, 64)]
    .map {
      ConvolutionGeometry(
        batch: $0.0, height: $0.1, width: $0.2, inChannels: $0.3, outChannels: $0.4, kernelSize: 3, stride: 1,
        padding: 1)
    }

  /// More than there are blocks, too.
  private static let workers = [1, 3, 16, 64]

  @Test(arguments: shapes, [ConvolutionAlgorithm.winograd4x4, .winograd2x2])
  func matchesIm2col(_ g: ConvolutionGeometry, _ algorithm: ConvolutionAlgorithm) {
    var random = SplitMix64(seed: UInt64(g.patchSize))
    let x = AlignedBuffer<Float>(random.uniform(count: g.inRows * g.inChannels))
    let dy = AlignedBuffer<Float>(random.uniform(count: g.outRows * g.outChannels))
    let filter = AlignedBuffer<Float>(random.uniform(count: g.patchSize * g.outChannels))
    func results(_ algorithm: ConvolutionAlgorithm) -> [[Float]] {
      let forward = run(
        KernelScratch.convolutionForward(g, algorithm), reading: [x, filter],
        writing: [.fresh(g.outRows * g.outChannels)], workers: Self.workers
      ) {
        convolutionForward(
          x: x.pointer, filter: filter.pointer, bias: nil, y: $0[0], activation: .none, geometry: g,
          algorithm: algorithm, context: $1)
      }
      let input = run(
        KernelScratch.convolutionInputGradient(g, algorithm), reading: [dy, filter],
        writing: [.fresh(g.inRows * g.inChannels)], workers: Self.workers
      ) {
        convolutionInputGradient(
          dy: dy.pointer, filter: filter.pointer, dx: $0[0], geometry: g, algorithm: algorithm, context: $1)
      }
      let weight = run(
        KernelScratch.convolutionWeightGradient(g, algorithm), reading: [x, dy],
        writing: [.fresh(g.patchSize * g.outChannels)], workers: Self.workers
      ) {
        convolutionWeightGradient(
          x: x.pointer, dy: dy.pointer, dFilter: $0[0], geometry: g, algorithm: algorithm, context: $1)
      }
      return forward + input + weight
    }
    let tolerance = algorithm == .winograd4x4 ? 1e-5 : 2e-6
    for (result, expected) in zip(results(algorithm), results(.im2col)) {
      #expect(relativeL2(result, expected.map(Double.init)) < tolerance)
    }
  }
}
