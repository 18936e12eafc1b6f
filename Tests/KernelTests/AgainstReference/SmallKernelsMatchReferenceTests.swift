import CostModel
import Foundation
import Kernels
import TestSupport
import Testing

/// Kernels of few lines: copies, weighted sums, the shortcut without parameters, and what probes look at.
@Suite struct SmallKernelsMatchReferenceTests {
  static let counts = [1, 7, 8, 1000, 16_384, 70_003]

  @Test(arguments: counts)
  func copyAndAccumulate(count: Int) {
    var random = SplitMix64(seed: UInt64(count))
    let (x, y) = (random.uniform(count: count), random.uniform(count: count))
    let xs = AlignedBuffer<Float>(x)
    let copy = run(.none, reading: [xs], writing: [.fresh(count)]) {
      copyElements(from: xs.pointer, to: $0[0], count: count, context: $1)
    }
    #expect(copy[0] == x.map { Float($0) })
    let first = run(.none, reading: [xs], writing: [.fresh(count)]) {
      accumulateScaled(x: xs.pointer, scale: 0.75, y: $0[0], count: count, overwrites: true, context: $1)
    }
    #expect(first[0] == x.map { 0.75 * Float($0) })
    let sum = run(.none, reading: [xs], writing: [.holding(y)]) {
      accumulateScaled(x: xs.pointer, scale: 0.75, y: $0[0], count: count, overwrites: false, context: $1)
    }
    #expect(sum[0] == zip(x, y).map { Float($1) + 0.75 * Float($0) })
  }

  /// Three pieces of a batch come to what one step with the sum of their gradients comes to.
  @Test(arguments: counts)
  func sgdInPieces(count: Int) {
    var random = SplitMix64(seed: UInt64(count))
    let (w, v) = (random.uniform(count: count), random.uniform(count: count))
    let gradients = (0..<3).map { _ in random.uniform(count: count) }
    let buffers = gradients.map { AlignedBuffer<Float>($0) }
    let moved = run(.none, reading: buffers, writing: [.holding(w), .holding(v)]) { outputs, context in
      for (index, gradient) in buffers.enumerated() {
        sgdPiece(
          weights: outputs[0], velocity: outputs[1], gradient: gradient.pointer, count: count,
          learningRate: 0.1, momentum: 0.9, weightDecay: 0.01, isFirst: index == 0, isLast: index == 2,
          context: context)
      }
    }
    var (weights, velocity) = (w, v)
    let sum = (0..<count).map { gradients[0][$0] + gradients[1][$0] + gradients[2][$0] }
    Reference.sgdStep(
      weights: &weights, velocity: &velocity, gradient: sum, learningRate: 0.1, momentum: 0.9,
      weightDecay: 0.01)
    expectClose(moved[0], weights, reductionLength: 3, slack: 4, "weights")
    expectClose(moved[1], velocity, reductionLength: 3, slack: 4, "velocity")
    let waiting = run(.none, reading: buffers, writing: [.holding(w), .holding(v)]) { outputs, context in
      sgdPiece(
        weights: outputs[0], velocity: outputs[1], gradient: buffers[0].pointer, count: count,
        learningRate: 0.1, momentum: 0.9, weightDecay: 0.01, isFirst: true, isLast: false, context: context)
    }
    #expect(waiting[0] == w.map { Float($0) })
  }

  @Test(arguments: [(5, 1), (6, 3), (100, 17), (9_000, 5)], [false, true])
  func batchNormWithSavedStatistics(_ shape: (Int, Int), relu: Bool) {
    let (rows, channels) = shape
    var random = SplitMix64(seed: UInt64(rows + channels))
    let x = random.matrix(rows, channels)
    let (scale, shift) = (random.uniform(count: channels), random.uniform(count: channels))
    let (mean, inverse) = (
      random.uniform(count: channels), random.uniform(count: channels, in: 0.5...2)
    )
    let buffers = [x.values, scale, shift, mean, inverse].map { AlignedBuffer<Float>($0) }
    let y = run(
      KernelScratch.batchNormInference(rows: rows, channels: channels), reading: buffers,
      writing: [.fresh(rows * channels)]
    ) {
      batchNormSaved(
        x: buffers[0].pointer, scale: buffers[1].pointer, shift: buffers[2].pointer,
        savedMean: buffers[3].pointer, savedInverseDeviation: buffers[4].pointer, y: $0[0], rows: rows,
        channels: channels, activation: relu ? .relu : .none, context: $1)
    }
    let expected = x.values.indices.map { place in
      let c = place % channels
      let value = (x.values[place] - mean[c]) * scale[c] * inverse[c] + shift[c]
      return relu ? max(0, value) : value
    }
    expectClose(y[0], expected, reductionLength: 1, slack: 8, "batch norm with saved statistics")
  }

