/// How a convolution is computed.
///
/// Errors are in L2 over all of a result, against exact arithmetic, for sums of n products; u is half a unit in the last place
/// of a `Float`, 2^-24. They are relative to what is added up: to the norm of the same convolution of magnitudes, |x| * |f|.
/// Where products cancel, because one operand has a mean and the other adds up to zero, the result is smaller than that, and
/// its relative error larger by as much. For operands of both signs that have no mean there is a bound relative to the result
/// itself. The tests hold every algorithm to both, over forward pass and both gradients; the bounds are about twice of what was
/// measured.
package enum ConvolutionAlgorithm: String, Hashable, Sendable, CaseIterable {
  /// Patches of a tile of outputs copied to rows, then one SGEMM a tile. Any kernel, stride and padding. Error below
  /// 0.5 sqrt(n) u; without means below 1.3 sqrt(n) u of the result.
  case im2col
  /// The activation is the matrix: one SGEMM. 1x1, stride 1, no padding. Errors as of `im2col`.
  case pointwise
  /// Winograd F(4x4, 3x3) (Lavin and Gray, 2016). Stride 1; kernels larger than 3x3 in parts of 3x3. The transforms' coefficients, up to 8, cost
  /// three bits: error below 1.5 sqrt(n) u; without means below 10.5 sqrt(n) u of the result.
  case winograd4x4 = "winograd-4x4"
  /// Winograd F(2x2, 3x3), for the same convolutions. Error below 0.6 sqrt(n) u; without means below 1.6 sqrt(n) u of the result.
  case winograd2x2 = "winograd-2x2"

  /// Edge of a tile of outputs; nil for others.
  package var winogradTile: Int? {
    switch self {
    case .im2col, .pointwise: nil
    case .winograd4x4: 4
    case .winograd2x2: 2
    }
  }
}
