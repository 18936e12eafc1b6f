internal import CostModel

/// Average of each window, [batch, height, width, channels] to [batch, outHeight, outWidth, channels]. Without `window`, window i
/// of n over an extent s reaches from floor(i s / n) to ceil((i + 1) s / n), as in PyTorch's adaptive pooling; with it, windows
/// are squares of that side beside each other, and what is left behind the last of them is in none. With `normalization` the
/// averages are of what it makes of `x`.
package func averagePoolForward(
  x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, batch: Int, height: Int, width: Int, channels: Int,
  outHeight: Int, outWidth: Int, window: Int? = nil, normalization: InputNormalization? = nil,
  context: KernelContext
) {
  let averages = Averages(
    x: x, y: y, batch: batch, height: height, width: width, channels: channels, outHeight: outHeight,
    outWidth: outWidth, window: window, context: context)
  readingPixels(normalization, averages)
}

/// An average pool of pixels, however they are read.
private struct Averages: PixelReadingWork {
  let x: UnsafePointer<Float>
  let y: UnsafeMutablePointer<Float>
  let batch, height, width, channels, outHeight, outWidth: Int
  let window: Int?
  let context: KernelContext

  func run(_ pixels: some PixelValues) {
    // Over an extent of whole windows adaptive ones are these.
    let covered = covered(height, width, outHeight, outWidth, window)
    let blocks = Blocks.rows(
      batch * outHeight, columns: (height + outHeight - 1) / outHeight * width * channels)
    context.workers.forEach(blocks.blockCount) { item, _ in
      for outRow in blocks[item] {
        let (image, i) = outRow.quotientAndRemainder(dividingBy: outHeight)
        let rows = span(i, of: outHeight, over: covered.height)
        for j in 0..<outWidth {
          let columns = span(j, of: outWidth, over: covered.width)
          addWindow(
            x + image * height * width * channels, pixels, rows: rows, columns: columns,
            line: width * channels,
            channels: channels, into: y + (outRow * outWidth + j) * channels)
        }
      }
    }
  }
}

/// Gradient of `averagePoolForward`: each window's, divided by its area, added up where windows overlap; zero where there is none.
package func averagePoolBackward(
  dy: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>, batch: Int, height: Int, width: Int,
  channels: Int,
  outHeight: Int, outWidth: Int, window: Int? = nil, context: KernelContext
) {
  let covered = covered(height, width, outHeight, outWidth, window)
  let blocks = Blocks.rows(batch * height, columns: width * channels)
  let isCovering =
    covered == (height, width) && height % outHeight == 0 && width % outWidth == 0
  context.workers.forEach(blocks.blockCount) { item, _ in
    for row in blocks[item] {
      let (image, i) = row.quotientAndRemainder(dividingBy: height)
      let target = dx + row * width * channels
      if isCovering {
        let windowRow = i / (height / outHeight)
        spreadRow(
          dy + (image * outHeight + windowRow) * outWidth * channels, share: outWidth * outHeight,
          of: width * height, windows: outWidth, pixels: width / outWidth, channels: channels, into: target)
        continue
      }
      // The windows that hold row i are those of the pooling in the other direction.
      let windowRows = i < covered.height ? span(i, of: covered.height, over: outHeight) : 0..<0
      for j in 0..<width {
        let target = target + j * channels
        clear(target, count: channels)
        guard j < covered.width else { continue }
        let windowColumns = span(j, of: covered.width, over: outWidth)
        for windowRow in windowRows {
          for windowColumn in windowColumns {
            let area =
              span(windowRow, of: outHeight, over: covered.height).count
              * span(windowColumn, of: outWidth, over: covered.width).count
            addScaled(
              dy + ((image * outHeight + windowRow) * outWidth + windowColumn) * channels,
              by: 1 / Float(area),
              to: target, count: channels)
          }
        }
      }
    }
  }
}

/// Rows and columns that windows lie in.
private func covered(
  _ height: Int, _ width: Int, _ outHeight: Int, _ outWidth: Int, _ window: Int?
) -> (height: Int, width: Int) {
  guard let window else { return (height, width) }
  precondition(outHeight * window <= height && outWidth * window <= width, "whole windows of the image")
  return (outHeight * window, outWidth * window)
}

/// One row of the gradient where each pixel lies in one window: `windows` windows of `pixels` pixels each, which get the window's
/// gradient divided by its area, `extent` / `share`.
private func spreadRow(
  _ dy: UnsafePointer<Float>, share: Int, of extent: Int, windows: Int, pixels: Int, channels: Int,
  into dx: UnsafeMutablePointer<Float>
) {
  let factor = 1 / Float(extent / share)
  for window in 0..<windows {
    let target = dx + window &* pixels &* channels
    clear(target, count: channels)
    addScaled(dy + window &* channels, by: factor, to: target, count: channels)
    // What is written is copied behind itself, twice as much each time.
    let count = pixels &* channels
    var written = channels
    while written < count {
      copy(target, to: target + written, count: min(written, count &- written))
      written &*= 2
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
  _ x: UnsafePointer<Float>, _ pixels: some PixelValues, rows: Range<Int>, columns: Range<Int>, line: Int,
  channels: Int, into y: UnsafeMutablePointer<Float>
) {
  let share = 1 / Float(rows.count &* columns.count)
  var c = 0
  while c &+ 8 <= channels {
    var sum = Vector.zero
    let lanes = pixels.lanes(at: c)
    for row in rows {
      var source = row &* line &+ columns.lowerBound &* channels &+ c
      var rowSum = Vector.zero
      for _ in columns {
        rowSum += pixels.value(load(x, source), lanes)
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
      for column in columns { rowSum += pixels.value(x[row &* line &+ column &* channels &+ c], at: c) }
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