  /// Batch, height, width, channels, stride, channels behind it: extents that do not come out even, a single pixel.
  @Test(arguments: [(2, 4, 4, 3, 2, 5), (3, 7, 5, 8, 2, 8), (1, 1, 1, 2, 2, 9), (4, 9, 8, 5, 3, 6)])
  func subsample(batch: Int, height: Int, width: Int, channels: Int, stride: Int, outChannels: Int) {
    var random = SplitMix64(seed: UInt64(height * width * channels))
    let x = random.images(batch, height, width, channels)
    let (outHeight, outWidth) = ((height + stride - 1) / stride, (width + stride - 1) / stride)
    var y = Images(batch: batch, height: outHeight, width: outWidth, channels: outChannels)
    let dy = random.images(batch, outHeight, outWidth, outChannels)
    var dx = Images(batch: batch, height: height, width: width, channels: channels)
    for n in 0..<batch {
      for (i, j) in (0..<outHeight).flatMap({ i in (0..<outWidth).map { (i, $0) } }) {
        for c in 0..<channels {
          y[n, i, j, c] = x[n, i * stride, j * stride, c]
          dx[n, i * stride, j * stride, c] = dy[n, i, j, c]
        }
      }
    }
    let (xs, dys) = (x.buffer, dy.buffer)
    let forward = run(.none, reading: [xs], writing: [.fresh(y.values.count)]) {
      subsampleForward(
        x: xs.pointer, y: $0[0], batch: batch, height: height, width: width, channels: channels,
        stride: stride, outChannels: outChannels, context: $1)
    }
    #expect(forward[0] == y.floats)
    let backward = run(.none, reading: [dys], writing: [.fresh(x.values.count)]) {
      subsampleBackward(
        dy: dys.pointer, dx: $0[0], batch: batch, height: height, width: width, channels: channels,
        stride: stride, outChannels: outChannels, context: $1)
    }
    #expect(backward[0] == dx.floats)
  }

  @Test(arguments: [(1, 1), (7, 3), (300, 10), (5, 1000)])
  func meanOfProbabilities(rows: Int, classes: Int) {
    var random = SplitMix64(seed: UInt64(rows * classes))
    let logits = (0..<2).map { _ in random.uniform(count: rows * classes, in: -40...40) }
    let buffers = logits.map { AlignedBuffer<Float>($0) }
    func shares(_ x: [Double]) -> [Double] {
      (0..<rows).flatMap { row -> [Double] in
        let values = x[row * classes..<(row + 1) * classes]
        let powers = values.map { exp($0 - values.max()!) }
        return powers.map { $0 / powers.reduce(0, +) }
      }
    }
    let expected = zip(shares(logits[0]), shares(logits[1])).map { 0.25 * $0 + 0.75 * $1 }
    let mean = run(.none, reading: buffers, writing: [.fresh(rows * classes)]) { outputs, context in
      for (index, weight) in [Float(0.25), 0.75].enumerated() {
        accumulateSoftmax(
          x: buffers[index].pointer, scale: weight, y: outputs[0], rows: rows, classes: classes,
          overwrites: index == 0, context: context)
      }
    }
    expectClose(mean[0], expected, reductionLength: classes, slack: 16, "mean of probabilities")
    let least = Double(Float.leastNormalMagnitude)
    let logs = run(.none, writing: [.holding(mean[0].map(Double.init))]) {
      logarithms($0[0], count: rows * classes, context: $1)
    }
    expectClose(
      logs[0], mean[0].map { log(max(Double($0), least)) }, reductionLength: 1, slack: 8, "logarithms")
  }

  @Test func logarithmsOfZeroAndOfNoNumber() {
    let logs = run(.none, writing: [.holding([0, 1, .nan])]) { logarithms($0[0], count: 3, context: $1) }
    #expect(logs[0][0] == logf(.leastNormalMagnitude) && logs[0][1] == 0 && logs[0][2].isNaN)
  }

