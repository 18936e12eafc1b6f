internal import CostModel

extension RowFolding {
  /// Calls `body(first float, rows, channels, is wide)` for the wide rows of the rows `range`, then for the rows that are left.
  @inline(__always)
  func forEachPart(
    of range: Range<Int>, _ body: (_ offset: Int, _ rows: Int, _ channels: Int, _ isWide: Bool) -> Void
  ) {
    guard isFolded else { return body(range.lowerBound &* channels, range.count, channels, false) }
    let wide = range.count / factor
    if wide > 0 { body(range.lowerBound &* channels, wide, width, true) }
    let rest = range.count &- wide &* factor
    if rest > 0 { body((range.lowerBound &+ wide &* factor) &* channels, rest, channels, false) }
  }

  /// `values` [channels] over and over, a wide row of it.
  func expand(_ values: UnsafePointer<Float>, into wide: UnsafeMutablePointer<Float>) {
    for repetition in 0..<factor {
      for c in 0..<channels { wide[repetition &* channels &+ c] = values[c] }
    }
  }

  /// sums[c] += the wide row's floats that belong to channel c, in order.
  func addFolded(_ wide: UnsafePointer<Float>, to sums: UnsafeMutablePointer<Float>) {
    for repetition in 0..<factor {
      for c in 0..<channels { sums[c] += wide[repetition &* channels &+ c] }
    }
  }
}

/// What belongs to channels: as it is, and in wide rows where rows are folded.
struct ChannelValues {
  let plain: UnsafePointer<Float>
  private let wide: UnsafePointer<Float>

  /// Expands `values` into `memory`, which has place for a wide row, and moves it on.
  init(
    _ values: UnsafePointer<Float>, _ folding: RowFolding,
    expandedInto memory: inout UnsafeMutablePointer<Float>
  ) {
    plain = values
    guard folding.isFolded else {
      wide = values
      return
    }
    folding.expand(values, into: memory)
    wide = UnsafePointer(memory)
    memory += folding.width
  }

  /// Of rows that are not folded.
  init(_ values: UnsafePointer<Float>) {
    plain = values
    wide = values
  }

  @inline(__always)
  func values(wide isWide: Bool) -> UnsafePointer<Float> { isWide ? wide : plain }
}

/// sums = the columns' sums over the rows `range` of `x`. `wideSums` has place for a wide row.
func addRows(
  _ x: UnsafePointer<Float>, _ range: Range<Int>, _ folding: RowFolding,
  into sums: UnsafeMutablePointer<Float>, wideSums: UnsafeMutablePointer<Float>?
) {
  guard folding.isFolded, let wideSums else {
    return addRows(
      x + range.lowerBound &* folding.channels, rows: range.count, columns: folding.channels, into: sums)
  }
  clear(sums, count: folding.channels)
  folding.forEachPart(of: range) { offset, rows, columns, isWide in
    if isWide {
      addRows(x + offset, rows: rows, columns: columns, into: wideSums)
      folding.addFolded(wideSums, to: sums)
    } else {
      for row in 0..<rows { add(x + (offset &+ row &* columns), to: sums, count: columns) }
    }
  }
}
