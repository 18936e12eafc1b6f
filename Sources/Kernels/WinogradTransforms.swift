internal import CostModel

/// Pictures as tiles: [batch, height, width, channels], tiles row by row, picture by picture.
struct TiledPictures {
  let height, width, channels, tileRows, tileColumns: Int

  init(_ cost: WinogradCost, channels: Int) {
    height = cost.geometry.height
    width = cost.geometry.width
    self.channels = channels
    tileRows = cost.tileRows
    tileColumns = cost.tileColumns
  }

  /// A tile's picture, and its first row and column there.
  @inline(__always)
  func corner(of tile: Int, edge: Int) -> (picture: Int, row: Int, column: Int) {
    let (row, column) = (tile / tileColumns, tile % tileColumns)
    return (row / tileRows, row % tileRows &* edge, column &* edge)
  }

  /// Pointers to `extent` x `extent` pixels from `row`, `column` on; those outside of the picture are `zeros`.
  @inline(__always)
  func pixels(
    of x: UnsafePointer<Float>, picture: Int, row: Int, column: Int, extent: Int, zeros: UnsafePointer<Float>,
    into pointers: UnsafeMutablePointer<UnsafePointer<Float>>
  ) {
    for i in 0..<extent {
      let inside = row &+ i >= 0 && row &+ i < height
      let line = x + (((picture &* height &+ row &+ i) &* width &+ column) &* channels)
      for j in 0..<extent {
        let isPixel = inside && column &+ j >= 0 && column &+ j < width
        pointers[i &* extent &+ j] = isPixel ? line + j &* channels : zeros
      }
    }
  }
}

/// Planes [points^2] of the tiles' inputs, B^T d B: `planes` points at the first tile's place in the first of them.
func transformInput<Tile: WinogradTile>(
  _: Tile.Type, _ x: UnsafePointer<Float>, _ pictures: TiledPictures, tiles: Range<Int>,
  zeros: UnsafePointer<Float>, into planes: UnsafeMutablePointer<Float>, stride: Int, _ layout: PlaneLayout
) {
  withUnsafeTemporaryAllocation(of: UnsafePointer<Float>.self, capacity: 36) { table in
    withUnsafeTemporaryAllocation(of: Vector.self, capacity: 36) { temporary in
      let (pixels, temporary) = (table.baseAddress!, temporary.baseAddress!)
      for tile in tiles {
        let (picture, row, column) = pictures.corner(of: tile, edge: Tile.outputs)
        pictures.pixels(
          of: x, picture: picture, row: row &- 1, column: column &- 1, extent: Tile.points, zeros: zeros,
          into: pixels)
        let target = planes + (tile &- tiles.lowerBound) &* layout.width

        @inline(__always)
        func transform(_ channel: Int, _ place: Int, _ access: some ChannelAccess) {
          for j in 0..<Tile.points {
            Tile.input({ access.load(pixels[$0 &* Tile.points &+ j] + channel) }) {
              temporary[$0 &* Tile.points &+ j] = $1
            }
          }
          for i in 0..<Tile.points {
            Tile.input({ temporary[i &* Tile.points &+ $0] }) {
              store($1, target, (i &* Tile.points &+ $0) &* stride &+ place)
            }
          }
        }
        forEachVector(
          pictures.channels, layout, whole: { transform($0, $1, WholeVector()) },
          partial: { transform($0, $1, $2) })
      }
    }
  }
}

/// Planes of the tiles' output gradients, A dy A^T.
func transformOutputGradient<Tile: WinogradTile>(
  _: Tile.Type, _ dy: UnsafePointer<Float>, _ pictures: TiledPictures, tiles: Range<Int>,
  zeros: UnsafePointer<Float>, into planes: UnsafeMutablePointer<Float>, stride: Int, _ layout: PlaneLayout
) {
  withUnsafeTemporaryAllocation(of: UnsafePointer<Float>.self, capacity: 16) { table in
    withUnsafeTemporaryAllocation(of: Vector.self, capacity: 24) { temporary in
      let (pixels, temporary) = (table.baseAddress!, temporary.baseAddress!)
      for tile in tiles {
        let (picture, row, column) = pictures.corner(of: tile, edge: Tile.outputs)
        pictures.pixels(
          of: dy, picture: picture, row: row, column: column, extent: Tile.outputs, zeros: zeros, into: pixels
        )
        let target = planes + (tile &- tiles.lowerBound) &* layout.width

        @inline(__always)
        func transform(_ channel: Int, _ place: Int, _ access: some ChannelAccess) {
          for j in 0..<Tile.outputs {
            Tile.outputGradient({ access.load(pixels[$0 &* Tile.outputs &+ j] + channel) }) {
              temporary[$0 &* Tile.outputs &+ j] = $1
            }
          }
          for i in 0..<Tile.points {
            Tile.outputGradient({ temporary[i &* Tile.outputs &+ $0] }) {
              store($1, target, (i &* Tile.points &+ $0) &* stride &+ place)
            }
          }
        }
        forEachVector(
          pictures.channels, layout, whole: { transform($0, $1, WholeVector()) },
          partial: { transform($0, $1, $2) })
      }
    }
  }
}

/// Pixels from planes, A^T m A, plus bias, or the positive part. The planes hold the channels `channels` of the pictures
/// only, `width` floats a tile, `planes` the first tile's; what sticks out of the picture is dropped.
func transformOutput<Tile: WinogradTile>(
  _: Tile.Type, _ planes: UnsafePointer<Float>, stride: Int, width: Int, _ pictures: TiledPictures,
  tiles: Range<Int>, channels: Range<Int>, bias: UnsafePointer<Float>?, relu: Bool,
  into y: UnsafeMutablePointer<Float>
) {
  withUnsafeTemporaryAllocation(of: Vector.self, capacity: 24) { temporary in
    let temporary = temporary.baseAddress!
    for tile in tiles {
      let (picture, row, column) = pictures.corner(of: tile, edge: Tile.outputs)
      let rows = min(Tile.outputs, pictures.height &- row)
      let columns = min(Tile.outputs, pictures.width &- column)
      let line = pictures.width &* pictures.channels
      let target =
        y
        + (((picture &* pictures.height &+ row) &* pictures.width &+ column) &* pictures.channels
          &+ channels.lowerBound)
      let source = planes + (tile &- tiles.lowerBound) &* width

      @inline(__always)
      func transform(_ channel: Int, _ access: some ChannelAccess) {
        for j in 0..<Tile.points {
          Tile.output({ load(source, ($0 &* Tile.points &+ j) &* stride &+ channel) }) {
            temporary[$0 &* Tile.points &+ j] = $1
          }
        }
        let offset = bias.map { access.load($0 + (channels.lowerBound &+ channel)) } ?? .zero
        for i in 0..<rows {
          let pixel = target + (i &* line &+ channel)
          Tile.output({ temporary[i &* Tile.points &+ $0] }) {
            guard $0 < columns else { return }
            let value = $1 + offset
            access.store(relu ? positivePart(value) : value, pixel + $0 &* pictures.channels)
          }
        }
      }
      forEachVector(
        channels.count, .whole(width: width), whole: { channel, _ in transform(channel, WholeVector()) },
        partial: { channel, _, access in transform(channel, access) })
    }
  }
}
