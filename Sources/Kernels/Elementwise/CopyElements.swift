internal import CostModel

/// y = x; the two do not overlap.
package func copyElements(
  from x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, count: Int, context: KernelContext
) {
  let blocks = Blocks.elements(count)
  context.workers.forEach(blocks.blockCount) { item, _ in
    let range = blocks[item]
    (y + range.lowerBound).update(from: x + range.lowerBound, count: range.count)
  }
}
