internal import CostModel

/// Images as tiles: [batch, height, width, channels], tiles row by row, image by image.
struct TiledImages {
  let height, width, channels, tileRows, tileColumns: Int

  private init(_ cost: WinogradCost, height: Int, width: Int, channels: Int) {
    self.height = height
    self.width = width
    self.channels = channels
    tileRows = cost.tileRows
    tileColumns = cost.tileColumns
  }

  static func inputs(_ cost: WinogradCost) -> TiledImages {
    TiledImages(
      cost, height: cost.geometry.height, width: cost.geometry.width, channels: cost.geometry.inChannels)
  }

  static func outputs(_ cost: WinogradCost) -> TiledImages {
    TiledImages(
      cost, height: cost.geometry.outHeight, width: cost.geometry.outWidth,
      channels: cost.geometry.outChannels)
  }

  /// A tile's image, and its first row and column there.
  @inline(__always)
  func corner(of tile: Int, edge: Int) -> (image: Int, row: Int, column: Int) {
    let (row, column) = (tile / tileColumns, tile % tileColumns)
    return (row / tileRows, row % tileRows &* edge, column &* edge)
  }

  /// Pointers to `extent` x `extent` pixels from `row`, `column` on; those outside of the image are `zeros`, those of the halo's
  /// row lie there.
  @inline(__always)
  func pixels(
    of x: UnsafePointer<Float>, image: Int, row: Int, column: Int, extent: Int, zeros: UnsafePointer<Float>,
    halo: Halo = .none, into pointers: UnsafeMutablePointer<UnsafePointer<Float>>
  ) {
    for i in 0..<extent {
      let inside = row &+ i >= 0 && row &+ i < height
      let line =
        row &+ i == halo.row
        ? halo.pixels + column &* channels
        : x + (((image &* height &+ row &+ i) &* width &+ column) &* channels)
      for j in 0..<extent {
        let isPixel = inside && column &+ j >= 0 && column &+ j < width
        pointers[i &* extent &+ j] = isPixel ? line + j &* channels : zeros
      }
    }
  }
}

/// A row of an image's pixels that lies elsewhere, because its place has been written over.
struct Halo {
  let row: Int
  let pixels: UnsafePointer<Float>

  /// No row is read from its memory, which is any.
  static var none: Halo { Halo(row: .min, pixels: UnsafePointer(bitPattern: 64)!) }
}

/// A part of 3x3 of a kernel, in reading order: it begins at `row`, `column` and may reach behind the kernel's edge.
struct FilterPart {
  let kernelSize, row, column: Int

  init(_ part: Int, _ cost: WinogradCost) {
    kernelSize = cost.geometry.kernelSize
    row = part / cost.partsAcross &* 3
    column = part % cost.partsAcross &* 3
  }

  /// Which of the kernel's taps the part's tap `i`, `j` is; nil behind the edge.
  @inline(__always)
  func tap(_ i: Int, _ j: Int) -> Int? {
    guard row &+ i < kernelSize && column &+ j < kernelSize else { return nil }
    return (row &+ i) &* kernelSize &+ column &+ j
  }

  /// The same of the kernel turned by half a circle.
  @inline(__always)
  func turnedTap(_ i: Int, _ j: Int) -> Int? {
    tap(i, j).map { kernelSize &* kernelSize &- 1 &- $0 }
  }
}

