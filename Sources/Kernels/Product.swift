internal import CostModel

// Products whose operands their makers have laid out in panels already (`ProductTile`): nothing is packed or copied again,
// which for the small matrices of convolutions is a third of a BLAS call's time.

/// How a left factor lies in memory: its rows in groups of `ProductTile.rows`.
struct LeftFactor {
  /// Floats from a row to the next within a group, and from a column to the next.
  fileprivate let rowStride, depthStride: Int
  private let groupsPerPanel, panelStride: Int

  /// Row by row.
  static func rows(leading: Int) -> LeftFactor {
    LeftFactor(rowStride: leading, depthStride: 1, groupsPerPanel: .max, panelStride: 0)
  }

  /// In panels of `ProductTile.panelRows` rows with room for `depth` columns.
  static func panels(depth: Int) -> LeftFactor {
    LeftFactor(
      rowStride: 1, depthStride: ProductTile.panelRows,
      groupsPerPanel: ProductTile.panelRows / ProductTile.rows, panelStride: ProductTile.panelRows &* depth)
  }

  @inline(__always)
  fileprivate func offset(ofGroup group: Int) -> Int {
    let panel = groupsPerPanel == .max ? 0 : group / groupsPerPanel
    return panel &* panelStride &+ (group &- panel &* groupsPerPanel) &* ProductTile.rows &* rowStride
  }
}

/// `c = a b`, or `c += a b`. `b` lies in panels of `ProductTile.columns` with room for `room` rows (of which the first `k`
/// count), `c` row by row; its columns from `n` on are left alone.
func multiply(
  _ a: UnsafePointer<Float>, _ left: LeftFactor, panels b: UnsafePointer<Float>, room: Int,
  into c: UnsafeMutablePointer<Float>, leading: Int, m: Int, n: Int, k: Int, accumulating: Bool = false
) {
  var column = 0
  var panel = b
  while column < n {
    let columns = min(ProductTile.columns, n &- column)
    #if STRATA_FUSED || arch(arm64)
      var group = 0
      var row = 0
      while row < m {
        multiplyTile(
          a + left.offset(ofGroup: group), rowStride: left.rowStride, depthStride: left.depthStride, panel,
          depth: k, into: c + (row &* leading &+ column), leading: leading,
          rows: min(ProductTile.rows, m &- row),
          columns: columns, accumulating: accumulating)
        group &+= 1
        row &+= ProductTile.rows
      }
    #else
      // Without fused multiply-adds and the registers for them the library's products are faster, panel by panel.
      let step = left.depthStride == 1 ? m : ProductTile.panelRows
      for row in stride(from: 0, to: m, by: step) {
        multiply(
          a + left.offset(ofGroup: row / ProductTile.rows), left.depthStride == 1 ? .none : .transposed,
          leading: left.depthStride == 1 ? left.rowStride : left.depthStride, panel,
          leading: ProductTile.columns, into: c + (row &* leading &+ column), leading: leading,
          m: min(step, m - row), n: columns, k: k, accumulating: accumulating)
      }
    #endif
    column &+= ProductTile.columns
    panel += room &* ProductTile.columns
  }
}

