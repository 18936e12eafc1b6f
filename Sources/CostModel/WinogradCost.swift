/// How a Winograd convolution F(tile x tile, 3 x 3) is cut (Lavin and Gray, 2016). The output is covered by tiles; each
/// tile's input, (tile + 2) squared pixels, is transformed into as many planes; in every plane the convolution is a
/// product of [tiles, inChannels] and [inChannels, outChannels].
package struct WinogradCost: Hashable, Sendable {
  package let geometry: ConvolutionGeometry
  /// Edge of a tile of outputs: 4 or 2.
  package let tile: Int

  package init(_ geometry: ConvolutionGeometry, tile: Int) {
    self.geometry = geometry
    self.tile = tile
  }

  package var planes: Int { (tile + 2) * (tile + 2) }
  package var tileRows: Int { (geometry.height + tile - 1) / tile }
  package var tileColumns: Int { (geometry.width + tile - 1) / tile }
  package var tiles: Int { geometry.batch * tileRows * tileColumns }

  /// Floats from a plane of `rows` x `columns` to the next. The extra line keeps equal places of all planes from falling
  /// into one set of the cache.
  package static func planeStride(rows: Int, columns: Int) -> Int { (rows * columns + 15) / 16 * 16 + 16 }

  // MARK: Forward and input gradient

  /// Where the transformed filter is small, it is made once, and each worker takes blocks of tiles from the transform of
  /// the input to that of the output. Where it is large, it is made stripe by stripe of output channels while a block
  /// of transformed input serves all stripes: it needs neither much memory nor many tiles to keep all workers busy.
  package var isStriped: Bool { geometry.inChannels * geometry.outChannels > 32_768 }

  /// Tiles of a block.
  package var blocks: Blocks {
    if isStriped { return Blocks(count: tiles, size: 128) }
    return Blocks(
      count: tiles, size: max(32, min(128, 8_192 / (geometry.inChannels + geometry.outChannels) / 16 * 16)))
  }

  /// Output channels of a stripe.
  package var stripes: Blocks { Blocks(count: geometry.outChannels, size: 64) }

  /// Tiles that are transformed as one item of work, where the block is shared.
  package static let tilesPerItem = 8

  private var blockTiles: Int { min(tiles, blocks.size) }
  package var inputStride: Int { Self.planeStride(rows: blockTiles, columns: geometry.inChannels) }
  package var outputStride: Int {
    Self.planeStride(rows: blockTiles, columns: isStriped ? stripes.size : geometry.outChannels)
  }
  package var filterStride: Int {
    Self.planeStride(rows: geometry.inChannels, columns: isStriped ? stripes.size : geometry.outChannels)
  }

  /// A pixel of zeros for what sticks out of the picture, then planes.
  package var convolutionScratch: Scratch {
    if isStriped {
      Scratch(
        sharedFloats: zerosCount + planes * inputStride,
        floatsPerWorker: planes * (filterStride + outputStride))
    } else {
      Scratch(
        sharedFloats: zerosCount + planes * filterStride,
        floatsPerWorker: planes * (inputStride + outputStride))
    }
  }

  package var zerosCount: Int { (max(geometry.inChannels, geometry.outChannels) + 15) / 16 * 16 }

  // MARK: Weight gradient

  /// Tiles of a block, whose two transforms all workers fill and then multiply plane by plane.
  package var gradientBlocks: Blocks {
    Blocks(
      count: tiles, size: max(128, min(512, 65_536 / (geometry.inChannels + geometry.outChannels) / 16 * 16)))
  }

  private var gradientBlockTiles: Int { min(tiles, gradientBlocks.size) }
  package var gradientInputStride: Int {
    Self.planeStride(rows: gradientBlockTiles, columns: geometry.inChannels)
  }
  package var gradientOutputStride: Int {
    Self.planeStride(rows: gradientBlockTiles, columns: geometry.outChannels)
  }
  package var gradientFilterStride: Int {
    Self.planeStride(rows: geometry.inChannels, columns: geometry.outChannels)
  }

  /// Zeros, the planes of a block, and those of the sum.
  package var weightGradientScratch: Scratch {
    Scratch(
      sharedFloats: zerosCount + planes * (gradientInputStride + gradientOutputStride + gradientFilterStride))
  }
}
