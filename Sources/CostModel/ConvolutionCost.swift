/// Which of the three products of a convolution's training is meant.
package enum ConvolutionOperation: String, Hashable, Sendable, CaseIterable {
  case forward
  case inputGradient = "input-gradient"
  case weightGradient = "weight-gradient"
}

package enum ConvolutionCost {
  /// The algorithm that is fastest for these sizes, by a rule that knows shapes only, so that a plan is the same on every
  /// machine. `strict` excludes Winograd, whose rounding errors are some ten times those of the others.
  package static func chooseAlgorithm(
    _ geometry: ConvolutionGeometry, operation: ConvolutionOperation, strict: Bool
  ) -> ConvolutionAlgorithm {
    if geometry.kernelSize == 1 && geometry.stride == 1 && geometry.padding == 0 { return .pointwise }
    return .im2col
  }
}
