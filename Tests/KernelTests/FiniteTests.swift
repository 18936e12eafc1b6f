import Kernels
import TestSupport
import Testing

/// Weights and running statistics that become infinite or NaN are noticed where they are written.
@Suite("Numbers that are not finite")
struct FiniteTests {
  private static let bad: [Float] = [.nan, .infinity, -.infinity, .greatestFiniteMagnitude]

  /// - Parameter update: of weights, with a gradient of which one element is bad.
  private func expectNoticed(
    _ update: (_ weights: inout [Float], _ gradient: [Float], KernelContext) -> Void
  ) {
    for workers in [1, 3] {
      let workers = Workers(count: workers)
      let context = KernelContext(workers: workers, scratch: nil, scratchByteCount: 0)
      for count in [1, 7, 8, 20, 40_003] {
        var weights = [Float](repeating: 0.5, count: count)
        update(&weights, [Float](repeating: 1, count: count), context)
        #expect(!workers.takeNotFinite())
        for place in [0, count / 2, count - 1] {
          for value in Self.bad {
            var gradient = [Float](repeating: 1, count: count)
            gradient[place] = value
            var weights = [Float](repeating: 0.5, count: count)
            update(&weights, gradient, context)
            #expect(workers.takeNotFinite(), "\(value) at \(place) of \(count)")
            #expect(!workers.takeNotFinite())
          }
        }
      }
    }
  }

  @Test("in SGD's weights") func sgd() {
    for nesterov in [false, true] {
      expectNoticed { weights, gradient, context in
        var velocity = [Float](repeating: 0, count: weights.count)
        sgdStep(
          weights: &weights, velocity: &velocity, gradient: gradient, count: weights.count, learningRate: 1e6,
          momentum: 0.9, weightDecay: 1e-4, nesterov: nesterov, context: context)
      }
    }
  }

  @Test("in SGD's weights, of a batch in pieces") func pieces() {
    expectNoticed { weights, gradient, context in
      var velocity = [Float](repeating: 0, count: weights.count)
      for piece in 0..<3 {
        sgdPiece(
          weights: &weights, velocity: &velocity, gradient: gradient, count: weights.count, learningRate: 1e6,
          momentum: 0.9, weightDecay: 1e-4, isFirst: piece == 0, isLast: piece == 2, context: context)
      }
    }
  }

  @Test("in Adam's weights and second moments, which leave weights as they are") func adam() {
    expectNoticed { weights, gradient, context in
      var (first, second) = (weights.map { _ in Float(0) }, weights.map { _ in Float(0) })
      adamStep(
        weights: &weights, firstMoment: &first, secondMoment: &second, gradient: gradient,
        count: weights.count, learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0,
        step: 1, context: context)
    }
  }

  /// Running statistics of one channel after batches of these numbers.
  private func runningStatistics(_ batches: [[Float]], workers: Workers) -> (mean: Float, variance: Float) {
    var (mean, variance): ([Float], [Float]) = ([0], [1])
    let scratch = AlignedBuffer<Float>(count: 1 << 14)
    for batch in batches {
      var output = batch
      var (savedMean, savedDeviation): ([Float], [Float]) = ([0], [0])
      batchNormTraining(
        x: batch, scale: [1], shift: [0], runningMean: &mean, runningVariance: &variance, y: &output,
        savedMean: &savedMean, savedInverseDeviation: &savedDeviation, rows: batch.count, channels: 1,
        activation: .none, epsilon: 1e-5, momentum: 0.1,
        context: KernelContext(workers: workers, scratch: scratch.pointer, scratchByteCount: 1 << 16))
    }
    return (mean[0], variance[0])
  }

  @Test("in a running variance, which stays infinite as PyTorch's does") func runningVariance() {
    let workers = Workers(count: 2)
    let usual: [Float] = [1, 2, 3, 4]
    let expected = runningStatistics([usual], workers: workers)
    // running + momentum (batch - running), to the bit.
    let momentum: Float = 0.1
    #expect(expected.mean == momentum * 2.5 && expected.variance == 1 + momentum * (Float(5.0 / 3) - 1))
    #expect(!workers.takeNotFinite())
    let overflown = runningStatistics([[1e20, -1e20, 1, 2], usual, usual], workers: workers)
    #expect(overflown.variance == .infinity && overflown.mean.isFinite)
    #expect(workers.takeNotFinite())
    #expect(runningStatistics([[.nan, 1, 2, 3], usual], workers: workers).variance.isNaN)
    #expect(workers.takeNotFinite())
  }

  @Test("in logits, of whatever class") func logits() {
    let workers = Workers(count: 1)
    let scratch = AlignedBuffer<Float>(count: 1 << 10)
    func loss(_ logits: [Float]) -> Float {
      var metrics: [Float] = [0, 0, 0]
      softmaxCrossEntropy(
        logits: logits, labels: [0], logitGradient: nil, metrics: &metrics, rows: 1, classes: 3,
        context: KernelContext(workers: workers, scratch: scratch.pointer, scratchByteCount: 1 << 12))
      return metrics[0]
    }
    #expect(loss([1, 2, 3]).isFinite)
    for value in [Float.nan, .infinity, -.infinity] {
      for place in 0..<3 {
        var logits: [Float] = [1, 2, 3]
        logits[place] = value
        #expect(!loss(logits).isFinite, "\(value) at \(place)")
      }
    }
  }
}
