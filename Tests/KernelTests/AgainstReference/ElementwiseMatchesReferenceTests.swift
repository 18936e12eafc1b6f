import CostModel
import Kernels
import TestSupport
import Testing

@Suite struct ElementwiseMatchesReferenceTests {
  static let counts = [1, 7, 8, 9, 1000, 16_384, 70_003]

  @Test(arguments: counts)
  func relu(count: Int) {
    var random = SplitMix64(seed: UInt64(count))
    let (x, dy) = (random.uniform(count: count), random.uniform(count: count))
    let y = Reference.reluForward(x)
    let (xs, ys, dys) = (AlignedBuffer<Float>(x), AlignedBuffer<Float>(y), AlignedBuffer<Float>(dy))
    let forward = run(.none, reading: [xs], writing: [.fresh(count)]) {
      activationForward(.relu, x: xs.pointer, y: $0[0], count: count, context: $1)
    }
    let backward = run(
      .none, reading: [ys, dys], writing: [.fresh(count)]
    ) {
      activationBackward(.relu, z: ys.pointer, dy: dys.pointer, dx: $0[0], count: count, context: $1)
    }
    #expect(forward[0].map(Double.init) == y)
    #expect(backward[0].map(Double.init) == Reference.reluBackward(outputGradient: dy, y: y))
  }

  private static let functions: [Activation] = [
    .leakyRelu(slope: 0.01), .leakyRelu(slope: 0.3), .gelu, .silu,
  ]

  @Test(
    "values and gradients of activations are the double reference's, in tails too", arguments: counts,
    functions)
  func activations(count: Int, activation: Activation) {
    var random = SplitMix64(seed: UInt64(count))
    let (x, dy) = (random.uniform(count: count).map { 12 * $0 }, random.uniform(count: count))
    let (xs, dys) = (AlignedBuffer<Float>(x), AlignedBuffer<Float>(dy))
    let (value, derivative) = activation.reference
    let forward = run(.none, reading: [xs], writing: [.fresh(count)]) {
      activationForward(activation, x: xs.pointer, y: $0[0], count: count, context: $1)
    }
    let backward = run(.none, reading: [xs, dys], writing: [.fresh(count)]) {
      activationBackward(activation, z: xs.pointer, dy: dys.pointer, dx: $0[0], count: count, context: $1)
    }
    for index in 0..<count {
      let (z, g) = (Double(xs.elements[index]), Double(dys.elements[index]))
      #expect(abs(Double(forward[0][index]) - value(z)) <= 3e-7 * max(1, abs(z)))
      #expect(abs(Double(backward[0][index]) - g * derivative(z)) <= 1e-6 * abs(g) * max(1, abs(z)))
    }
    guard activation.gradientFollowsFromOutput else { return }
    // From what it makes, the same bits.
    let ys = AlignedBuffer<Float>(forward[0].map(Double.init))
    let behind = run(.none, reading: [ys, dys], writing: [.fresh(count)]) {
      activationBackward(activation, z: ys.pointer, dy: dys.pointer, dx: $0[0], count: count, context: $1)
    }
    #expect(behind[0] == backward[0])
  }

  @Test("no activation makes a number of what is none", arguments: functions)
  func keepsNaN(activation: Activation) {
    let x: [Double] = [1, .nan, -1, 0, .nan, 0, 2, 3, .nan]
    let y = run(.none, writing: [.holding(x)]) {
      activationForward(activation, x: $0[0], y: $0[0], count: 9, context: $1)
    }
    #expect(y[0].map(\.isNaN) == x.map(\.isNaN))
  }

  @Test func reluKeepsNaN() {
    let x: [Double] = [1, .nan, -1, -.infinity, .nan, 0, 2, 3, .nan]
    let y = run(.none, writing: [.holding(x)]) {
      activationForward(.relu, x: $0[0], y: $0[0], count: 9, context: $1)
    }
    #expect(y[0].map(\.isNaN) == x.map(\.isNaN))
  }

  /// An activation that changes nothing: as kernels are called with it where there is none.
  @Test(arguments: counts)
  func none(count: Int) {
    var random = SplitMix64(seed: UInt64(count))
    let (x, dy) = (random.uniform(count: count), random.uniform(count: count))
    let (xs, dys) = (AlignedBuffer<Float>(x), AlignedBuffer<Float>(dy))
    let forward = run(.none, reading: [xs], writing: [.fresh(count)]) {
      activationForward(.none, x: xs.pointer, y: $0[0], count: count, context: $1)
    }
    let backward = run(.none, reading: [xs, dys], writing: [.fresh(count)]) {
      activationBackward(.none, z: xs.pointer, dy: dys.pointer, dx: $0[0], count: count, context: $1)
    }
    #expect(forward[0] == xs.elements && backward[0] == dys.elements)
  }

  @Test(arguments: counts, [false, true])
  func add(count: Int, relu: Bool) {
    var random = SplitMix64(seed: UInt64(count))
    let (a, b) = (random.uniform(count: count), random.uniform(count: count))
    let (aBuffer, bBuffer) = (AlignedBuffer<Float>(a), AlignedBuffer<Float>(b))
    let y = run(
      .none, reading: [aBuffer, bBuffer], writing: [.fresh(count)]
    ) {
      addForward(
        a: aBuffer.pointer, b: bBuffer.pointer, y: $0[0], count: count, activation: relu ? .relu : .none,
        context: $1)
    }
    // One addition, rounded once.
    #expect(y[0] == Reference.addForward(a, b, relu: relu).map { Float($0) })
  }