/// Planes [points^2][tiles][parts x channels] of the tiles' inputs, B^T d B: `planes` points at the first tile's row.
func transformInput<Tile: WinogradTile, Values: PixelValues>(
  _: Tile.Type, _ x: UnsafePointer<Float>, _ values: Values, _ images: TiledImages,
  tiles: Range<Int>, parts: Range<Int>, _ cost: WinogradCost, zeros: UnsafePointer<Float>,
  halo: Halo = .none, into planes: UnsafeMutablePointer<Float>, stride: Int
) {
  let padding = cost.geometry.padding
  withUnsafeTemporaryAllocation(of: UnsafePointer<Float>.self, capacity: 36) { table in
    withUnsafeTemporaryAllocation(of: Lane.self, capacity: 36) { temporary in
      let (pixels, temporary) = (table.baseAddress!, temporary.baseAddress!)
      var target = planes
      for place in 0..<tiles.count &* parts.count {
        let (tile, index) = place.quotientAndRemainder(dividingBy: parts.count)
        let part = FilterPart(parts.lowerBound &+ index, cost)
        let (image, row, column) = images.corner(of: tiles.lowerBound &+ tile, edge: Tile.outputs)
        images.pixels(
          of: x, image: image, row: row &+ part.row &- padding, column: column &+ part.column &- padding,
          extent: Tile.points, zeros: zeros, halo: halo, into: pixels)

        @inline(__always)
        func transform(_ channel: Int, _ access: some LaneAccess) {
          let lanes = values.fourLanes(at: channel, access)
          @inline(__always)
          func pixel(_ place: Int) -> Lane {
            let pixel = pixels[place]
            if !Values.isPlain && pixel == zeros { return .zero }
            return values.value(access.load(pixel + channel), lanes)
          }
          for j in 0..<Tile.points {
            Tile.input({ pixel($0 &* Tile.points &+ j) }) {
              temporary[$0 &* Tile.points &+ j] = $1
            }
          }
          for i in 0..<Tile.points {
            Tile.input({ temporary[i &* Tile.points &+ $0] }) {
              access.store($1, target + ((i &* Tile.points &+ $0) &* stride &+ channel))
            }
          }
        }
        forEachLane(
          images.channels, whole: { transform($0, WholeLane()) },
          partial: { transform(0, PartialLane(count: images.channels)) })
        target += images.channels
      }
    }
  }
}

/// Planes of the tiles' output gradients, A dy A^T.
func transformOutputGradient<Tile: WinogradTile>(
  _: Tile.Type, _ dy: UnsafePointer<Float>, _ images: TiledImages, tiles: Range<Int>,
  zeros: UnsafePointer<Float>, into planes: UnsafeMutablePointer<Float>, stride: Int
) {
  withUnsafeTemporaryAllocation(of: UnsafePointer<Float>.self, capacity: 16) { table in
    withUnsafeTemporaryAllocation(of: Lane.self, capacity: 24) { temporary in
      let (pixels, temporary) = (table.baseAddress!, temporary.baseAddress!)
      for tile in tiles {
        let (image, row, column) = images.corner(of: tile, edge: Tile.outputs)
        images.pixels(
          of: dy, image: image, row: row, column: column, extent: Tile.outputs, zeros: zeros, into: pixels
        )
        let target = planes + (tile &- tiles.lowerBound) &* images.channels

        @inline(__always)
        func transform(_ channel: Int, _ access: some LaneAccess) {
          for j in 0..<Tile.outputs {
            Tile.outputGradient({ access.load(pixels[$0 &* Tile.outputs &+ j] + channel) }) {
              temporary[$0 &* Tile.outputs &+ j] = $1
            }
          }
          for i in 0..<Tile.points {
            Tile.outputGradient({ temporary[i &* Tile.outputs &+ $0] }) {
              access.store($1, target + ((i &* Tile.points &+ $0) &* stride &+ channel))
            }
          }
        }
        forEachLane(
          images.channels, whole: { transform($0, WholeLane()) },
          partial: { transform(0, PartialLane(count: images.channels)) })
      }
    }
  }
}

/// Pixels from planes, f(A^T m A + bias). The planes hold the channels `channels` of the images
/// only, `planes` the first tile's row; what sticks out of the image is dropped.
struct OutputTransform<Tile: WinogradTile>: ActivatedWork {
  let planes: UnsafePointer<Float>
  let stride: Int
  let images: TiledImages
  let tiles, channels: Range<Int>
  let bias: UnsafePointer<Float>?
  let y: UnsafeMutablePointer<Float>

