internal import CostModel
import Glibc

/// Softmax and cross entropy of `logits` [rows, classes] against `labels` [rows].
///
/// `metrics[0]` is the sum of the rows' losses, `[1]` the number of rows whose label has the greatest logit, `[2]` of those
/// where it is among the five greatest; of equal logits the lower class comes first. `logitGradient`, if given, becomes
/// weight (softmax - one-hot) / rows: the gradient of the weighted mean loss; `metrics` know no weight. It may be `logits`. A logit
/// that is NaN or infinite makes the loss NaN and the row wrong.
///
/// With `smoothing` the target is a mixture of the label, 1 - smoothing, and of all classes alike (Szegedy et al., 2016): PyTorch's
/// `label_smoothing`.
package func softmaxCrossEntropy(
  logits: UnsafePointer<Float>, labels: UnsafePointer<Int32>, logitGradient: UnsafeMutablePointer<Float>?,
  metrics: UnsafeMutablePointer<Float>, rows: Int, classes: Int, weight: Float = 1,
  smoothing: Float = 0, context: KernelContext
) {
  let results = context.layOut(KernelScratch.softmaxCrossEntropy(rows: rows, classes: classes)).shared
  let blocks = Blocks.rows(rows, columns: classes * 8)
  context.workers.forEach(blocks.blockCount) { item, _ in
    for row in blocks[item] {
      let label = Int(labels[row])
      precondition(label >= 0 && label < classes, "the data set's reader checks labels")
      let logits = logits + row * classes
      let gradient = logitGradient.map { $0 + row * classes }
      let target = Target(label: label, classes: classes, smoothing: smoothing)
      // Before the gradient may take the logits' place.
      let smoothed = target.smoothedLoss(logits)
      let (loss, rank) =
        classes < vectorClasses
        ? fewClasses(logits, label: label, classes: classes, scale: weight / Float(rows), gradient: gradient)
        : manyClasses(logits, label: label, classes: classes, scale: weight / Float(rows), gradient: gradient)
      if let gradient { target.smooth(gradient, scale: weight / Float(rows)) }
      results[3 * row] = loss + smoothed
      results[3 * row + 1] = rank < 1 ? 1 : 0
      results[3 * row + 2] = rank < 5 ? 1 : 0
    }
  }
  mergeSums(results, blocks: rows, stride: 3, into: metrics, columns: 3, context.workers)
}

/// What a row is to come to. Without smoothing nothing is added, and every bit is what it was.
private struct Target {
  let label, classes: Int
  let smoothing: Float

  /// What smoothing adds to a row's loss: smoothing (logit of the label - mean of all).
  func smoothedLoss(_ logits: UnsafePointer<Float>) -> Float {
    guard smoothing > 0 else { return 0 }
    let own = logits[label]
    var sum: Float = 0
    for c in 0..<classes { sum += own - logits[c] }
    return smoothing * (sum / Float(classes))
  }

  /// Moves a share of the label's target to all classes.
  func smooth(_ gradient: UnsafeMutablePointer<Float>, scale: Float) {
    guard smoothing > 0 else { return }
    let share = scale * smoothing / Float(classes)
    for c in 0..<classes { gradient[c] -= share }
    gradient[label] += scale * smoothing
  }
}

/// From so many classes on a row is gone through by vectors.
private let vectorClasses = 256

private func fewClasses(
  _ logits: UnsafePointer<Float>, label: Int, classes: Int, scale: Float,
  gradient: UnsafeMutablePointer<Float>?
) -> (loss: Float, rank: Int) {
  let (loss, rank) = lossAndRank(logits, label: label, classes: classes)
  if let gradient { softmaxGradient(logits, label: label, classes: classes, scale: scale, into: gradient) }
  return (loss, rank)
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

/// The same by vectors: the greatest logit and the label's rank, then powers and their sum, then the gradient.
private func manyClasses(
  _ logits: UnsafePointer<Float>, label: Int, classes: Int, scale: Float,
  gradient: UnsafeMutablePointer<Float>?
) -> (loss: Float, rank: Int) {
  let own = logits[label]
  let maximum = greatest(logits, count: classes)
  // Of equal logits the lower class comes first.
  let rank =
    countNotBelow(logits, own, count: label)
    + countAbove(logits + (label + 1), own, count: classes - label - 1)
  let sum = sumOfPowers(logits, less: maximum, count: classes, into: gradient)
  if let gradient {
    let factor = scale / sum
    var c = 0
    while c &+ 8 <= classes {
      store(load(gradient, c) * factor, gradient, c)
      c &+= 8
    }
    while c < classes {
      gradient[c] *= factor
      c &+= 1
    }
    gradient[label] -= scale
  }
  let loss = logf(sum) - (own - maximum)
  return (loss, loss.isNaN ? Int.max : rank)
}

/// NaNs are passed over: the sum of powers shows them.
func greatest(_ x: UnsafePointer<Float>, count: Int) -> Float {
  var lanes = Vector(repeating: x[0])
  var i = 0
  while i &+ 8 <= count {
    let value = load(x, i)
    lanes.replace(with: value, where: value .> lanes)
    i &+= 8
  }
  var maximum = x[0]
  for lane in 0..<8 where lanes[lane] > maximum { maximum = lanes[lane] }
  while i < count {
    if x[i] > maximum { maximum = x[i] }
    i &+= 1
  }
  return maximum
}

private func countNotBelow(_ x: UnsafePointer<Float>, _ bound: Float, count: Int) -> Int {
  var lanes = SIMD8<Int32>.zero
  var i = 0
  while i &+ 8 <= count {
    lanes &+= SIMD8<Int32>.zero.replacing(with: 1, where: load(x, i) .>= Vector(repeating: bound))
    i &+= 8
  }
  var total = Int(lanes.wrappedSum())
  while i < count {
    if x[i] >= bound { total += 1 }
    i &+= 1
  }
  return total
}

private func countAbove(_ x: UnsafePointer<Float>, _ bound: Float, count: Int) -> Int {
  var lanes = SIMD8<Int32>.zero
  var i = 0
  while i &+ 8 <= count {
    lanes &+= SIMD8<Int32>.zero.replacing(with: 1, where: load(x, i) .> Vector(repeating: bound))
    i &+= 8
  }
  var total = Int(lanes.wrappedSum())
  while i < count {
    if x[i] > bound { total += 1 }
    i &+= 1
  }
  return total
}

/// The sum of e^(x - maximum), and its terms in `powers`, which may be `x`.
func sumOfPowers(
  _ x: UnsafePointer<Float>, less maximum: Float, count: Int, into powers: UnsafeMutablePointer<Float>?
) -> Float {
  var lanes = Vector.zero
  var i = 0
  while i &+ 8 <= count {
    let power = exponential(load(x, i) - maximum)
    lanes += power
    if let powers { store(power, powers, i) }
    i &+= 8
  }
  var sum = lanes.sum()
  while i < count {
    let power = expf(x[i] - maximum)
    sum += power
    if let powers { powers[i] = power }
    i &+= 1
  }
  return sum
}
