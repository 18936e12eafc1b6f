import CostModel
import Kernels
import TestSupport
import Testing

@Suite struct SimilarityMatchesReferenceTests {
  /// Batch, pixels, channels: fewer channels than a vector has, a rest, several vectors, two pixels, long sums.
  static let shapes = [(3, 9, 5), (1, 2, 8), (4, 64, 16), (2, 65, 19), (2, 1024, 33), (7, 49, 64)]

  /// Channels around means of several deviations; every seventh does not vary.
  private func images(_ shape: (batch: Int, pixels: Int, channels: Int)) -> [Double] {
    var random = SplitMix64(seed: UInt64(shape.batch * shape.pixels * shape.channels))
    let centers = random.uniform(count: shape.channels, in: -3...3)
    return random.uniform(count: shape.batch * shape.pixels * shape.channels).enumerated().map {
      place, value in
      let channel = place % shape.channels
      return channel % 7 == 6 ? 0.5 : Double(Float(value + centers[channel]))
    }
  }

  private func deviations(
    _ x: [Double], _ shape: (batch: Int, pixels: Int, channels: Int)
  ) -> (means: [Double], deviations: [Double]) {
    var (means, deviations): ([Double], [Double]) = ([], [])
    for n in 0..<shape.batch {
      for c in 0..<shape.channels {
        let values = (0..<shape.pixels).map { x[(n * shape.pixels + $0) * shape.channels + c] }
        let mean = values.reduce(0, +) / Double(shape.pixels)
        let squares = values.map { ($0 - mean) * ($0 - mean) }.reduce(0, +)
        means.append(mean)
        deviations.append((squares / Double(shape.pixels - 1)).squareRoot())
      }
    }
    return (means, deviations)
  }

  @Test(arguments: shapes)
  func spatialDeviation(batch: Int, pixels: Int, channels: Int) {
    let x = images((batch, pixels, channels))
    let (means, expected) = deviations(x, (batch, pixels, channels))
    let xs = AlignedBuffer<Float>(x)
    let y = run(.none, reading: [xs], writing: [.fresh(batch * channels)]) {
      spatialDeviationForward(
        x: xs.pointer, y: $0[0], batch: batch, pixels: pixels, channels: channels, context: $1)
    }
    expectClose(y[0], expected, reductionLength: pixels, slack: 8, "spatial deviation")

    var random = SplitMix64(seed: 5)
    let dy = random.uniform(count: batch * channels)
    let (ys, dys) = (AlignedBuffer<Float>(y[0]), AlignedBuffer<Float>(dy))
    let dx = run(.none, reading: [xs, ys, dys], writing: [.fresh(x.count)]) {
      spatialDeviationBackward(
        x: xs.pointer, y: ys.pointer, dy: dys.pointer, dx: $0[0], batch: batch, pixels: pixels,
        channels: channels, context: $1)
    }
    let expectedGradient = x.indices.map { place in
      let group = place / (pixels * channels) * channels + place % channels
      // Nothing flows through a channel that does not vary.
      guard expected[group] > 0 else { return 0.0 }
      return dy[group] * (x[place] - means[group]) / (expected[group] * Double(pixels - 1))
    }
    expectClose(dx[0], expectedGradient, reductionLength: pixels, slack: 16, "spatial deviation's gradient")
    for place in x.indices where place % channels % 7 == 6 { #expect(dx[0][place] == 0) }
  }

  /// Rows, features, classes, weight.
  @Test(arguments: [(2, 3, 2, 1.0), (16, 40, 10, 0.99), (33, 7, 3, 0.5), (9, 130, 4, 0.25)])
  func similarity(rows: Int, features: Int, classes: Int, weight: Double) {
    var random = SplitMix64(seed: UInt64(rows * features))
    let z = random.matrix(rows, features)
    let labels = random.labels(rows, classes: classes)
    let expected = Reference.similarityLoss(z, labels: labels, classes: classes)
    let (zs, targets) = (z.buffer, AlignedBuffer<Int32>(labels.map { Int32($0) }))
    let metrics = AlignedBuffer<Float>([12, 3, 5, 0] as [Float])
    for hasGradient in [false, true] {
      let outputs = run(
        KernelScratch.similarityLoss(rows: rows, features: features), reading: [zs, metrics],
        writing: [.fresh(4), .fresh(rows * features)]
      ) {
        similarityLoss(
          z: zs.pointer, labels: targets.pointer, metrics: metrics.pointer, newMetrics: $0[0],
          dz: hasGradient ? $0[1] : nil, rows: rows, features: features, classes: classes,
          weight: Float(weight), context: $1)
      }
      let loss = (1 - weight) * 12 + weight * Double(rows) * expected.loss
      #expect(abs(Double(outputs[0][0]) - loss) < 1e-5 * max(1, loss))
      #expect(outputs[0][1] == 3 && outputs[0][2] == 5)
      if hasGradient {
        expectClose(
          outputs[1], expected.inputGradient.values.map { weight * $0 }, reductionLength: rows + features,
          slack: 8, "similarity gradient")
      } else {
        #expect(outputs[1].allSatisfy { $0.isNaN })
      }
    }
  }
}
