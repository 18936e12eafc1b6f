import CostModel
import Kernels
import TestSupport
import Testing

/// Kernels whose output may be an input give the same bits in place and beside it.
@Suite struct InPlaceTests {
  private let count = 20_003

  @Test func relu() {
    var random = SplitMix64(seed: 1)
    let (x, dy) = (random.uniform(count: count), random.uniform(count: count))
    let xs = AlignedBuffer<Float>(x)
    let apart = run(.none, reading: [xs], writing: [.fresh(count)]) {
      activationForward(.relu, x: xs.pointer, y: $0[0], count: count, context: $1)
    }
    let inPlace = run(.none, writing: [.holding(x)]) {
      activationForward(.relu, x: $0[0], y: $0[0], count: count, context: $1)
    }
    #expect(inPlace == apart)
    let (ys, dys) = (AlignedBuffer<Float>(apart[0]), AlignedBuffer<Float>(dy))
    let gradient = run(.none, reading: [ys, dys], writing: [.fresh(count)]) {
      activationBackward(.relu, z: ys.pointer, dy: dys.pointer, dx: $0[0], count: count, context: $1)
    }
    let gradientInPlace = run(.none, reading: [ys], writing: [.holding(dy)]) {
      activationBackward(.relu, z: ys.pointer, dy: $0[0], dx: $0[0], count: count, context: $1)
    }
    #expect(gradientInPlace == gradient)
  }

  @Test(arguments: [false, true])
  func add(relu: Bool) {
    var random = SplitMix64(seed: 2)
    let (a, b) = (random.uniform(count: count), random.uniform(count: count))
    let (first, second) = (AlignedBuffer<Float>(a), AlignedBuffer<Float>(b))
    let apart = run(.none, reading: [first, second], writing: [.fresh(count)]) {
      addForward(
        a: first.pointer, b: second.pointer, y: $0[0], count: count, activation: relu ? .relu : .none,
        context: $1)
    }
    let ontoFirst = run(.none, reading: [second], writing: [.holding(a)]) {
      addForward(
        a: $0[0], b: second.pointer, y: $0[0], count: count, activation: relu ? .relu : .none, context: $1)
    }
    let ontoSecond = run(.none, reading: [first], writing: [.holding(b)]) {
      addForward(
        a: first.pointer, b: $0[0], y: $0[0], count: count, activation: relu ? .relu : .none, context: $1)
    }
    #expect(ontoFirst == apart)
    #expect(ontoSecond == apart)
  }

  @Test(arguments: [(37, 3), (3000, 17)], [false, true])
  func batchNorm(_ shape: (Int, Int), relu: Bool) {
    let (rows, channels) = shape
    var random = SplitMix64(seed: 3)
    let norm = random.batchNorm(channels: channels)
    let (x, dy) = (random.matrix(rows, channels), random.matrix(rows, channels))
    let (xs, dys) = (x.buffer, dy.buffer)
    let (scales, shifts) = (AlignedBuffer<Float>(norm.scale), AlignedBuffer<Float>(norm.shift))
    let (means, variances) = (
      AlignedBuffer<Float>(norm.runningMean), AlignedBuffer<Float>(norm.runningVariance)
    )
    func inference(
      _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ context: KernelContext
    ) {
      batchNormInference(
        x: x, scale: scales.pointer, shift: shifts.pointer, runningMean: means.pointer,
        runningVariance: variances.pointer, y: y, rows: rows, channels: channels,
        activation: relu ? .relu : .none, epsilon: 1e-5,
        context: context)
    }
    let scratch = KernelScratch.batchNormInference(rows: rows, channels: channels)
    let y = run(scratch, reading: [xs], writing: [.fresh(rows * channels)]) {
      inference(xs.pointer, $0[0], $1)
    }
    let yInPlace = run(scratch, writing: [.holding(x.values)]) { inference($0[0], $0[0], $1) }
    #expect(yInPlace == y)

    func backward(
      _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ outputs: [UnsafeMutablePointer<Float>],
      _ context: KernelContext
    ) {
      batchNormBackward(
        x: x, dy: dy, scale: scales.pointer, shift: shifts.pointer, savedMean: means.pointer,
        savedInverseDeviation: variances.pointer, dx: outputs[0], dScale: outputs[1], dShift: outputs[2],
        rows: rows, channels: channels, activation: relu ? .relu : .none, context: context)
    }
    let backwardScratch = KernelScratch.batchNormBackward(rows: rows, channels: channels)
    let outputs: [KernelOutput] = [.fresh(channels), .fresh(channels)]
    let dx = run(backwardScratch, reading: [xs, dys], writing: [.fresh(rows * channels)] + outputs) {
      backward(xs.pointer, dys.pointer, $0, $1)
    }
    let dxInPlace = run(backwardScratch, reading: [xs], writing: [.holding(dy.values)] + outputs) {
      backward(xs.pointer, $0[0], $0, $1)
    }
    #expect(dxInPlace == dx)
    let dxOntoX = run(backwardScratch, reading: [dys], writing: [.holding(x.values)] + outputs) {
      backward($0[0], dys.pointer, $0, $1)
    }
    #expect(dxOntoX == dx)
  }

  @Test func logitGradientOntoTheLogits() {
    let (rows, classes) = (129, 10)
    var random = SplitMix64(seed: 4)
    let logits = random.matrix(rows, classes)
    let labels = AlignedBuffer<Int32>(random.labels(rows, classes: classes).map { Int32($0) })
    let inputs = logits.buffer
    let scratch = KernelScratch.softmaxCrossEntropy(rows: rows, classes: classes)
    let apart = run(scratch, reading: [inputs], writing: [.fresh(rows * classes), .fresh(3)]) {
      softmaxCrossEntropy(
        logits: inputs.pointer, labels: labels.pointer, logitGradient: $0[0], metrics: $0[1], rows: rows,
        classes: classes, context: $1)
    }
    let inPlace = run(scratch, writing: [.holding(logits.values), .fresh(3)]) {
      softmaxCrossEntropy(
        logits: $0[0], labels: labels.pointer, logitGradient: $0[0], metrics: $0[1], rows: rows,
        classes: classes, context: $1)
    }
    #expect(inPlace == apart)
  }
}
