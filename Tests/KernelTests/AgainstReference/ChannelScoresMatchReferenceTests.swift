import CostModel
import Kernels
import TestSupport
import Testing

@Suite struct ChannelScoresMatchReferenceTests {
  /// Batch, pixels, channels: fewer channels than a vector has, a rest, more than one group, one pixel, long sums.
  static let shapes = [
    (3, 9, 5), (1, 1, 8), (4, 64, 16), (2, 65, 19), (5, 1, 40), (2, 1024, 33), (7, 49, 64),
  ]

  /// sum over images of |mean over pixels of lossScale dz z|, as it is defined.
  private func taylor(
    _ z: [Double], _ dz: [Double], _ before: [Double], _ shape: (batch: Int, pixels: Int, channels: Int),
    lossScale: Double
  ) -> [Double] {
    (0..<shape.channels).map { c in
      var score = before[c]
      for n in 0..<shape.batch {
        var mean = 0.0
        for p in 0..<shape.pixels {
          let place = (n * shape.pixels + p) * shape.channels + c
          mean += lossScale * dz[place] * z[place] / Double(shape.pixels)
        }
        score += abs(mean)
      }
      return score
    }
  }

  @Test(arguments: shapes)
  func taylor(batch: Int, pixels: Int, channels: Int) {
    var random = SplitMix64(seed: UInt64(batch * pixels * channels))
    let count = batch * pixels * channels
    let z = random.uniform(count: count, in: 0...1)
    // Signs that do not cancel, channel by channel, so that relative errors mean something.
    let dz = random.uniform(count: count, in: 0...1).enumerated().map { $0 % channels % 2 == 0 ? $1 : -$1 }
    let before = random.uniform(count: channels, in: 0...2)
    let (zs, dzs) = (AlignedBuffer<Float>(z), AlignedBuffer<Float>(dz))
    let scores = run(.none, reading: [zs, dzs], writing: [.holding(before)]) {
      addTaylorScores(
        z: zs.pointer, dz: dzs.pointer, scores: $0[0], batch: batch, pixels: pixels, channels: channels,
        lossScale: 3, context: $1)
    }
    let expected = taylor(z, dz, before, (batch, pixels, channels), lossScale: 3)
    expectClose(scores[0], expected, reductionLength: batch * pixels, slack: 2, "scores")
  }

  @Test("images that pull in different directions do not cancel each other")
  func signs() {
    // Two images of one pixel: +1 and -1 make 2, not 0; two pixels of one image do cancel.
    let (z, dz) = (AlignedBuffer<Float>([1.0, 1] as [Double]), AlignedBuffer<Float>([1, -1] as [Double]))
    let images = run(.none, reading: [z, dz], writing: [.holding([0])]) {
      addTaylorScores(
        z: z.pointer, dz: dz.pointer, scores: $0[0], batch: 2, pixels: 1, channels: 1, lossScale: 1,
        context: $1)
    }
    #expect(images[0] == [2])
    let pixels = run(.none, reading: [z, dz], writing: [.holding([0])]) {
      addTaylorScores(
        z: z.pointer, dz: dz.pointer, scores: $0[0], batch: 1, pixels: 2, channels: 1, lossScale: 1,
        context: $1)
    }
    #expect(pixels[0] == [0])
  }

  @Test(arguments: shapes)
  func activation(batch: Int, pixels: Int, channels: Int) {
    var random = SplitMix64(seed: UInt64(batch + pixels + channels))
    let z = random.uniform(count: batch * pixels * channels, in: 0...1)
    let zs = AlignedBuffer<Float>(z)
    let scores = run(.none, reading: [zs], writing: [.holding([Double](repeating: 0.5, count: channels))]) {
      addActivationScores(
        z: zs.pointer, scores: $0[0], batch: batch, pixels: pixels, channels: channels, context: $1)
    }
    let expected = (0..<channels).map { c in
      stride(from: c, to: z.count, by: channels).reduce(0.5) { $0 + z[$1] / Double(pixels) }
    }
    expectClose(scores[0], expected, reductionLength: batch * pixels, slack: 2, "scores")
  }

  @Test(arguments: [(1, 1), (27, 5), (9 * 64, 33), (100, 64)])
  func weightNorm(patchSize: Int, outChannels: Int) {
    var random = SplitMix64(seed: UInt64(patchSize * outChannels))
    let filter = random.uniform(count: patchSize * outChannels)
    let filters = AlignedBuffer<Float>(filter)
    let scores = run(
      .none, reading: [filters], writing: [.holding([Double](repeating: 0, count: outChannels))]
    ) {
      addFilterNorms(
        filter: filters.pointer, scores: $0[0], patchSize: patchSize, outChannels: outChannels, context: $1)
    }
    let expected = (0..<outChannels).map { c in
      stride(from: c, to: filter.count, by: outChannels).reduce(0.0) { $0 + abs(filter[$1]) }
    }
    expectClose(scores[0], expected, reductionLength: patchSize, slack: 2, "norms")
  }
}
