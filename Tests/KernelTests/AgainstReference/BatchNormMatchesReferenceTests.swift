import CostModel
import Kernels
import TestSupport
import Testing

@Suite struct BatchNormMatchesReferenceTests {
  /// Rows and channels.
  static let shapes =
    [(5, 1), (6, 3), (6, 48), (37, 8), (100, 17), (513, 64), (9_000, 5), (70_001, 3)]
    + oddWidths.map { (1_029, $0) }

  /// Widths at which several rows are taken as one, and their neighbours; the number of rows is no multiple of any such group.
  static let oddWidths = Array(1...17) + [24, 31, 33, 60, 100, 127, 129]

  private struct Case {
    let x, dy: Images
    let norm: ReferenceBatchNorm
    let xs, dys, scales, shifts: AlignedBuffer<Float>

    /// Channels have means of several deviations, as they come out of a convolution. Where an output comes near a ReLU's
    /// kink its gradient is 0: which branch float32 takes does not matter then.
    init(_ rows: Int, _ channels: Int) {
      var random = SplitMix64(seed: UInt64(rows + channels))
      norm = random.batchNorm(channels: channels)
      let centers = random.uniform(count: channels, in: -3...3)
      var x = random.matrix(rows, channels)
      for row in 0..<rows {
        for c in 0..<channels { x[row, c] = Double(Float(x[row, c] + centers[c])) }
      }
      self.x = x
      var copy = norm
      let y = Reference.batchNormTraining(x, &copy)
      let gradient = random.matrix(rows, channels)
      dy = gradient.with(values: zip(gradient.values, y.values).map { abs($1) < 1e-4 ? 0 : $0 })
      (xs, dys) = (x.buffer, dy.buffer)
      (scales, shifts) = (AlignedBuffer(norm.scale), AlignedBuffer(norm.shift))
    }
  }

  @Test(arguments: shapes, [false, true])
  func training(_ shape: (Int, Int), relu: Bool) {
    let (rows, channels) = shape
    let c = Case(rows, channels)
    var moved = c.norm
    let y = Reference.batchNormTraining(c.x, &moved, relu: relu)
    let (mean, variance) = Reference.moments(c.x)
    let outputs = run(
      KernelScratch.batchNormTraining(rows: rows, channels: channels), reading: [c.xs, c.scales, c.shifts],
      writing: [
        .fresh(rows * channels), .fresh(channels), .fresh(channels), .holding(c.norm.runningMean),
        .holding(c.norm.runningVariance),
      ]
    ) { outputs, context in
      batchNormTraining(
        x: c.xs.pointer, scale: c.scales.pointer, shift: c.shifts.pointer, runningMean: outputs[3],
        runningVariance: outputs[4], y: outputs[0], savedMean: outputs[1], savedInverseDeviation: outputs[2],
        rows: rows, channels: channels, activation: relu ? .relu : .none, epsilon: 1e-5, momentum: 0.1,
        context: context)
    }
    expectClose(outputs[0], y.values, reductionLength: 1, slack: 24, "batch norm output")
    // A block's mean is a float sum of up to 65,536 numbers, several in each lane.
    expectClose(outputs[1], mean, reductionLength: 1, slack: 8, "batch norm mean")
    expectClose(
      outputs[2], variance.map { 1 / ($0 + 1e-5).squareRoot() }, reductionLength: 1, slack: 8,
      "batch norm deviation")
    expectClose(outputs[3], moved.runningMean, reductionLength: 1, slack: 8, "batch norm running mean")
    expectClose(
      outputs[4], moved.runningVariance, reductionLength: 1, slack: 4, "batch norm running variance")
  }