  func run<Function: ActivationFunction>(_ function: Function) {
    withUnsafeTemporaryAllocation(of: Lane.self, capacity: 24) { temporary in
      let temporary = temporary.baseAddress!
      for tile in tiles {
        let (image, row, column) = images.corner(of: tile, edge: Tile.outputs)
        let rows = min(Tile.outputs, images.height &- row)
        let columns = min(Tile.outputs, images.width &- column)
        let line = images.width &* images.channels
        let target =
          y
          + (((image &* images.height &+ row) &* images.width &+ column) &* images.channels
            &+ channels.lowerBound)
        let source = planes + (tile &- tiles.lowerBound) &* channels.count

        @inline(__always)
        func transform(_ channel: Int, _ access: some LaneAccess) {
          for j in 0..<Tile.points {
            Tile.output({ access.load(source + (($0 &* Tile.points &+ j) &* stride &+ channel)) }) {
              temporary[$0 &* Tile.points &+ j] = $1
            }
          }
          let offset = bias.map { access.load($0 + (channels.lowerBound &+ channel)) } ?? .zero
          for i in 0..<rows {
            let pixel = target + (i &* line &+ channel)
            Tile.output({ temporary[i &* Tile.points &+ $0] }) {
              guard $0 < columns else { return }
              access.store(function.value($1 + offset), pixel + $0 &* images.channels)
            }
          }
        }
        forEachLane(
          channels.count, whole: { transform($0, WholeLane()) },
          partial: { transform(0, PartialLane(count: channels.count)) })
      }
    }
  }
}

/// Planes [points^2][rows][columns] of a filter part's rows (input channels) and columns (output channels), G g G^T.
func transformFilter<Tile: WinogradTile>(
  _: Tile.Type, _ filter: UnsafePointer<Float>, _ part: FilterPart, ins: Int, outs: Int, rows: Range<Int>,
  columns: Range<Int>,
  into planes: UnsafeMutablePointer<Float>, stride: Int
) {
  withUnsafeTemporaryAllocation(of: Lane.self, capacity: 18) { temporary in
    let temporary = temporary.baseAddress!
    for row in rows {
      let source = filter + (row &* outs &+ columns.lowerBound)
      let target = planes + row &* columns.count

      @inline(__always)
      func transform(_ channel: Int, _ access: some LaneAccess) {
        for j in 0..<3 {
          Tile.filter({
            guard let tap = part.tap($0, j) else { return Lane.zero }
            return access.load(source + (tap &* ins &* outs &+ channel))
          }) { temporary[$0 &* 3 &+ j] = $1 }
        }
        for i in 0..<Tile.points {
          Tile.filter({ temporary[i &* 3 &+ $0] }) {
            access.store($1, target + ((i &* Tile.points &+ $0) &* stride &+ channel))
          }
        }
      }
      forEachLane(
        columns.count, whole: { transform($0, WholeLane()) },
        partial: { transform(0, PartialLane(count: columns.count)) })
    }
  }
}