#if STRATA_FUSED || arch(arm64)
  /// Up to six rows and sixteen columns of a product: twelve vectors of sums, which stay in registers. Rows that are missing
  /// repeat the last one and are thrown away.
  @inline(never)
  private func multiplyTile(
    _ a: UnsafePointer<Float>, rowStride: Int, depthStride: Int, _ b: UnsafePointer<Float>, depth: Int,
    into c: UnsafeMutablePointer<Float>, leading: Int, rows: Int, columns: Int, accumulating: Bool
  ) {
    let last = rows &- 1
    let row1 = min(1, last) &* rowStride
    let row2 = min(2, last) &* rowStride
    let row3 = min(3, last) &* rowStride
    let row4 = min(4, last) &* rowStride
    let row5 = min(5, last) &* rowStride
    var (sum00, sum01, sum10, sum11) = (Vector.zero, Vector.zero, Vector.zero, Vector.zero)
    var (sum20, sum21, sum30, sum31) = (Vector.zero, Vector.zero, Vector.zero, Vector.zero)
    var (sum40, sum41, sum50, sum51) = (Vector.zero, Vector.zero, Vector.zero, Vector.zero)
    var (a, b) = (a, b)
    var left = depth
    while left > 0 {
      let (b0, b1) = (load(b, 0), load(b, 8))
      var factor = Vector(repeating: a[0])
      sum00 = sum00.addingProduct(factor, b0)
      sum01 = sum01.addingProduct(factor, b1)
      factor = Vector(repeating: a[row1])
      sum10 = sum10.addingProduct(factor, b0)
      sum11 = sum11.addingProduct(factor, b1)
      factor = Vector(repeating: a[row2])
      sum20 = sum20.addingProduct(factor, b0)
      sum21 = sum21.addingProduct(factor, b1)
      factor = Vector(repeating: a[row3])
      sum30 = sum30.addingProduct(factor, b0)
      sum31 = sum31.addingProduct(factor, b1)
      factor = Vector(repeating: a[row4])
      sum40 = sum40.addingProduct(factor, b0)
      sum41 = sum41.addingProduct(factor, b1)
      factor = Vector(repeating: a[row5])
      sum50 = sum50.addingProduct(factor, b0)
      sum51 = sum51.addingProduct(factor, b1)
      a += depthStride
      b += ProductTile.columns
      left &-= 1
    }

    @inline(__always)
    func finish(_ row: Int, _ first: Vector, _ second: Vector) {
      guard row < rows else { return }
      let target = c + row &* leading
      if columns == ProductTile.columns {
        store(accumulating ? load(target, 0) + first : first, target, 0)
        store(accumulating ? load(target, 8) + second : second, target, 8)
      } else {
        for column in 0..<columns {
          let sum = column < 8 ? first[column] : second[column &- 8]
          target[column] = accumulating ? target[column] + sum : sum
        }
      }
    }
    finish(0, sum00, sum01)
    finish(1, sum10, sum11)
    finish(2, sum20, sum21)
    finish(3, sum30, sum31)
    finish(4, sum40, sum41)
    finish(5, sum50, sum51)
  }
#endif

/// A right factor [depth, columns], row by row, into panels. The last panel's missing columns are zero.
func packPanels(
  _ source: UnsafePointer<Float>, leading: Int, depth: Int, columns: Int,
  into panels: UnsafeMutablePointer<Float>, _ workers: Workers
) {
  let items = Blocks(count: depth, size: max(1, 8_192 / max(1, columns)))
  workers.forEach(items.blockCount) { item, _ in
    for row in items[item] {
      var column = 0
      while column < columns {
        let count = min(ProductTile.columns, columns &- column)
        let target = panels + (column &* depth &+ row &* ProductTile.columns)
        copy(source + (row &* leading &+ column), to: target, count: count)
        if count < ProductTile.columns { clear(target + count, count: ProductTile.columns &- count) }
        column &+= ProductTile.columns
      }
    }
  }
}

/// The same of the transpose of [columns, depth].
func packTransposedPanels(
  _ source: UnsafePointer<Float>, leading: Int, depth: Int, columns: Int,
  into panels: UnsafeMutablePointer<Float>, _ workers: Workers
) {
  let items = Blocks(count: columns, size: ProductTile.columns)
  workers.forEach(items.blockCount) { item, _ in
    let range = items[item]
    let target = panels + range.lowerBound &* depth
    if range.count < ProductTile.columns { clear(target, count: depth &* ProductTile.columns) }
    for column in range {
      let row = source + column &* leading
      var place = target + (column &- range.lowerBound)
      for index in 0..<depth {
        place.pointee = row[index]
        place += ProductTile.columns
      }
    }
  }
}
