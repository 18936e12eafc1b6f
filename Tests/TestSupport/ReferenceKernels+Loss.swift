import Foundation

extension Reference {
  package struct CrossEntropy: Hashable, Sendable {
    /// Mean over the batch of `-log softmax(logits)[label]`, natural logarithm.
    package var loss: Double
    /// Of that mean with respect to the logits, `[batch, classes]`.
    package var logitGradient: Images
    /// Images whose label has the largest logit, and one of the five largest.
    package var top1, top5: Int
  }

  /// Softmax and cross-entropy in one. An image counts for top-n when fewer than n classes have a larger logit than
  /// its label; logits are taken to be distinct.
  ///
  /// - Parameter smoothing: share of the target that all classes have alike.
  package static func softmaxCrossEntropy(
    _ logits: Images, labels: [Int], smoothing: Double = 0
  ) -> CrossEntropy {
    precondition(labels.count == logits.rows)
    var result = CrossEntropy(loss: 0, logitGradient: logits, top1: 0, top5: 0)
    for (row, label) in labels.enumerated() {
      let values = (0..<logits.channels).map { logits[row, $0] }
      let largest = values.max()!
      let exponentials = values.map { exp($0 - largest) }
      let sum = exponentials.reduce(0, +)
      func target(_ c: Int) -> Double {
        (c == label ? 1 - smoothing : 0) + smoothing / Double(values.count)
      }
      for c in values.indices {
        result.loss += target(c) * (log(sum) - (values[c] - largest)) / Double(logits.rows)
      }
      for c in 0..<logits.channels {
        result.logitGradient[row, c] = (exponentials[c] / sum - target(c)) / Double(logits.rows)
      }
      let better = values.count { $0 > values[label] }
      if better < 1 { result.top1 += 1 }
      if better < 5 { result.top5 += 1 }
    }
    return result
  }
}
