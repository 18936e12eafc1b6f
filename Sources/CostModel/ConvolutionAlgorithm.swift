/// How a convolution is computed.
package enum ConvolutionAlgorithm: String, Hashable, Sendable, CaseIterable {
  /// Patches of a tile of outputs copied to rows, then one SGEMM a tile. Any kernel, stride and padding.
  case im2col
  /// The activation is the matrix: one SGEMM. 1x1, stride 1, no padding.
  case pointwise
  /// Winograd F(4x4, 3x3) (Lavin and Gray, 2016). 3x3, stride 1, padding 1.
  case winograd4x4 = "winograd-4x4"
  /// Winograd F(2x2, 3x3). 3x3, stride 1, padding 1.
  case winograd2x2 = "winograd-2x2"
}