  /// Logits up to 200, at which powers of e leave float32.
  @Test(arguments: [(1, 2, 3.0), (300, 10, 8), (37, 100, 200)])
  func oneVersusRest(rows: Int, classes: Int, spread: Double) {
    var random = SplitMix64(seed: UInt64(rows * classes))
    let logits = random.uniform(count: rows * classes, in: -spread...spread)
    let labels = random.labels(rows, classes: classes)
    var (loss, gradient): (Double, [Double]) = (0, [])
    for (place, z) in logits.enumerated() {
      let isOwn = place % classes == labels[place / classes]
      loss += (max(z, 0) + log1p(exp(-abs(z))) - (isOwn ? z : 0)) / Double(rows)
      gradient.append((1 / (1 + exp(-z)) - (isOwn ? 1 : 0)) / Double(rows))
    }
    let targets = AlignedBuffer<Int32>(labels.map { Int32($0) })
    let blockCount = oneVersusRestBlockCount(rows: rows, classes: classes)
    var losses: [Double] = []
    let got = run(.none, writing: [.holding(logits)]) { outputs, context in
      let blocks = AlignedBuffer<Double>(count: blockCount)
      losses.append(
        oneVersusRestLoss(
          logits: outputs[0], labels: targets.pointer, rows: rows, classes: classes,
          blockLosses: blocks.pointer, workers: context.workers))
      #expect(blocks.guardsAreIntact)
    }
    #expect(Set(losses).count == 1)
    #expect(abs(losses[0] - loss) < 1e-5 * max(1, loss))
    expectClose(got[0], gradient, reductionLength: 1, slack: 32, "one-versus-rest gradient")
  }

  @Test(arguments: [(1, 1), (300, 10), (5, 5000)])
  func greatest(rows: Int, classes: Int) {
    // Steps of a quarter, so that there are ties.
    var random = SplitMix64(seed: UInt64(rows * classes))
    let logits = random.uniform(count: rows * classes).map { ($0 * 20).rounded() / 4 }
    let expected = (0..<rows).map { row in
      let values = Array(logits[row * classes..<(row + 1) * classes])
      return Int32(values.firstIndex(of: values.max()!)!)
    }
    let buffer = AlignedBuffer<Float>(logits)
    for workers in [1, 2, 3, 7] {
      let winners = AlignedBuffer<Int32>(count: rows)
      greatestLogits(
        buffer.pointer, rows: rows, classes: classes, into: winners.pointer, workers: Workers(count: workers))
      #expect(winners.elements == expected && winners.guardsAreIntact, "\(workers) workers")
    }
  }

  @Test(arguments: [(1, 1), (40, 700), (300, 33)])
  func nearest(queries: Int, gallery: Int) {
    var random = SplitMix64(seed: UInt64(queries * gallery))
    // Steps of a quarter, so that there are ties, of which the first counts.
    func steps(_ count: Int) -> [Double] { random.uniform(count: count).map { ($0 * 20).rounded() / 4 } }
    let (products, halfNorms) = (steps(queries * gallery), steps(gallery).map { abs($0) })
    let before = steps(queries)
    var expected: [(distance: Float, index: Int32)] = []
    for query in 0..<queries {
      var best = (distance: Float(before[query]), index: Int32(7))
      for g in 0..<gallery {
        let distance = Float(halfNorms[g] - products[query * gallery + g])
        if distance < best.distance { best = (distance, Int32(100 + g)) }
      }
      expected.append(best)
    }
    let (productBuffer, norms) = (AlignedBuffer<Float>(products), AlignedBuffer<Float>(halfNorms))
    for workers in [1, 2, 3, 7] {
      let indices = AlignedBuffer<Int32>([Int32](repeating: 7, count: queries))
      let distances = AlignedBuffer<Float>(before)
      updateNearest(
        products: productBuffer.pointer, halfNorms: norms.pointer, queries: queries, gallery: gallery,
        first: 100, nearest: indices.pointer, distances: distances.pointer,
        workers: Workers(count: workers))
      #expect(indices.elements == expected.map(\.index) && indices.guardsAreIntact, "\(workers) workers")
      #expect(distances.elements == expected.map(\.distance) && distances.guardsAreIntact)
    }
  }
}