  /// One row is its own mean, and has no variance that could be estimated.
  @Test func trainingOnOneRow() {
    let channels = 9
    let c = Case(5, channels)
    let xs = AlignedBuffer<Float>(Array(c.x.values[..<channels]))
    let outputs = run(
      KernelScratch.batchNormTraining(rows: 1, channels: channels), reading: [xs, c.scales, c.shifts],
      writing: [
        .fresh(channels), .fresh(channels), .fresh(channels), .holding(c.norm.runningMean),
        .holding(c.norm.runningVariance),
      ]
    ) { outputs, context in
      batchNormTraining(
        x: xs.pointer, scale: c.scales.pointer, shift: c.shifts.pointer, runningMean: outputs[3],
        runningVariance: outputs[4], y: outputs[0], savedMean: outputs[1], savedInverseDeviation: outputs[2],
        rows: 1, channels: channels, activation: .none, epsilon: 1e-5, momentum: 0.1, context: context)
    }
    #expect(outputs[0] == c.shifts.elements && outputs[1] == xs.elements)
    expectClose(
      outputs[3], zip(c.norm.runningMean, xs.doubles).map { 0.9 * $0 + 0.1 * $1 }, reductionLength: 1,
      slack: 4,
      "running mean of one row")
    expectClose(
      outputs[4], c.norm.runningVariance.map { 0.9 * $0 }, reductionLength: 1, slack: 4,
      "running variance of one row")
  }

  /// Channels that are constant, whose mean is a thousand deviations, or whose variance is as small as epsilon: where a
  /// variance as difference of squares goes wrong.
  @Test(arguments: [64, 5_000])
  func trainingOnAwkwardChannels(rows: Int) {
    let channels = 9
    var random = SplitMix64(seed: UInt64(rows))
    var norm = random.batchNorm(channels: channels)
    var x = random.matrix(rows, channels)
    for row in 0..<rows {
      for c in 0..<channels {
        let value = [0.1 * Double(c + 1), 1000 + x[row, c], 0.003 * x[row, c]][c % 3]
        x[row, c] = Double(Float(value))
      }
    }
    let (xs, scales, shifts) = (x.buffer, AlignedBuffer<Float>(norm.scale), AlignedBuffer<Float>(norm.shift))
    let outputs = run(
      KernelScratch.batchNormTraining(rows: rows, channels: channels), reading: [xs, scales, shifts],
      writing: [
        .fresh(rows * channels), .fresh(channels), .fresh(channels), .holding(norm.runningMean),
        .holding(norm.runningVariance),
      ]
    ) { outputs, context in
      batchNormTraining(
        x: xs.pointer, scale: scales.pointer, shift: shifts.pointer, runningMean: outputs[3],
        runningVariance: outputs[4], y: outputs[0], savedMean: outputs[1], savedInverseDeviation: outputs[2],
        rows: rows, channels: channels, activation: .none, epsilon: 1e-5, momentum: 0.1, context: context)
    }
    let y = Reference.batchNormTraining(x, &norm)
    let (mean, variance) = Reference.moments(x)
    // A few ulps of a mean of 1000 are some 1e-4 of its channel's deviation.
    #expect(relativeL2(outputs[0], y.values) < 5e-4)
    for c in 0..<channels {
      let inverse = 1 / (variance[c] + 1e-5).squareRoot()
      let size = abs(mean[c]) + variance[c].squareRoot()
      #expect(abs(Double(outputs[1][c]) - mean[c]) <= 1e-6 * size, "channel \(c)")
      #expect(abs(Double(outputs[2][c]) - inverse) <= inverse * 1e-5, "channel \(c)")
      #expect(abs(Double(outputs[4][c]) - norm.runningVariance[c]) < 1e-6)
    }
  }

