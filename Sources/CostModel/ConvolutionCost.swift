/// Which of the three products of a convolution's training is meant.
package enum ConvolutionOperation: String, Hashable, Sendable, CaseIterable {
  case forward
  case inputGradient = "input-gradient"
  case weightGradient = "weight-gradient"
}

package enum ConvolutionCost {
  /// The algorithm that is fastest for these sizes, by a rule that knows shapes only, so that a plan is the same on every
  /// machine. `strict` excludes Winograd, whose rounding errors are several times those of the others.
  package static func chooseAlgorithm(
    _ geometry: ConvolutionGeometry, operation: ConvolutionOperation, strict: Bool
  ) -> ConvolutionAlgorithm {
    if geometry.kernelSize == 1 && geometry.stride == 1 && geometry.padding == 0 { return .pointwise }
    let isWinograd = geometry.kernelSize == 3 && geometry.stride == 1 && geometry.padding == 1
    guard isWinograd, !strict, min(geometry.inChannels, geometry.outChannels) >= 8 else { return .im2col }

    // Multiplications of each algorithm, in units of inChannels * outChannels.
    let direct = 9 * geometry.outRows
    let large = winogradMultiplications(geometry, tile: 4)
    let small = winogradMultiplications(geometry, tile: 2)
    // A Winograd product of few rows and its transforms cost half as much again as one of im2col's products.
    guard 3 * min(large, small) < 2 * direct else { return .im2col }
    return small <= large ? .winograd2x2 : .winograd4x4
  }

  /// The filter's transform takes as long as the products of a dozen tiles.
  private static func winogradMultiplications(_ geometry: ConvolutionGeometry, tile: Int) -> Int {
    let cost = WinogradCost(geometry, tile: tile)
    return cost.planes * (cost.tiles + 12)
  }
}
