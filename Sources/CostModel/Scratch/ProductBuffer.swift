/// What a thread touches of OpenBLAS' buffer in a product: the library copies a block of each factor there before it
/// multiplies. The buffer itself is reserved address space; only what was copied to counts.
package enum ProductBuffer {
  /// The library's largest block, P rows by Q columns: of single precision on AMD's Zen; Intel's lie within a factor of two.
  private static let blockRows = 320
  private static let blockDepth = 320
  /// Rows of a factor that are copied at a time where the other one fits a block.
  private static let narrowRows = 12

  /// - Parameters: of `C [m, n] = A [m, k] B [k, n]`, row major.
  package static func byteCount(m: Int, n: Int, k: Int) -> Int {
    // The library's matrices have their columns contiguous, so it takes ours for transposed ones: `n` counts its rows.
    byteCount(m: m, n: n, depth: block(k, limit: blockDepth), left: block(n, limit: blockRows))
  }

  /// Of products whose `n` and `k` are these or any smaller: less than two blocks may be copied in smaller ones than fewer.
  package static func byteCount(m: Int, nUpTo n: Int, kUpTo k: Int) -> Int {
    byteCount(m: m, n: n, depth: min(k, blockDepth), left: min(n, blockRows))
  }

  private static func byteCount(m: Int, n: Int, depth: Int, left: Int) -> Int {
    4 * depth * (left + (n > blockRows ? m : min(m, narrowRows)))
  }

  /// How many of `count` are copied at a time: a whole block, or half of what is more than one and less than two.
  private static func block(_ count: Int, limit: Int) -> Int {
    if count >= 2 * limit { return limit }
    return count > limit ? (count / 2 + 7) / 8 * 8 : count
  }
}

extension ProductBuffer {
  package static func convolutionForward(
    _ geometry: ConvolutionGeometry, _ algorithm: ConvolutionAlgorithm
  ) -> Int {
    switch algorithm {
    case .pointwise:
      byteCount(m: geometry.pointwiseBlocks.size, n: geometry.outChannels, k: geometry.inChannels)
    case .im2col:
      NarrowConvolutionCost(geometry) != nil
        ? 0
        : byteCount(
          m: geometry.im2colRowsPerBlock, n: geometry.outChannels, k: geometry.livePatchColumns.count)
    case .winograd4x4: winogradForward(WinogradCost(geometry, tile: 4))
    case .winograd2x2: winogradForward(WinogradCost(geometry, tile: 2))
    }
  }

  package static func convolutionInputGradient(
    _ geometry: ConvolutionGeometry, _ algorithm: ConvolutionAlgorithm
  ) -> Int {
    switch algorithm {
    case .pointwise:
      byteCount(m: geometry.pointwiseBlocks.size, n: geometry.inChannels, k: geometry.outChannels)
    case .im2col:
      geometry.transposedForward.map { convolutionForward($0, .im2col) }
        ?? byteCount(m: geometry.im2colRowsPerBlock, n: geometry.patchSize, k: geometry.outChannels)
    case .winograd4x4: winogradForward(WinogradCost(geometry.inputGradientForward, tile: 4))
    case .winograd2x2: winogradForward(WinogradCost(geometry.inputGradientForward, tile: 2))
    }
  }

  package static func convolutionWeightGradient(
    _ geometry: ConvolutionGeometry, _ algorithm: ConvolutionAlgorithm
  ) -> Int {
    switch algorithm {
    case .im2col where NarrowConvolutionCost(geometry) != nil: return 0
    case .pointwise, .im2col:
      let cost = WeightGradientCost(geometry)
      // The last rows of a chunk may be fewer.
      return byteCount(
        m: cost.stripes.size, nUpTo: geometry.outChannels, kUpTo: min(cost.rowsPerBlock, geometry.outRows))
    case .winograd4x4: return winogradWeightGradient(WinogradCost(geometry, tile: 4))
    case .winograd2x2: return winogradWeightGradient(WinogradCost(geometry, tile: 2))
    }
  }

  package static func convolution(
    _ operation: ConvolutionOperation, _ geometry: ConvolutionGeometry, _ algorithm: ConvolutionAlgorithm
  ) -> Int {
    switch operation {
    case .forward: convolutionForward(geometry, algorithm)
    case .inputGradient: convolutionInputGradient(geometry, algorithm)
    case .weightGradient: convolutionWeightGradient(geometry, algorithm)
    }
  }

  private static func winogradForward(_ cost: WinogradCost) -> Int {
    byteCount(
      m: min(cost.tiles, cost.blocks.size), n: min(cost.geometry.outChannels, cost.stripes.size),
      k: min(cost.parts, cost.partGroups.size) * cost.geometry.inChannels)
  }

  private static func winogradWeightGradient(_ cost: WinogradCost) -> Int {
    byteCount(
      m: min(cost.parts, cost.partGroups.size) * cost.geometry.inChannels, n: cost.geometry.outChannels,
      k: cost.gradientBlockTiles)
  }

  /// The output of a fully connected layer, or its input's gradient, is cut into tiles of at most 256 x 128.
  package static func linear(rows: Int, columns: Int, depth: Int) -> Int {
    byteCount(m: min(256, rows), n: min(128, columns), k: depth)
  }

  /// So is its weights' gradient, a sum over `rows` or fewer.
  package static func linearWeightGradient(rows: Int, inFeatures: Int, outFeatures: Int) -> Int {
    byteCount(m: min(256, outFeatures), nUpTo: min(128, inFeatures), kUpTo: rows)
  }

  /// Similarities of `rows` images or fewer, and the way back through them.
  package static func similarityLoss(rows: Int, features: Int) -> Int {
    max(
      byteCount(m: rows, nUpTo: rows, kUpTo: features), byteCount(m: rows, nUpTo: features, kUpTo: rows))
  }
}