  /// Statistics of a batch that has overflowed are no numbers, and must not get anywhere.
  @Test(arguments: [Double.infinity, 1])
  func trainingWithoutRunningStatistics(value: Double) {
    let (rows, channels) = (70, 9)
    let c = Case(rows, channels)
    let xs = AlignedBuffer<Float>((0..<rows * channels).map { $0 == 5 ? value : c.x.values[$0] })
    func outputs(_ moves: Bool) -> [[Float]] {
      run(
        KernelScratch.batchNormTraining(rows: rows, channels: channels), reading: [xs, c.scales, c.shifts],
        writing: [
          .fresh(rows * channels), .fresh(channels), .fresh(channels), .holding(c.norm.runningMean),
          .holding(c.norm.runningVariance),
        ]
      ) { outputs, context in
        batchNormTraining(
          x: xs.pointer, scale: c.scales.pointer, shift: c.shifts.pointer,
          runningMean: moves ? outputs[3] : nil, runningVariance: moves ? outputs[4] : nil, y: outputs[0],
          savedMean: outputs[1], savedInverseDeviation: outputs[2], rows: rows, channels: channels,
          activation: .relu, epsilon: 1e-5, momentum: 0.1, context: context)
      }
    }
    let (moved, kept) = (outputs(true), outputs(false))
    for index in 0..<3 { #expect(moved[index].map(\.bitPattern) == kept[index].map(\.bitPattern)) }
    #expect(kept[3] == c.norm.runningMean.map { Float($0) } && moved[3] != kept[3])
    #expect(kept[4] == c.norm.runningVariance.map { Float($0) } && moved[4] != kept[4])
  }

  @Test(arguments: shapes, [false, true])
  func inference(_ shape: (Int, Int), relu: Bool) {
    let (rows, channels) = shape
    let c = Case(rows, channels)
    let (means, variances) = (
      AlignedBuffer<Float>(c.norm.runningMean), AlignedBuffer<Float>(c.norm.runningVariance)
    )
    let y = run(
      KernelScratch.batchNormInference(rows: rows, channels: channels),
      reading: [c.xs, c.scales, c.shifts, means, variances], writing: [.fresh(rows * channels)]
    ) { outputs, context in
      batchNormInference(
        x: c.xs.pointer, scale: c.scales.pointer, shift: c.shifts.pointer, runningMean: means.pointer,
        runningVariance: variances.pointer, y: outputs[0], rows: rows, channels: channels,
        activation: relu ? .relu : .none,
        epsilon: 1e-5, context: context)
    }
    let expected = Reference.batchNormInference(c.x, c.norm, relu: relu)
    expectClose(y[0], expected.values, reductionLength: 1, slack: 4, "batch norm inference")
  }

  @Test(arguments: shapes, [false, true])
  func backward(_ shape: (Int, Int), relu: Bool) {
    let (rows, channels) = shape
    let c = Case(rows, channels)
    let expected = Reference.batchNormBackward(c.x, outputGradient: c.dy, c.norm, relu: relu)
    let (mean, variance) = Reference.moments(c.x)
    let means = AlignedBuffer<Float>(mean)
    let inverses = AlignedBuffer<Float>(variance.map { 1 / ($0 + 1e-5).squareRoot() })
    let outputs = run(
      KernelScratch.batchNormBackward(rows: rows, channels: channels),
      reading: [c.xs, c.dys, c.scales, c.shifts, means, inverses],
      writing: [.fresh(rows * channels), .fresh(channels), .fresh(channels)]
    ) { outputs, context in
      batchNormBackward(
        x: c.xs.pointer, dy: c.dys.pointer, scale: c.scales.pointer, shift: c.shifts.pointer,
        savedMean: means.pointer, savedInverseDeviation: inverses.pointer, dx: outputs[0], dScale: outputs[1],
        dShift: outputs[2], rows: rows, channels: channels, activation: relu ? .relu : .none, context: context
      )
    }
    expectClose(outputs[0], expected.input.values, reductionLength: 1, slack: 12, "batch norm dx")
    expectClose(outputs[1], expected.scale, reductionLength: rows, slack: 4, "batch norm dscale")
    expectClose(outputs[2], expected.shift, reductionLength: rows, slack: 2, "batch norm dshift")
  }

  /// Height and width, those of the averages, channels.
  private static let averages = [
    (8, 8, 2, 2, 16), (6, 9, 3, 3, 5), (16, 4, 1, 1, 8), (12, 10, 12, 5, 24), (4, 4, 4, 4, 7),
  ]

  /// The gradient of averages, read where it is: bit for bit what an average pool's backward pass and that of the norm give.
  @Test(arguments: averages, [false, true])
  func backwardOfAverages(_ sizes: (Int, Int, Int, Int, Int), relu: Bool) {
    let (height, width, outHeight, outWidth, channels) = sizes
    let batch = 3
    let rows = batch * height * width
    let c = Case(rows, channels)
    var random = SplitMix64(seed: 9)
    let small = AlignedBuffer<Float>(random.uniform(count: batch * outHeight * outWidth * channels))
    let (mean, variance) = Reference.moments(c.x)
    let means = AlignedBuffer<Float>(mean)
    let inverses = AlignedBuffer<Float>(variance.map { 1 / ($0 + 1e-5).squareRoot() })
    func backward(_ dy: UnsafePointer<Float>, _ spread: GradientSpread?) -> [[Float]] {
      run(
        KernelScratch.batchNormBackward(rows: rows, channels: channels),
        reading: [c.xs, c.scales, c.shifts, means, inverses],
        writing: [.fresh(rows * channels), .fresh(channels), .fresh(channels)]
      ) { outputs, context in
        batchNormBackward(
          x: c.xs.pointer, dy: dy, scale: c.scales.pointer, shift: c.shifts.pointer,
          savedMean: means.pointer, savedInverseDeviation: inverses.pointer, dx: outputs[0],
          dScale: outputs[1], dShift: outputs[2], rows: rows, channels: channels,
          activation: relu ? .relu : .none, spread: spread, context: context)
      }
    }
    let spread = run(.none, reading: [small], writing: [.fresh(rows * channels)]) { outputs, context in
      averagePoolBackward(
        dy: small.pointer, dx: outputs[0], batch: batch, height: height, width: width, channels: channels,
        outHeight: outHeight, outWidth: outWidth, context: context)
    }
    let written = AlignedBuffer<Float>(spread[0].map { Double($0) })
    let apart = backward(written.pointer, nil)
    let fused = backward(
      small.pointer, GradientSpread(height: height, width: width, outHeight: outHeight, outWidth: outWidth))
    #expect(fused == apart)
  }

  @Test(arguments: [(1, 1), (27, 8), (75, 17), (576, 64), (2000, 33)], [false, true])
  func folding(_ shape: (Int, Int), hasBias: Bool) {
    let (patchSize, outs) = shape
    var random = SplitMix64(seed: UInt64(patchSize))
    let norm = random.batchNorm(channels: outs)
    let (filter, bias) = (random.uniform(count: patchSize * outs), random.uniform(count: outs))
    let expected = Reference.foldBatchNorm(filter: filter, bias: hasBias ? bias : nil, norm)
    let operands = [filter, bias, norm.scale, norm.shift, norm.runningMean, norm.runningVariance]
    let inputs = operands.map { AlignedBuffer<Float>($0) }
    let outputs = run(
      KernelScratch.foldBatchNorm(patchSize: patchSize, outChannels: outs), reading: inputs,
      writing: [.fresh(patchSize * outs), .fresh(outs)]
    ) { outputs, context in
      foldBatchNorm(
        filter: inputs[0].pointer, bias: hasBias ? inputs[1].pointer : nil, scale: inputs[2].pointer,
        shift: inputs[3].pointer, runningMean: inputs[4].pointer, runningVariance: inputs[5].pointer,
        foldedFilter: outputs[0], foldedBias: outputs[1], patchSize: patchSize, outChannels: outs,
        epsilon: 1e-5,
        context: context)
    }
    expectClose(outputs[0], expected.filter, reductionLength: 1, slack: 3, "folded filter")
    expectClose(outputs[1], expected.bias, reductionLength: 1, slack: 4, "folded bias")
  }
}
