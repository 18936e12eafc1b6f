import CostModel
import Kernels
import Testing

/// Batch normalisation and sums over rows against double precision.
struct KernelNormalizationTests {
  static let sizes = [(1, 8), (7, 3), (37, 24), (640, 16), (2100, 64), (3000, 10), (30_000, 5)]

  private struct Case {
    let x, scale, shift: Floats
    let rows, channels: Int

    init(_ rows: Int, _ channels: Int) {
      (self.rows, self.channels) = (rows, channels)
      var generator = Mixer(state: 11)
      // Means far from zero, channel by channel: a one-pass variance would lose its digits.
      x = Floats(count: rows * channels) { i in Float(i % channels) * 10 + generator.uniform() }
      scale = Floats(count: channels, seed: 12)
      shift = Floats(count: channels, seed: 13)
    }

    func column(_ values: [Double], _ c: Int) -> [Double] {
      stride(from: c, to: values.count, by: channels).map { values[$0] }
    }
  }

  @Test(arguments: sizes, [false, true])
  func training(_ size: (Int, Int), _ relu: Bool) {
    let (rows, channels) = size
    let t = Case(rows, channels)
    let scratch = KernelScratch.batchNormTraining(rows: rows, channels: channels)
    let results = sameBits(
      scratch,
      outputs: [
        Floats(count: rows * channels), Floats(count: channels), Floats(count: channels),
        Floats(count: channels) { _ in 0.5 }, Floats(count: channels) { _ in 2 },
      ]
    ) { o, context in
      batchNormTraining(
        x: t.x.pointer, scale: t.scale.pointer, shift: t.shift.pointer, runningMean: o[3].pointer,
        runningVariance: o[4].pointer, y: o[0].pointer, savedMean: o[1].pointer,
        savedInverseDeviation: o[2].pointer,
        rows: rows, channels: channels, relu: relu, epsilon: 1e-5, momentum: 0.1, context: context)
    }
    let x = t.x.doubles
    var y = [Double](repeating: 0, count: x.count)
    var (means, inverses, runningMeans, runningVariances) = ([Double](), [Double](), [Double](), [Double]())
    for c in 0..<channels {
      let column = t.column(x, c)
      let mean = column.reduce(0, +) / Double(rows)
      let squares = column.map { ($0 - mean) * ($0 - mean) }.reduce(0, +)
      let inverse = 1 / (squares / Double(rows) + 1e-5).squareRoot()
      for r in 0..<rows {
        let value = (column[r] - mean) * inverse * Double(t.scale.float[c]) + Double(t.shift.float[c])
        y[r * channels + c] = relu ? max(0, value) : value
      }
      means.append(mean)
      inverses.append(inverse)
      runningMeans.append(0.9 * 0.5 + 0.1 * mean)
      runningVariances.append(0.9 * 2 + 0.1 * (rows > 1 ? squares / Double(rows - 1) : 0))
    }
    // A single-precision mean of 10 c is off by up to 3e-7 c, which y shows in units of the deviation, 0.6.
    #expect(relativeError(results[0], y) < 1e-6 * Double(max(4, channels)))
    #expect(relativeError(results[1], means) < 1e-6)
    #expect(relativeError(results[2], inverses) < 1e-5)
    #expect(relativeError(results[3], runningMeans) < 1e-6)
    #expect(relativeError(results[4], runningVariances) < 1e-6)
  }

  @Test(arguments: sizes, [false, true])
  func inferenceAndFolding(_ size: (Int, Int), _ relu: Bool) {
    let (rows, channels) = size
    let t = Case(rows, channels)
    let mean = Floats(count: channels) { Float($0) * 10 }
    let variance = Floats(count: channels) { Float($0 % 7) / 7 + 0.1 }
    let y = sameBits(
      KernelScratch.batchNormInference(rows: rows, channels: channels), outputs: [t.x.copy()]
    ) {
      batchNormInference(
        x: $0[0].pointer, scale: t.scale.pointer, shift: t.shift.pointer, runningMean: mean.pointer,
        runningVariance: variance.pointer, y: $0[0].pointer, rows: rows, channels: channels, relu: relu,
        epsilon: 1e-5, context: $1)
    }
    let slope = (0..<channels).map {
      Double(t.scale.float[$0]) / (Double(variance.float[$0]) + 1e-5).squareRoot()
    }
    let expected = t.x.doubles.enumerated().map { i, x in
      let c = i % channels
      let value = (x - Double(mean.float[c])) * slope[c] + Double(t.shift.float[c])
      return relu ? max(0, value) : value
    }
    #expect(relativeError(y[0], expected) < 2e-6)

    // `x` as a filter [rows, channels].
    let bias = Floats(count: channels, seed: 14)
    let folded = sameBits(
      KernelScratch.foldBatchNorm(patchSize: rows, outChannels: channels),
      outputs: [Floats(count: rows * channels), Floats(count: channels)]
    ) {
      foldBatchNorm(
        filter: t.x.pointer, bias: bias.pointer, scale: t.scale.pointer, shift: t.shift.pointer,
        runningMean: mean.pointer, runningVariance: variance.pointer, foldedFilter: $0[0].pointer,
        foldedBias: $0[1].pointer, patchSize: rows, outChannels: channels, epsilon: 1e-5, context: $1)
    }
    #expect(relativeError(folded[0], t.x.doubles.enumerated().map { $1 * slope[$0 % channels] }) < 1e-6)
    let biases = (0..<channels).map {
      (bias[$0] - mean[$0]) * slope[$0] + t.shift[$0]
    }
    #expect(relativeError(folded[1], biases) < 1e-6)
  }

