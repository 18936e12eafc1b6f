internal import CostModel

/// y = scale x where `overwrites`, else y += scale x.
package func accumulateScaled(
  x: UnsafePointer<Float>, scale: Float, y: UnsafeMutablePointer<Float>, count: Int, overwrites: Bool,
  context: KernelContext
) {
  let blocks = Blocks.elements(count)
  context.workers.forEach(blocks.blockCount) { item, _ in
    let range = blocks[item]
    let (x, y) = (x + range.lowerBound, y + range.lowerBound)
    if overwrites {
      for i in 0..<range.count { y[i] = scale * x[i] }
    } else {
      for i in 0..<range.count { y[i] += scale * x[i] }
    }
  }
}
