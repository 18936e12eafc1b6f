/// How im2col's convolutions of fewer than eight output channels are cut. Products of matrices that are so narrow run at a tenth of
/// what others do; here the output channels are the lanes of one vector, and the patches are read where a padded copy of a few rows of
/// the image has them.
package struct NarrowConvolutionCost: Hashable, Sendable {
  private let geometry: ConvolutionGeometry

  /// Nil where products serve.
  package init?(_ geometry: ConvolutionGeometry) {
    guard geometry.outChannels < 8 else { return nil }
    self.geometry = geometry
  }

  /// Lanes that hold the output channels.
  package var lanes: Int { geometry.outChannels <= 4 ? 4 : 8 }
  /// Floats of a row of the image with its padding.
  package var lineFloats: Int { (geometry.width + 2 * geometry.padding) * geometry.inChannels }
  private var outLineFloats: Int { geometry.outWidth * geometry.outChannels }

  /// Rows of output whose image rows are copied at a time: about 32 KiB of these.
  package var stripRows: Int {
    let lines = 8_192 / max(1, lineFloats)
    return max(1, min(geometry.outHeight, (lines - geometry.kernelSize) / geometry.stride + 1))
  }
  /// Rows of the image, padding included, that `rows` rows of output see.
  package func lines(of rows: Int) -> Int { (rows - 1) * geometry.stride + geometry.kernelSize }
  package var stripsPerImage: Blocks { Blocks(count: geometry.outHeight, size: stripRows) }

  /// Floats of the filter, its output channels filled up to whole vectors.
  package var filterFloats: Int { geometry.patchSize * lanes }
  /// Floats of a strip's copy.
  package var stripFloats: Int { lines(of: stripRows) * lineFloats }

  /// The filter and the bias; a strip's copy and a row of output a worker.
  package var forwardScratch: Scratch {
    Scratch(sharedFloats: filterFloats + lanes, floatsPerWorker: stripFloats + outLineFloats + lanes)
  }

  private var minimumChunkRows: Int { max(1, 256 / max(1, geometry.outWidth)) }

  /// Rows of output, over all images, that have an accumulator of their own.
  package var gradientChunks: Blocks {
    Blocks(count: geometry.batch * geometry.outHeight, atMost: 16, minimum: minimumChunkRows)
  }

  /// An accumulator a chunk; a strip's copy and a row of the output's gradient a worker.
  package var weightGradientScratch: Scratch {
    let chunks = min(
      16, Blocks(count: geometry.batch * geometry.outHeight, size: minimumChunkRows).blockCount)
    return Scratch(
      sharedFloats: chunks * filterFloats, floatsPerWorker: stripFloats + outLineFloats + lanes)
  }
}
