internal import CostModel

/// Invertible downsampling: 2 x 2 pixels become one of four times the channels, the pixel's row slowest, its column next,
/// the channel fastest: y[.., i, j, (dy 2 + dx) C + c] = x[.., 2i + dy, 2j + dx, c]. `x` [batch, height, width, channels].
package func spaceToDepth(
  x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, batch: Int, height: Int, width: Int, channels: Int,
  context: KernelContext
) {
  forEachPair(batch: batch, height: height, width: width, channels: channels, context: context) {
    big, small, count in
    copy(x + big, to: y + small, count: count)
  }
}

/// The inverse of `spaceToDepth`, and its gradient: `y` is the big image, [batch, height, width, channels].
package func depthToSpace(
  x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, batch: Int, height: Int, width: Int, channels: Int,
  context: KernelContext
) {
  forEachPair(batch: batch, height: height, width: width, channels: channels, context: context) {
    big, small, count in
    copy(x + small, to: y + big, count: count)
  }
}

/// Two neighbouring pixels of a row lie together in both images: `move(offset in the big, in the small, floats)`.
@inline(__always)
private func forEachPair(
  batch: Int, height: Int, width: Int, channels: Int, context: KernelContext, move: (Int, Int, Int) -> Void
) {
  precondition(height % 2 == 0 && width % 2 == 0, "the compiler refuses halvings that do not come out even")
  let pair = 2 * channels
  let blocks = Blocks.rows(batch * height / 2, columns: 2 * width * channels)
  context.workers.forEach(blocks.blockCount) { item, _ in
    for row in blocks[item] {
      for half in 0..<2 {
        var big = (2 &* row &+ half) &* width &* channels
        var small = row &* (width / 2) &* 2 &* pair &+ half &* pair
        for _ in 0..<width / 2 {
          move(big, small, pair)
          big &+= pair
          small &+= 2 &* pair
        }
      }
    }
  }
}
