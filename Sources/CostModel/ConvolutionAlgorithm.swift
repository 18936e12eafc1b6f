/// How a convolution is computed.
///
/// Errors are relative, in L2 over all of a result, against exact arithmetic, for sums of n products; u is half a unit in the
/// last place of a `Float`, 2^-24. The tests hold every algorithm to its bound, over forward pass and both gradients.
package enum ConvolutionAlgorithm: String, Hashable, Sendable, CaseIterable {
  /// Patches of a tile of outputs copied to rows, then one SGEMM a tile. Any kernel, stride and padding. Error below
  /// 1.5 sqrt(n) u.
  case im2col
  /// The activation is the matrix: one SGEMM. 1x1, stride 1, no padding. Error below 1.5 sqrt(n) u.
  case pointwise
  /// Winograd F(4x4, 3x3) (Lavin and Gray, 2016). 3x3, stride 1, padding 1. The transforms' coefficients, up to 8, cost
  /// three bits: error below 12 sqrt(n) u.
  case winograd4x4 = "winograd-4x4"
  /// Winograd F(2x2, 3x3). 3x3, stride 1, padding 1. Error below 2.5 sqrt(n) u.
  case winograd2x2 = "winograd-2x2"
}
