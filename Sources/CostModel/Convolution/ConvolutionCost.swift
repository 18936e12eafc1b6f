/// Which of the three products of a convolution's training is meant.
package enum ConvolutionOperation: String, Hashable, Sendable, CaseIterable {
  case forward
  case inputGradient = "input-gradient"
  case weightGradient = "weight-gradient"
}

package enum ConvolutionCost {
  /// The algorithm that is fastest for these sizes, forward and backward, by a rule that knows shapes only, so that a plan is the same on every
  /// machine. `strict` excludes Winograd, whose rounding errors are several times those of the others.
  package static func chooseAlgorithm(
    _ geometry: ConvolutionGeometry, strict: Bool
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

extension ConvolutionGeometry {
  /// Multiply-adds of the products that an algorithm really forms, over the whole batch: Winograd's are of its planes, tiles
  /// that stick out of the picture included. Transforms are not counted, they are no products.
  package func executedMultiplyAdds(
    _ operation: ConvolutionOperation, _ algorithm: ConvolutionAlgorithm
  ) -> Int {
    func winograd(_ tile: Int) -> Int {
      let cost = WinogradCost(self, tile: tile)
      return cost.planes * cost.tiles * inChannels * outChannels
    }
    switch algorithm {
    case .winograd4x4: return winograd(4)
    case .winograd2x2: return winograd(2)
    case .pointwise: return multiplyAdds
    case .im2col:
      switch operation {
      case .forward, .weightGradient: return multiplyAdds
      // A convolution of the gradient, which has as many results as the input has elements.
      case .inputGradient: return transposedForward?.multiplyAdds ?? multiplyAdds
      }
    }
  }
}
