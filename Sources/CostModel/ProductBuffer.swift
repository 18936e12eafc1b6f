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
    let depth = block(k, limit: blockDepth)
    let left = block(n, limit: blockRows)
    let right = n > blockRows ? m : min(m, narrowRows)
    return 4 * depth * (left + right)
  }

  /// How many of `count` are copied at a time: a whole block, or half of what is more than one and less than two.
  private static func block(_ count: Int, limit: Int) -> Int {
    if count >= 2 * limit { return limit }
    return count > limit ? (count / 2 + 7) / 8 * 8 : count
  }
}

extension ProductBuffer {
  /// The other products of convolutions are Strata's own and copy nothing.
  package static func convolutionWeightGradient(
    _ geometry: ConvolutionGeometry, _ algorithm: ConvolutionAlgorithm
  ) -> Int {
    switch algorithm {
    case .pointwise, .im2col:
      let cost = WeightGradientCost(geometry)
      return byteCount(
        m: cost.stripes.size, n: geometry.outChannels, k: min(cost.rowsPerBlock, geometry.outRows))
    case .winograd4x4, .winograd2x2: return 0
    }
  }

  /// The output of a fully connected layer, or one of its gradients, is cut into tiles of at most 256 x 128.
  package static func linear(rows: Int, columns: Int, depth: Int) -> Int {
    byteCount(m: min(256, rows), n: min(128, columns), k: depth)
  }
}