  /// Logits of `-spread...spread` around `center`. At 60 and around 200, powers of e leave float32 unless the largest logit
  /// is taken off first.
  @Test(arguments: [
    (1, 2, 1.0, 0.0), (6, 10, 3, 0), (37, 7, 60, 0), (128, 100, 10, -200), (128, 100, 10, 200),
    (5, 1000, 60, 0),
  ])
  func softmaxCrossEntropy(rows: Int, classes: Int, spread: Double, center: Double) {
    var random = SplitMix64(seed: UInt64(rows * classes))
    let logits = Images(
      rows: rows, channels: classes,
      values: random.distinct(count: rows * classes).map { Double(Float(center + spread * $0)) })
    let labels = random.labels(rows, classes: classes)
    let (inputs, targets) = (logits.buffer, AlignedBuffer<Int32>(labels.map { Int32($0) }))
    for (hasGradient, smoothing) in [(false, 0), (true, 0), (false, 0.1), (true, 0.3)] {
      let expected = Reference.softmaxCrossEntropy(logits, labels: labels, smoothing: smoothing)
      let outputs = run(
        KernelScratch.softmaxCrossEntropy(rows: rows, classes: classes), reading: [inputs],
        writing: [.fresh(3), hasGradient ? .fresh(rows * classes) : .holding(logits.values)]
      ) { outputs, context in
        Kernels.softmaxCrossEntropy(
          logits: inputs.pointer, labels: targets.pointer, logitGradient: hasGradient ? outputs[1] : nil,
          metrics: outputs[0], rows: rows, classes: classes, smoothing: Float(smoothing), context: context)
      }
      let loss = Double(outputs[0][0]) / Double(rows)
      #expect(abs(loss - expected.loss) < 1e-6 * max(1, expected.loss))
      #expect(outputs[0][1] == Float(expected.top1) && outputs[0][2] == Float(expected.top5))
      if hasGradient {
        expectClose(
          outputs[1], expected.logitGradient.values, reductionLength: classes, slack: 4,
          "cross entropy gradient")
      }
    }
  }

  @Test(arguments: [1, 17, 40_000], [false, true])
  func sgd(count: Int, nesterov: Bool) {
    var random = SplitMix64(seed: UInt64(count))
    let initial = random.uniform(count: count)
    let gradients = (0..<3).map { _ in random.uniform(count: count) }
    var (weights, velocity) = (initial, [Double](repeating: 0, count: count))
    for gradient in gradients {
      Reference.sgdStep(
        weights: &weights, velocity: &velocity, gradient: gradient, learningRate: 0.1, momentum: 0.9,
        weightDecay: 5e-4, nesterov: nesterov)
    }
    let buffers = gradients.map { AlignedBuffer<Float>($0) }
    let outputs = run(
      .none, reading: buffers,
      writing: [.holding(initial), .holding([Double](repeating: 0, count: count))]
    ) { outputs, context in
      for gradient in buffers {
        sgdStep(
          weights: outputs[0], velocity: outputs[1], gradient: gradient.pointer, count: count,
          learningRate: 0.1,
          momentum: 0.9, weightDecay: 5e-4, nesterov: nesterov, context: context)
      }
    }
    expectClose(outputs[0], weights, reductionLength: 3, slack: 4, "sgd weights")
    expectClose(outputs[1], velocity, reductionLength: 3, slack: 4, "sgd velocity")
  }

  /// 1 - 0.999 is 5e-5 off in float32, and 1 - 0.99999999 nothing.
  @Test(
    arguments: [1, 17, 40_000],
    [
      (beta1: 0.9, beta2: 0.999, weightDecay: 0.0), (0.9, 0.999, 0.01), (0.9, 0.99999999, 0),
      (0.99999999, 0.999, 0),
    ])
  func adam(count: Int, settings: (beta1: Double, beta2: Double, weightDecay: Double)) {
    for isDecoupled in [false, true] { adam(count: count, settings, isDecoupled: isDecoupled) }
  }

  private func adam(
    count: Int, _ settings: (beta1: Double, beta2: Double, weightDecay: Double), isDecoupled: Bool
  ) {
    let (beta1, beta2, weightDecay) = settings
    var random = SplitMix64(seed: UInt64(count))
    let initial = random.uniform(count: count)
    let gradients = (0..<3).map { _ in random.uniform(count: count) }
    let zeros = [Double](repeating: 0, count: count)
    var (weights, first, second) = (initial, zeros, zeros)
    for (index, gradient) in gradients.enumerated() {
      Reference.adamStep(
        weights: &weights, firstMoment: &first, secondMoment: &second, gradient: gradient, step: index + 1,
        learningRate: 1e-2, beta1: beta1, beta2: beta2, weightDecay: weightDecay, isDecoupled: isDecoupled)
    }
    let buffers = gradients.map { AlignedBuffer<Float>($0) }
    let outputs = run(
      .none, reading: buffers,
      writing: [.holding(initial), .holding(zeros), .holding(zeros)]
    ) { outputs, context in
      for (index, gradient) in buffers.enumerated() {
        adamStep(
          weights: outputs[0], firstMoment: outputs[1], secondMoment: outputs[2], gradient: gradient.pointer,
          count: count, learningRate: 1e-2, beta1: beta1, beta2: beta2, epsilon: 1e-8,
          weightDecay: Float(weightDecay), isDecoupled: isDecoupled, step: index + 1, context: context)
      }
    }
    expectClose(outputs[0], weights, reductionLength: 3, slack: 2, "adam weights")
    expectClose(outputs[1], first, reductionLength: 3, slack: 4, "adam first moment")
    expectClose(outputs[2], second, reductionLength: 3, slack: 4, "adam second moment")
  }
}
