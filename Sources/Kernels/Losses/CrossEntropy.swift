internal import CostModel
import Glibc

/// Softmax and cross entropy of `logits` [rows, classes] against `labels` [rows].
///
/// `metrics[0]` is the sum of the rows' losses, `[1]` the number of rows whose label has the greatest logit, `[2]` of those
/// where it is among the five greatest; of equal logits the lower class comes first. `logitGradient`, if given, becomes
/// weight (softmax - one-hot) / rows: the gradient of the weighted mean loss; `metrics` know no weight. It may be `logits`. A logit
/// that is NaN or infinite makes the loss NaN and the row wrong.
package func softmaxCrossEntropy(
  logits: UnsafePointer<Float>, labels: UnsafePointer<Int32>, logitGradient: UnsafeMutablePointer<Float>?,
  metrics: UnsafeMutablePointer<Float>, rows: Int, classes: Int, weight: Float = 1, context: KernelContext
) {
  let results = context.layOut(KernelScratch.softmaxCrossEntropy(rows: rows, classes: classes)).shared
  let blocks = Blocks.rows(rows, columns: classes * 8)
  context.workers.forEach(blocks.blockCount) { item, _ in
    for row in blocks[item] {
      let label = Int(labels[row])
      precondition(label >= 0 && label < classes, "the data set's reader checks labels")
      let logits = logits + row * classes
      let (loss, rank) = lossAndRank(logits, label: label, classes: classes)
      if let logitGradient {
        softmaxGradient(
          logits, label: label, classes: classes, scale: weight / Float(rows),
          into: logitGradient + row * classes)
      }
      results[3 * row] = loss
      results[3 * row + 1] = rank < 1 ? 1 : 0
      results[3 * row + 2] = rank < 5 ? 1 : 0
    }
  }
  mergeSums(results, blocks: rows, stride: 3, into: metrics, columns: 3, context.workers)
}

private func lossAndRank(_ logits: UnsafePointer<Float>, label: Int, classes: Int) -> (loss: Float, rank: Int)
{
  let own = logits[label]
  var maximum = own
  var rank = 0
  for c in 0..<classes {
    let logit = logits[c]
    if logit > maximum { maximum = logit }
    if logit > own || (logit == own && c < label) { rank += 1 }
  }
  var sum: Float = 0
  // An infinite logit is a fault even where the loss would have a value: 0 times it is NaN.
  var zero: Float = 0
  for c in 0..<classes {
    sum += expf(logits[c] - maximum)
    zero += 0 * logits[c]
  }
  let loss = logf(sum) - (own - maximum) + zero
  return (loss, loss.isNaN ? Int.max : rank)
}

private func softmaxGradient(
  _ logits: UnsafePointer<Float>, label: Int, classes: Int, scale: Float,
  into gradient: UnsafeMutablePointer<Float>
) {
  var maximum = logits[0]
  for c in 1..<max(1, classes) where logits[c] > maximum { maximum = logits[c] }
  var sum: Float = 0
  for c in 0..<classes {
    let power = expf(logits[c] - maximum)
    gradient[c] = power
    sum += power
  }
  let factor = scale / sum
  for c in 0..<classes { gradient[c] = gradient[c] * factor - (c == label ? scale : 0) }
}