  @Test(arguments: sizes.dropFirst(), [false, true])
  func backward(_ size: (Int, Int), _ relu: Bool) {
    let (rows, channels) = size
    let t = Case(rows, channels)
    let dy = Floats(count: rows * channels, seed: 15)
    let mean = Floats(count: channels)
    let inverse = Floats(count: channels)
    let y = Floats(count: rows * channels)
    let running = Floats(count: channels) { _ in 0 }
    let forward = KernelScratch.batchNormTraining(rows: rows, channels: channels)
    withContext(workers: 1, forward) {
      batchNormTraining(
        x: t.x.pointer, scale: t.scale.pointer, shift: t.shift.pointer, runningMean: running.pointer,
        runningVariance: running.pointer, y: y.pointer, savedMean: mean.pointer,
        savedInverseDeviation: inverse.pointer, rows: rows, channels: channels, relu: relu, epsilon: 1e-5,
        momentum: 0.1, context: $0)
    }
    let results = sameBits(
      KernelScratch.batchNormBackward(rows: rows, channels: channels),
      outputs: [dy.copy(), Floats(count: channels), Floats(count: channels)]
    ) {
      batchNormBackward(
        x: t.x.pointer, dy: $0[0].pointer, scale: t.scale.pointer, shift: t.shift.pointer,
        savedMean: mean.pointer,
        savedInverseDeviation: inverse.pointer, dx: $0[0].pointer, dScale: $0[1].pointer,
        dShift: $0[2].pointer,
        rows: rows, channels: channels, relu: relu, context: $1)
    }
    let x = t.x.doubles
    var dx = [Double](repeating: 0, count: rows * channels)
    var (dScale, dShift) = ([Double](), [Double]())
    for c in 0..<channels {
      let (m, s) = (mean[c], inverse[c])
      let normal = t.column(x, c).map { ($0 - m) * s }
      let gradient = (0..<rows).map { r in
        !relu || y.float[r * channels + c] > 0 ? dy[r * channels + c] : 0
      }
      let sum = gradient.reduce(0, +)
      let weighted = zip(gradient, normal).map(*).reduce(0, +)
      for r in 0..<rows {
        dx[r * channels + c] =
          t.scale[c] * s * (gradient[r] - sum / Double(rows) - normal[r] * weighted / Double(rows))
      }
      dScale.append(weighted)
      dShift.append(sum)
    }
    #expect(relativeError(results[0], dx) < 1e-5)
    #expect(relativeError(results[1], dScale) < 1e-5)
    #expect(relativeError(results[2], dShift) < 1e-5)
  }

  @Test(arguments: sizes)
  func columnSumsMatch(_ size: (Int, Int)) {
    let (rows, columns) = size
    let x = Floats(count: rows * columns, seed: 16)
    let sums = sameBits(
      KernelScratch.columnSums(rows: rows, columns: columns), outputs: [Floats(count: columns)]
    ) {
      columnSums(x: x.pointer, sums: $0[0].pointer, rows: rows, columns: columns, context: $1)
    }
    var expected = [Double](repeating: 0, count: columns)
    for (i, value) in x.doubles.enumerated() { expected[i % columns] += value }
    #expect(relativeError(sums[0], expected) < 1e-5)
  }

  @Test(arguments: [1, 3, 8, 10, 64, 100, 513])
  func scratchNeverFallsAsRowsGrow(_ columns: Int) {
    var (last, isMonotone, suffices) = (0, true, true)
    for rows in 1...40_000 {
      let now = KernelScratch.batchNormBackward(rows: rows, channels: columns).sharedFloats
      isMonotone = isMonotone && now >= last
      suffices = suffices && now >= 2 * columns * (Blocks.sums(rows: rows, columns: columns).blockCount + 1)
      last = now
    }
    #expect(isMonotone)
    #expect(suffices)
  }
}