/// The same of the filter turned by half a circle with its channels swapped, for input gradients: `rows` are output
/// channels here, `columns` input channels.
func transformTurnedFilter<Tile: WinogradTile>(
  _: Tile.Type, _ filter: UnsafePointer<Float>, _ part: FilterPart, ins: Int, outs: Int, rows: Range<Int>,
  columns: Range<Int>,
  into planes: UnsafeMutablePointer<Float>, stride: Int
) {
  withUnsafeTemporaryAllocation(of: Lane.self, capacity: 18 + 36) { memory in
    let (temporary, taps) = (memory.baseAddress!, memory.baseAddress! + 18)

    /// Four columns of up to four rows.
    @inline(__always)
    func transform(_ row: Int, _ rowCount: Int, _ column: Int, _ columnCount: Int, _ access: some LaneAccess)
    {
      let source = filter + ((columns.lowerBound &+ column) &* outs &+ row)
      for tap in 0..<9 {
        for r in 0..<4 { taps[tap &* 4 &+ r] = .zero }
        guard let turned = part.turnedTap(tap / 3, tap % 3) else { continue }
        let plane = source + turned &* ins &* outs
        if rowCount == 4 && columnCount == 4 {
          let (a, b) = (WholeLane().load(plane), WholeLane().load(plane + outs))
          let (c, d) = (WholeLane().load(plane + 2 &* outs), WholeLane().load(plane + 3 &* outs))
          taps[tap &* 4] = Lane(a.x, b.x, c.x, d.x)
          taps[tap &* 4 &+ 1] = Lane(a.y, b.y, c.y, d.y)
          taps[tap &* 4 &+ 2] = Lane(a.z, b.z, c.z, d.z)
          taps[tap &* 4 &+ 3] = Lane(a.w, b.w, c.w, d.w)
        } else {
          for r in 0..<rowCount {
            for k in 0..<columnCount { taps[tap &* 4 &+ r][k] = plane[k &* outs &+ r] }
          }
        }
      }
      for r in 0..<rowCount {
        let target = planes + ((row &+ r) &* columns.count &+ column)
        for j in 0..<3 {
          Tile.filter({ taps[($0 &* 3 &+ j) &* 4 &+ r] }) { temporary[$0 &* 3 &+ j] = $1 }
        }
        for i in 0..<Tile.points {
          Tile.filter({ temporary[i &* 3 &+ $0] }) {
            access.store($1, target + (i &* Tile.points &+ $0) &* stride)
          }
        }
      }
    }
    guard columns.count >= 4 else {
      for row in Swift.stride(from: rows.lowerBound, to: rows.upperBound, by: 4) {
        transform(
          row, min(4, rows.upperBound &- row), 0, columns.count, PartialLane(count: columns.count))
      }
      return
    }
    // Sixteen columns of four rows at a time: whole lines of the cache are read and written.
    for block in Swift.stride(from: 0, to: columns.count, by: 16) {
      for row in Swift.stride(from: rows.lowerBound, to: rows.upperBound, by: 4) {
        for column in Swift.stride(from: block, to: min(columns.count, block + 16), by: 4) {
          transform(row, min(4, rows.upperBound &- row), min(column, columns.count &- 4), 4, WholeLane())
        }
      }
    }
  }
}

/// A filter part's gradient from its planes, G^T u G, of the rows (input channels) `rows`. The planes are the sums of as many
/// accumulators', added in order.
func transformFilterGradient<Tile: WinogradTile>(
  _: Tile.Type, _ planes: UnsafePointer<Float>, _ part: FilterPart, stride: Int, accumulators: Int,
  accumulatorStride: Int, ins: Int, outs: Int, rows: Range<Int>, into dFilter: UnsafeMutablePointer<Float>
) {
  withUnsafeTemporaryAllocation(of: Lane.self, capacity: 18) { temporary in
    let temporary = temporary.baseAddress!
    for row in rows {
      let (source, target) = (planes + row &* outs, dFilter + row &* outs)

      @inline(__always)
      func transform(_ channel: Int, _ access: some LaneAccess) {
        for j in 0..<Tile.points {
          Tile.filterGradient({
            let place = source + (($0 &* Tile.points &+ j) &* stride &+ channel)
            var sum = access.load(place)
            for accumulator in 1..<accumulators {
              sum += access.load(place + accumulator &* accumulatorStride)
            }
            return sum
          }) { temporary[$0 &* Tile.points &+ j] = $1 }
        }
        for i in 0..<3 {
          Tile.filterGradient({ temporary[i &* Tile.points &+ $0] }) {
            guard let tap = part.tap(i, $0) else { return }
            access.store($1, target + (tap &* ins &* outs &+ channel))
          }
        }
      }
      forEachLane(
        outs, whole: { transform($0, WholeLane()) }, partial: { transform(0, PartialLane(count: outs)) })
    }
  }
}
