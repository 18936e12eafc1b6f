internal import CostModel

/// Where the windows of a pooling lie: [batch, height, width, channels] to [batch, outHeight, outWidth, channels].
private struct Windows {
  let height, width, channels, window, stride, padding: Int
  var outHeight: Int { (height + 2 * padding - window) / stride + 1 }
  var outWidth: Int { (width + 2 * padding - window) / stride + 1 }

  /// Those rows (or columns) of the window at `out` that lie in the image.
  @inline(__always)
  func inside(_ out: Int, extent: Int) -> Range<Int> {
    let start = out &* stride &- padding
    return max(0, 0 &- start)..<min(window, extent &- start)
  }
}

/// Greatest element of each window; padding never wins. `argmax`, if given, [batch, outHeight, outWidth, channels], gets its
/// index in the window, row major; of equals the first. A NaN wins.
package func maxPoolForward(
  x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, argmax: UnsafeMutablePointer<UInt8>?, batch: Int,
  height: Int, width: Int, channels: Int, window: Int, stride: Int, padding: Int, context: KernelContext
) {
  precondition(
    window <= 16 && padding < window, "an index in the window is a byte, and no window is all padding")
  let shape = Windows(
    height: height, width: width, channels: channels, window: window, stride: stride, padding: padding)
  let (outHeight, outWidth) = (shape.outHeight, shape.outWidth)
  let blocks = Blocks.rows(batch * outHeight, columns: width * channels * stride)
  context.workers.forEach(blocks.blockCount) { item, _ in
    for outRow in blocks[item] {
      let (image, i) = outRow.quotientAndRemainder(dividingBy: outHeight)
      let rows = shape.inside(i, extent: height)
      for j in 0..<outWidth {
        let columns = shape.inside(j, extent: width)
        let corner =
          ((image &* height &+ i &* stride &- padding) &* width &+ j &* stride &- padding) &* channels
        let target = (outRow &* outWidth &+ j) &* channels
        maximum(
          x, corner: corner, rows: rows, columns: columns, shape: shape, into: y + target,
          argmax: argmax.map { $0 + target })
      }
    }
  }
}

@inline(__always)
private func maximum(
  _ x: UnsafePointer<Float>, corner: Int, rows: Range<Int>, columns: Range<Int>, shape: Windows,
  into y: UnsafeMutablePointer<Float>, argmax: UnsafeMutablePointer<UInt8>?
) {
  let (channels, line) = (shape.channels, shape.width &* shape.channels)
  let first = corner &+ rows.lowerBound &* line &+ columns.lowerBound &* channels
  let firstIndex = rows.lowerBound &* shape.window &+ columns.lowerBound
  var c = 0
  while c &+ 8 <= channels {
    var best = load(x, first &+ c)
    var index = SIMD8<Int32>(repeating: Int32(truncatingIfNeeded: firstIndex))
    for row in rows {
      var source = corner &+ row &* line &+ columns.lowerBound &* channels &+ c
      for column in columns {
        let value = load(x, source)
        let wins = (value .> best) .| (value .!= value)
        best.replace(with: value, where: wins)
        index.replace(
          with: SIMD8<Int32>(repeating: Int32(truncatingIfNeeded: row &* shape.window &+ column)), where: wins
        )
        source &+= channels
      }
    }
    store(best, y, c)
    if let argmax {
      UnsafeMutableRawPointer(argmax + c).storeBytes(
        of: SIMD8<UInt8>(truncatingIfNeeded: index), as: SIMD8<UInt8>.self)
    }
    c &+= 8
  }
  while c < channels {
    var best = x[first &+ c]
    var index = firstIndex
    for row in rows {
      for column in columns {
        let value = x[corner &+ row &* line &+ column &* channels &+ c]
        if value > best || value.isNaN {
          best = value
          index = row &* shape.window &+ column
        }
      }
    }
    y[c] = best
    if let argmax { argmax[c] = UInt8(truncatingIfNeeded: index) }
    c &+= 1
  }
}

/// dx = each window's gradient where its greatest element was, added up where windows overlap. `dx` [batch, height, width,
/// channels].
package func maxPoolBackward(
  dy: UnsafePointer<Float>, argmax: UnsafePointer<UInt8>, dx: UnsafeMutablePointer<Float>, batch: Int,
  height: Int,
  width: Int, channels: Int, window: Int, stride: Int, padding: Int, context: KernelContext
) {
  let shape = Windows(
    height: height, width: width, channels: channels, window: window, stride: stride, padding: padding)
  let (outHeight, outWidth) = (shape.outHeight, shape.outWidth)
  // Rows of the image that no other block's windows reach: a row of windows each, or else a whole image.
  let rowsPerImage = window <= stride ? outHeight : 1
  let blocks = Blocks.rows(batch * rowsPerImage, columns: height * width * channels / rowsPerImage)
  context.workers.forEach(blocks.blockCount) { item, _ in
    for part in blocks[item] {
      let (image, index) = part.quotientAndRemainder(dividingBy: rowsPerImage)
      let outRows = rowsPerImage == 1 ? 0..<outHeight : index..<index + 1
      let first = index == 0 ? 0 : max(0, index * stride - padding)
      let last = index == rowsPerImage - 1 ? height : min(height, (index + 1) * stride - padding)
      let target = dx + image * height * width * channels
      if last > first { clear(target + first * width * channels, count: (last - first) * width * channels) }
      for i in outRows {
        let rows = shape.inside(i, extent: height)
        for j in 0..<outWidth {
          let columns = shape.inside(j, extent: width)
          let source = ((image &* outHeight &+ i) &* outWidth &+ j) &* channels
          let corner = ((i &* stride &- padding) &* width &+ j &* stride &- padding) &* channels
          scatter(
            dy + source, argmax + source, corner: corner, rows: rows, columns: columns, shape: shape,
            into: target)
        }
      }
    }
  }
}

@inline(__always)
private func scatter(
  _ dy: UnsafePointer<Float>, _ argmax: UnsafePointer<UInt8>, corner: Int, rows: Range<Int>,
  columns: Range<Int>,
  shape: Windows, into dx: UnsafeMutablePointer<Float>
) {
  let (channels, line) = (shape.channels, shape.width &* shape.channels)
  var c = 0
  while c &+ 8 <= channels {
    let gradient = load(dy, c)
    let winner = SIMD8<Int32>(
      truncatingIfNeeded: UnsafeRawPointer(argmax + c).loadUnaligned(as: SIMD8<UInt8>.self))
    for row in rows {
      var target = corner &+ row &* line &+ columns.lowerBound &* channels &+ c
      for column in columns {
        let index = SIMD8<Int32>(repeating: Int32(truncatingIfNeeded: row &* shape.window &+ column))
        store(load(dx, target) + Vector.zero.replacing(with: gradient, where: winner .== index), dx, target)
        target &+= channels
      }
    }
    c &+= 8
  }
  while c < channels {
    let (row, column) = Int(argmax[c]).quotientAndRemainder(dividingBy: shape.window)
    dx[corner &+ row &* line &+ column &* channels &+ c] += dy[c]
    c &+= 1
  }
}
