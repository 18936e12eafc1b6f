/// How a Winograd convolution F(tile x tile, 3 x 3) is cut (Lavin and Gray, 2016). The output is covered by tiles; each
/// tile's input, (tile + 2) squared pixels, is transformed into as many planes; in every plane the convolution is a
/// product of [tiles, inChannels] and [inChannels, outChannels].
///
/// A larger kernel is cut into parts of 3x3, zeros behind its edge. Each part is a convolution of the input moved by three pixels a
/// part, and their sum is formed in the planes: the parts' channels count as so many input channels, `ins`. A kernel
/// of 5x5 has four parts and takes 36% of the multiplications, one of 7x7 nine and 41%, one of 11x11 sixteen and 30%.
///
/// Few channels: a worker takes a block of tiles through all steps by itself, in its own scratch, which the second-level
/// cache holds. Many channels: the blocks are shared. All workers transform a block, then share out its planes'
/// products, then transform back; scratch does not grow with their number.
package struct WinogradCost: Hashable, Sendable {
  package let geometry: ConvolutionGeometry
  /// Edge of a tile of outputs: 4 or 2.
  package let tile: Int

  package init(_ geometry: ConvolutionGeometry, tile: Int) {
    self.geometry = geometry
    self.tile = tile
  }

  package var planes: Int { (tile + 2) * (tile + 2) }
  package var tileRows: Int { (geometry.outHeight + tile - 1) / tile }
  package var tileColumns: Int { (geometry.outWidth + tile - 1) / tile }
  package var tiles: Int { geometry.batch * tileRows * tileColumns }

  /// Parts of 3x3 in one direction.
  package var partsAcross: Int { (geometry.kernelSize + 2) / 3 }
  package var parts: Int { partsAcross * partsAcross }
  /// Parts that are transformed before a product: all their channels are its inner dimension, of which it should have some.
  package var partGroups: Blocks { Blocks(count: parts, size: 64 / max(1, geometry.inChannels)) }
  /// Input channels of all parts.
  package var ins: Int { parts * geometry.inChannels }
  /// Input channels of a group of parts.
  private var groupIns: Int { min(parts, partGroups.size) * geometry.inChannels }
  private var outs: Int { geometry.outChannels }

  /// Whether blocks are shared.
  package var isShared: Bool { groupIns * outs > 16_384 }

  /// Floats from a plane of `rows` x `columns` to the next. The extra line keeps equal places of all planes from falling
  /// into one set of the cache.
  private static func planeStride(rows: Int, columns: Int) -> Int { (rows * columns + 15) / 16 * 16 + 16 }

  /// A pixel of zeros stands for what sticks out of the image.
  package var zerosCount: Int { (max(geometry.inChannels, outs) + 15) / 16 * 16 }

  /// Tiles that are transformed as one item of work, where blocks are shared.
  package static let tilesPerItem = 8

  // MARK: Forward and input gradient

  /// Tiles of a block.
  package var blocks: Blocks {
    Blocks(count: tiles, size: isShared ? 128 : max(32, min(128, 4_096 / (groupIns + outs) / 16 * 16)))
  }

  /// Output channels whose transformed filter is held at a time: all, where blocks are not shared.
  package var stripes: Blocks { Blocks(count: outs, size: isShared ? 256 : outs) }

  /// Whether the output may be written over the input. Both have one shape, all of a block's input is transformed before any of its output
  /// is written, and blocks are runs of images or of an image's rows of tiles, of which the next one needs `haloFloats` of what the
  /// one before it overwrites.
  package var allowsInPlace: Bool {
    let hasSameShape =
      geometry.inChannels == outs && geometry.outHeight == geometry.height
      && geometry.outWidth == geometry.width
    guard hasSameShape, geometry.kernelSize == 3, stripes.blockCount == 1 else { return false }
    let perImage = tileRows * tileColumns
    if blocks.size % perImage == 0 { return true }
    return !isShared && perImage % blocks.size == 0 && blocks.size % tileColumns == 0
  }

  /// Blocks that one worker takes one after the other where the output goes over the input: those of an image.
  package var blocksInTurn: Int { max(1, tileRows * tileColumns / blocks.size) }

  /// The row of pixels above a block, which the block before it has overwritten, and the last of its own.
  package var haloFloats: Int {
    allowsInPlace && blocksInTurn > 1 ? 2 * geometry.width * geometry.inChannels : 0
  }

  private var stripeSize: Int { min(outs, stripes.size) }
  private var blockTiles: Int { min(tiles, blocks.size) }
  package var inputStride: Int { Self.planeStride(rows: blockTiles, columns: groupIns) }
  package var outputStride: Int { Self.planeStride(rows: blockTiles, columns: stripeSize) }
  package var filterStride: Int { Self.planeStride(rows: ins, columns: stripeSize) }

  /// Zeros, the filter's planes, then a block's: the input's, the output's.
  package var convolutionScratch: Scratch {
    let block = planes * (inputStride + outputStride)
    return Scratch(
      sharedFloats: zerosCount + planes * filterStride + (isShared ? block : 0),
      floatsPerWorker: isShared ? 0 : block)
  }

  /// Of a pass that may write over its input: with the halo behind a worker's block.
  package var inPlaceScratch: Scratch {
    var scratch = convolutionScratch
    if haloFloats > 0 {
      scratch = Scratch(
        sharedFloats: scratch.sharedFloats, floatsPerWorker: scratch.floatsPerWorker + haloFloats)
    }
    return scratch
  }

  // MARK: Weight gradient

  /// Chunks of tiles that have an accumulator each, where blocks are not shared: these are added in order.
  package var gradientChunks: Blocks {
    if isShared { return Blocks(count: tiles, size: max(1, tiles)) }
    return Blocks(count: tiles, atMost: maximumChunks, minimum: minimumChunkTiles)
  }

  private var maximumChunks: Int { ins * outs > 32_768 ? 2 : ins * outs > 8_192 ? 4 : 8 }
  private let minimumChunkTiles = 128
  private var accumulators: Int {
    isShared ? 1 : min(maximumChunks, (tiles + minimumChunkTiles - 1) / minimumChunkTiles)
  }

  /// Tiles of a block. Where there are several groups of parts, each block goes through the whole accumulator.
  package var gradientBlockTiles: Int { min(tiles, isShared ? 128 : partGroups.blockCount > 1 ? 64 : 32) }
  package var gradientInputStride: Int { Self.planeStride(rows: gradientBlockTiles, columns: groupIns) }
  package var gradientOutputStride: Int { Self.planeStride(rows: gradientBlockTiles, columns: outs) }
  package var gradientFilterStride: Int { Self.planeStride(rows: ins, columns: outs) }

  /// Zeros, the accumulators, then a block's planes: the input's, the output gradient's.
  package var weightGradientScratch: Scratch {
    let block = planes * (gradientInputStride + gradientOutputStride)
    return Scratch(
      sharedFloats: zerosCount + accumulators * planes * gradientFilterStride + (isShared ? block : 0),
      floatsPerWorker: isShared ? 0 : block)
  }
}
