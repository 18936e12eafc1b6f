internal import CostModel

/// Planes of a filter, G g G^T: of its rows (input channels) and columns (output channels). Each plane is a product's right
/// factor, [ins, columns] in panels.
func transformFilter<Tile: WinogradTile>(
  _: Tile.Type, _ filter: UnsafePointer<Float>, ins: Int, outs: Int, rows: Range<Int>, columns: Range<Int>,
  into planes: UnsafeMutablePointer<Float>, stride: Int
) {
  let layout = PlaneLayout(width: ProductTile.columns, panelStride: ins &* ProductTile.columns)
  withUnsafeTemporaryAllocation(of: Vector.self, capacity: 18) { temporary in
    let temporary = temporary.baseAddress!
    for row in rows {
      let source = filter + (row &* outs &+ columns.lowerBound)
      let target = planes + row &* ProductTile.columns

      @inline(__always)
      func transform(_ channel: Int, _ place: Int, _ access: some ChannelAccess) {
        for j in 0..<3 {
          Tile.filter({ access.load(source + (($0 &* 3 &+ j) &* ins &* outs &+ channel)) }) {
            temporary[$0 &* 3 &+ j] = $1
          }
        }
        for i in 0..<Tile.points {
          Tile.filter({ temporary[i &* 3 &+ $0] }) {
            store($1, target, (i &* Tile.points &+ $0) &* stride &+ place)
          }
        }
      }
      forEachVector(
        columns.count, layout, whole: { transform($0, $1, WholeVector()) },
        partial: { transform($0, $1, $2) })
    }
  }
}

/// The same of the filter turned by half a circle with its channels swapped, for input gradients: `rows` are output
/// channels of the convolution here, `columns` input channels. `ins`, `outs` are the convolution's.
func transformTurnedFilter<Tile: WinogradTile>(
  _: Tile.Type, _ filter: UnsafePointer<Float>, ins: Int, outs: Int, rows: Range<Int>, columns: Range<Int>,
  into planes: UnsafeMutablePointer<Float>, stride: Int
) {
  let panel = outs &* ProductTile.columns
  withUnsafeTemporaryAllocation(of: Vector.self, capacity: 18 + 36) { memory in
    let (temporary, taps) = (memory.baseAddress!, memory.baseAddress! + 18)

    /// Up to eight columns of up to four rows: each tap's four rows of eight columns, transposed, then row by row.
    @inline(__always)
    func transform(_ row: Int, _ rowCount: Int, _ column: Int, _ columnCount: Int) {
      let source = filter + ((columns.lowerBound &+ column) &* outs &+ row)
      for tap in 0..<9 {
        let plane = source + (8 &- tap) &* ins &* outs
        let target = taps + tap &* 4
        if rowCount == 4 && columnCount == 8 {
          let (a, b) = (loadFour(plane), loadFour(plane + outs))
          let (c, d) = (loadFour(plane + 2 &* outs), loadFour(plane + 3 &* outs))
          let (e, f) = (loadFour(plane + 4 &* outs), loadFour(plane + 5 &* outs))
          let (g, h) = (loadFour(plane + 6 &* outs), loadFour(plane + 7 &* outs))
          target[0] = Vector(a.x, b.x, c.x, d.x, e.x, f.x, g.x, h.x)
          target[1] = Vector(a.y, b.y, c.y, d.y, e.y, f.y, g.y, h.y)
          target[2] = Vector(a.z, b.z, c.z, d.z, e.z, f.z, g.z, h.z)
          target[3] = Vector(a.w, b.w, c.w, d.w, e.w, f.w, g.w, h.w)
        } else {
          for r in 0..<rowCount {
            target[r] = .zero
            for k in 0..<columnCount { target[r][k] = plane[k &* outs &+ r] }
          }
        }
      }
      let place = column / ProductTile.columns &* panel &+ column % ProductTile.columns
      for r in 0..<rowCount {
        let target = planes + ((row &+ r) &* ProductTile.columns &+ place)
        for j in 0..<3 {
          Tile.filter({ taps[($0 &* 3 &+ j) &* 4 &+ r] }) { temporary[$0 &* 3 &+ j] = $1 }
        }
        for i in 0..<Tile.points {
          Tile.filter({ temporary[i &* 3 &+ $0] }) {
            store($1, target, (i &* Tile.points &+ $0) &* stride)
          }
        }
      }
    }
    // Sixteen columns of four rows at a time: whole lines of the cache are read and written.
    for block in Swift.stride(from: 0, to: columns.count, by: 16) {
      for row in Swift.stride(from: rows.lowerBound, to: rows.upperBound, by: 4) {
        for column in Swift.stride(from: block, to: min(columns.count, block + 16), by: 8) {
          transform(row, min(4, rows.upperBound &- row), column, min(8, columns.count &- column))
        }
      }
    }
  }
}

@inline(__always)
private func loadFour(_ pointer: UnsafePointer<Float>) -> SIMD4<Float> {
  UnsafeRawPointer(pointer).loadUnaligned(as: SIMD4<Float>.self)
}

/// The filter's gradient from planes, G^T u G, of the rows (input channels) `rows`. The planes, `width` floats a row, are the
/// sums of as many accumulators', added in order.
func transformFilterGradient<Tile: WinogradTile>(
  _: Tile.Type, _ planes: UnsafePointer<Float>, stride: Int, width: Int, accumulators: Int,
  accumulatorStride: Int, ins: Int, outs: Int, rows: Range<Int>, into dFilter: UnsafeMutablePointer<Float>
) {
  withUnsafeTemporaryAllocation(of: Vector.self, capacity: 18) { temporary in
    let temporary = temporary.baseAddress!
    for row in rows {
      let (source, target) = (planes + row &* width, dFilter + row &* outs)

      @inline(__always)
      func transform(_ channel: Int, _ access: some ChannelAccess) {
        for j in 0..<Tile.points {
          Tile.filterGradient({
            let place = source + (($0 &* Tile.points &+ j) &* stride &+ channel)
            var sum = load(place, 0)
            for accumulator in 1..<accumulators { sum += load(place, accumulator &* accumulatorStride) }
            return sum
          }) { temporary[$0 &* Tile.points &+ j] = $1 }
        }
        for i in 0..<3 {
          Tile.filterGradient({ temporary[i &* Tile.points &+ $0] }) {
            access.store($1, target + ((i &* 3 &+ $0) &* ins &* outs &+ channel))
          }
        }
      }
      forEachVector(
        outs, .whole(width: width), whole: { channel, _ in transform(channel, WholeVector()) },
        partial: { channel, _, access in transform(channel, access) })
    }
  }
}
