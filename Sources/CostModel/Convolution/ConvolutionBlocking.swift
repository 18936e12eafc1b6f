// How im2col and pointwise convolutions cut their work. The kernels and the planner both read it here.

/// Up to so many multiply-adds OpenBLAS multiplies matrices as they lie, without packing them first, on processors with
/// AVX-512: half as fast again where the matrices are small.
private let unpackedMultiplyAdds = 1_000_000

/// Rows of a product that takes `multiplyAddsPerRow`: at most `limit`, and few enough to go without packing where that
/// leaves enough of them.
private func unpackedRows(_ multiplyAddsPerRow: Int, atMost limit: Int) -> Int {
  let unpacked = unpackedMultiplyAdds / max(1, multiplyAddsPerRow) / 16 * 16
  return unpacked >= 64 ? min(limit, unpacked) : limit
}

extension ConvolutionGeometry {
  /// Rows of output whose patches are gathered before one product: about 512 KiB of patches, but enough rows that the
  /// product's packing of the filter does not show.
  package var im2colRowsPerBlock: Int {
    let columns = max(1, livePatchColumns.count)
    let affordable = max(128, min(512, 131_072 / columns / 16 * 16))
    return max(1, min(outRows, unpackedRows(columns * outChannels, atMost: affordable)))
  }

  /// Output rows of an im2col or pointwise forward pass.
  package var im2colBlocks: Blocks { Blocks(count: outRows, size: im2colRowsPerBlock) }

  /// Rows of a pointwise product.
  package var pointwiseBlocks: Blocks {
    Blocks(count: outRows, size: unpackedRows(inChannels * outChannels, atMost: 256))
  }

  /// The convolution, forward, that computes this one's input gradient from a filter turned by half a circle with its
  /// channels swapped. Only stride 1 has one; a greater stride scatters.
  package var transposedForward: ConvolutionGeometry? {
    guard stride == 1, padding < kernelSize else { return nil }
    return ConvolutionGeometry(
      batch: batch, height: outHeight, width: outWidth, inChannels: outChannels, outChannels: inChannels,
      kernelSize: kernelSize, stride: 1, padding: kernelSize - 1 - padding)
  }

  /// `transposedForward` of a convolution that has one.
  package var inputGradientForward: ConvolutionGeometry {
    guard let transposed = transposedForward else {
      preconditionFailure("only convolutions of stride 1 are computed by Winograd")
    }
    return transposed
  }

  /// Images that one worker scatters an input gradient for: enough that their products have 128 rows.
  package var imagesPerScatter: Blocks {
    Blocks(count: batch, size: (127 + outHeight * outWidth) / max(1, outHeight * outWidth))
  }
}

/// How the weight gradient of an im2col or pointwise convolution, dF [patchSize, outChannels] = patches^T dY, is cut.
///
/// Where dF is small, the rows are cut into a fixed number of chunks that each have an accumulator, and these are added in
/// order. Where it is large, its rows are cut into stripes instead, each of which takes all rows of the images: there is
/// one accumulator and nothing to merge. Of patches and dF only the columns and rows that hold more than padding are meant.
package struct WeightGradientCost: Hashable, Sendable {
  /// Chunks of output rows; more than one only where there is one stripe.
  package let rowChunks: Blocks
  /// Stripes of dF's rows, which are columns of the patches.
  package let stripes: Blocks
  /// Output rows whose patches are gathered before one product.
  package let rowsPerBlock: Int
  private let filterCount: Int
  private let accumulatorLimit: Int

  package init(_ geometry: ConvolutionGeometry) {
    let patchSize = geometry.livePatchColumns.count
    filterCount = patchSize * geometry.outChannels
    let affordable = min(16, 1_048_576 / max(1, filterCount))
    if affordable >= 8 {
      rowChunks = Blocks(count: geometry.outRows, atMost: affordable, minimum: 256)
      accumulatorLimit = min(affordable, (geometry.outRows + 255) / 256)
      stripes = Blocks(count: patchSize, size: patchSize)
    } else {
      rowChunks = Blocks(count: geometry.outRows, size: max(1, geometry.outRows))
      accumulatorLimit = 1
      stripes = Blocks(count: patchSize, size: max(64, min(256, (patchSize + 7) / 8)))
    }
    rowsPerBlock = unpackedRows(
      stripes.size * geometry.outChannels, atMost: min(512, max(128, 131_072 / stripes.size / 16 * 16)))
  }

  /// Partial sums, where there is more than one chunk.
  package var accumulatorScratch: Scratch {
    Scratch(sharedFloats: accumulatorLimit > 1 ? accumulatorLimit * filterCount : 0)
  }

  /// Partial sums, and a block of patches a worker.
  package var scratch: Scratch {
    Scratch(sharedFloats: accumulatorScratch.sharedFloats, floatsPerWorker: rowsPerBlock * stripes.size)
  }
}
