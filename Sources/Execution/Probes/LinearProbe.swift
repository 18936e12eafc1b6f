internal import CostModel
package import Kernels

/// Linear separability: one-versus-rest logistic regression on standardised features, an L2 penalty of |w|^2 / 2n on the
/// weights, minimised by L-BFGS from zero. Equal features give equal bits, whatever the number of threads.
package struct LinearProbe {
  package struct Outcome: Sendable {
    package var trainTop1: Double
    package var testTop1: Double
    package var iterations: Int
    package var isConverged: Bool
    /// Weights of the standardised features, `[classes, columns]`, then biases.
    package var parameters: [Float]
  }

  package static let iterationLimit = 200
  package static let tolerance = 1e-4

  private let workers: Workers
  private let classes: Int

  package init(classes: Int, workers: Workers) {
    self.workers = workers
    self.classes = classes
  }

  /// - Parameters: are standardised in place by the training features' moments.
  package func run(train: inout FeatureTable, test: inout FeatureTable) -> Outcome {
    let (means, deviations) = train.moments()
    train.standardize(means: means, deviations: deviations)
    test.standardize(means: means, deviations: deviations)
    let count = classes * (train.columns + 1)
    let outcome = LimitedMemoryBFGS(iterationLimit: Self.iterationLimit, tolerance: Self.tolerance)
      .minimize(from: [Double](repeating: 0, count: count), objective(train))
    let parameters = outcome.point.map { Float($0) }
    return Outcome(
      trainTop1: top1(parameters, train), testTop1: top1(parameters, test), iterations: outcome.iterations,
      isConverged: outcome.isConverged, parameters: parameters)
  }

  /// Weights `[classes, columns]`, then biases.
  private func objective(_ train: FeatureTable) -> (_ point: [Double]) -> (value: Double, gradient: [Double])
  {
    let context = unsafe KernelContext(workers: workers, scratch: nil, scratchByteCount: 0)
    let (rows, columns, classes) = (train.rows, train.columns, classes)
    let weightCount = classes * columns
    let penalty = 1 / Double(rows)
    var logits = [Float](repeating: 0, count: rows * classes)
    var slopes = [Float](repeating: 0, count: weightCount)
    var losses = [Double](repeating: 0, count: oneVersusRestBlockCount(rows: rows, classes: classes))
    return { point in
      let parameters = point.map { Float($0) }
      var value = 0.0
      unsafe parameters.withUnsafeBufferPointer { parameters in
        unsafe train.values.withUnsafeBufferPointer { x in
          unsafe train.labels.withUnsafeBufferPointer { labels in
            unsafe logits.withUnsafeMutableBufferPointer { logits in
              unsafe slopes.withUnsafeMutableBufferPointer { slopes in
                unsafe losses.withUnsafeMutableBufferPointer { losses in
                  unsafe linearForward(
                    x: x.baseAddress!, weight: parameters.baseAddress!,
                    bias: parameters.baseAddress! + weightCount, y: logits.baseAddress!, rows: rows,
                    inFeatures: columns, outFeatures: classes, activation: .none, context: context)
                  value = unsafe oneVersusRestLoss(
                    logits: logits.baseAddress!, labels: labels.baseAddress!, rows: rows, classes: classes,
                    blockLosses: losses.baseAddress!, workers: workers)
                  unsafe linearWeightGradient(
                    x: x.baseAddress!, dy: logits.baseAddress!, dWeight: slopes.baseAddress!, rows: rows,
                    inFeatures: columns, outFeatures: classes, context: context)
                }
              }
            }
          }
        }
      }
      var gradient = [Double](repeating: 0, count: point.count)
      for index in 0..<weightCount {
        value += penalty / 2 * point[index] * point[index]
        gradient[index] = Double(slopes[index]) + penalty * point[index]
      }
      for row in 0..<rows {
        for c in 0..<classes { gradient[weightCount + c] += Double(logits[row * classes + c]) }
      }
      return (value, gradient)
    }
  }

  private func top1(_ parameters: [Float], _ features: FeatureTable) -> Double {
    let context = unsafe KernelContext(workers: workers, scratch: nil, scratchByteCount: 0)
    var logits = [Float](repeating: 0, count: features.rows * classes)
    var winners = [Int32](repeating: 0, count: features.rows)
    unsafe parameters.withUnsafeBufferPointer { parameters in
      unsafe features.values.withUnsafeBufferPointer { x in
        unsafe logits.withUnsafeMutableBufferPointer { logits in
          unsafe winners.withUnsafeMutableBufferPointer { winners in
            unsafe linearForward(
              x: x.baseAddress!, weight: parameters.baseAddress!,
              bias: parameters.baseAddress! + classes * features.columns, y: logits.baseAddress!,
              rows: features.rows, inFeatures: features.columns, outFeatures: classes, activation: .none,
              context: context)
            unsafe greatestLogits(
              logits.baseAddress!, rows: features.rows, classes: classes, into: winners.baseAddress!,
              workers: workers)
          }
        }
      }
    }
    return features.share(predicted: winners)
  }
}

extension FeatureTable {
  /// Of rows whose label is predicted.
  func share(predicted: [Int32]) -> Double {
    let right = zip(labels, predicted).filter { $0 == $1 }.count
    return Double(right) / Double(max(1, rows))
  }
}
