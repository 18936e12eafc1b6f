internal import CostModel

/// Average of each window, [batch, height, width, channels] to [batch, outHeight, outWidth, channels]; window i of n over an
/// extent s reaches from floor(i s / n) to ceil((i + 1) s / n), as in PyTorch's adaptive pooling.
package func adaptiveAveragePoolForward(
  x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, batch: Int, height: Int, width: Int, channels: Int,
  outHeight: Int, outWidth: Int, context: KernelContext
) {
  let blocks = Blocks.rows(
    batch * outHeight, columns: (height + outHeight - 1) / outHeight * width * channels)
  context.workers.forEach(blocks.blockCount) { item, _ in
    for outRow in blocks[item] {
      let (picture, i) = outRow.quotientAndRemainder(dividingBy: outHeight)
      let rows = span(i, of: outHeight, over: height)
      for j in 0..<outWidth {
        let columns = span(j, of: outWidth, over: width)
        addWindow(
          x + picture * height * width * channels, rows: rows, columns: columns, line: width * channels,
          channels: channels, into: y + (outRow * outWidth + j) * channels)
      }
    }
  }
}

/// Gradient of `adaptiveAveragePoolForward`: each window's, divided by its area, added up where windows overlap.
package func adaptiveAveragePoolBackward(
  dy: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>, batch: Int, height: Int, width: Int,
  channels: Int,
  outHeight: Int, outWidth: Int, context: KernelContext
) {
  let blocks = Blocks.rows(batch * height, columns: width * channels)
  context.workers.forEach(blocks.blockCount) { item, _ in
    for row in blocks[item] {
      let (picture, i) = row.quotientAndRemainder(dividingBy: height)
      // The windows that hold row i are those of the pooling in the other direction.
      let windowRows = span(i, of: height, over: outHeight)
      for j in 0..<width {
        let windowColumns = span(j, of: width, over: outWidth)
        let target = dx + (row * width + j) * channels
        clear(target, count: channels)
        for windowRow in windowRows {
          for windowColumn in windowColumns {
            let area =
              span(windowRow, of: outHeight, over: height).count
              * span(windowColumn, of: outWidth, over: width).count
            addScaled(
              dy + ((picture * outHeight + windowRow) * outWidth + windowColumn) * channels,
              by: 1 / Float(area),
              to: target, count: channels)
          }
        }
      }
    }
  }
}

/// Window `index` of `count` over an extent.
@inline(__always)
private func span(_ index: Int, of count: Int, over extent: Int) -> Range<Int> {
  index &* extent / count..<((index &+ 1) &* extent &+ count &- 1) / count
}

@inline(__always)
private func addWindow(
  _ x: UnsafePointer<Float>, rows: Range<Int>, columns: Range<Int>, line: Int, channels: Int,
  into y: UnsafeMutablePointer<Float>
) {
  let share = 1 / Float(rows.count &* columns.count)
  var c = 0
  while c &+ 8 <= channels {
    var sum = Vector.zero
    for row in rows {
      var source = row &* line &+ columns.lowerBound &* channels &+ c
      var rowSum = Vector.zero
      for _ in columns {
        rowSum += load(x, source)
        source &+= channels
      }
      sum += rowSum
    }
    store(sum * share, y, c)
    c &+= 8
  }
  while c < channels {
    var sum: Float = 0
    for row in rows {
      var rowSum: Float = 0
      for column in columns { rowSum += x[row &* line &+ column &* channels &+ c] }
      sum += rowSum
    }
    y[c] = sum * share
    c &+= 1
  }
}

@inline(__always)
private func addScaled(
  _ source: UnsafePointer<Float>, by factor: Float, to target: UnsafeMutablePointer<Float>, count: Int
) {
  var c = 0
  while c &+ 8 <= count {
    store(load(target, c) + load(source, c) * factor, target, c)
    c &+= 8
  }
  while c < count {
    target[c] += source[c] * factor
    c &+= 1
  }
}
