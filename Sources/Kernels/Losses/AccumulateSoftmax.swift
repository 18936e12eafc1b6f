internal import CostModel
import Glibc

/// y = scale softmax(x) where `overwrites`, else y += scale softmax(x), row by row; `x` and `y` are `[rows, classes]`.
package func accumulateSoftmax(
  x: UnsafePointer<Float>, scale: Float, y: UnsafeMutablePointer<Float>, rows: Int, classes: Int,
  overwrites: Bool, context: KernelContext
) {
  let blocks = Blocks.rows(rows, columns: classes * 8)
  context.workers.forEach(blocks.blockCount) { item, _ in
    for row in blocks[item] {
      let (x, y) = (x + row * classes, y + row * classes)
      var maximum = x[0]
      for c in 1..<max(1, classes) where x[c] > maximum { maximum = x[c] }
      var sum: Float = 0
      for c in 0..<classes { sum += expf(x[c] - maximum) }
      let factor = scale / sum
      for c in 0..<classes {
        let share = factor * expf(x[c] - maximum)
        y[c] = overwrites ? share : y[c] + share
      }
    }
  }
}

/// y = log(y) in place; zero, which no sum of positive shares but underflow makes, counts as the least normal number.
package func logarithms(_ y: UnsafeMutablePointer<Float>, count: Int, context: KernelContext) {
  let blocks = Blocks.elements(count)
  context.workers.forEach(blocks.blockCount) { item, _ in
    for i in blocks[item] where !y[i].isNaN { y[i] = logf(max(y[i], .leastNormalMagnitude)) }
  }
}
