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
    guard geometry.allowsWinograd, !strict, geometry.suitsWinograd else { return .im2col }

    // Multiplications of each algorithm, in units of inChannels * outChannels.
    let direct = geometry.kernelSize * geometry.kernelSize * geometry.outRows
    let large = winogradMultiplications(geometry, tile: 4)
    let small = winogradMultiplications(geometry, tile: 2)
    // A Winograd product of few rows and its transforms cost half as much again as one of im2col's products.
    guard 3 * min(large, small) < 2 * direct else { return .im2col }
    return small <= large ? .winograd2x2 : .winograd4x4
  }

  /// The filter's transform takes as long as the products of a dozen tiles.
  private static func winogradMultiplications(_ geometry: ConvolutionGeometry, tile: Int) -> Int {
    let cost = WinogradCost(geometry, tile: tile)
    return cost.planes * cost.parts * (cost.tiles + 12)
  }
}

extension ConvolutionGeometry {
  /// What the Winograd kernels compute: kernels of 3x3 and more, stride 1, a padding that an input gradient can have as well.
  package var allowsWinograd: Bool { kernelSize >= 3 && stride == 1 && padding < kernelSize }

  /// Sizes at which the transforms pay. 3x3 without the padding that keeps the size stays with im2col, as do larger kernels of so many channels
  /// that their transforms would take more memory than the images.
  fileprivate var suitsWinograd: Bool {
    if kernelSize == 3 { return padding == 1 && min(inChannels, outChannels) >= 8 }
    let parts = WinogradCost(self, tile: 4).parts
    return min(parts * inChannels, outChannels) >= 8 && parts * inChannels * outChannels <= 65_536
  }
}

extension ConvolutionGeometry {
  /// Multiply-adds of the products that an algorithm really forms, over the whole batch: Winograd's are of its planes, tiles
  /// that stick out of the image included. Transforms are not counted, they are no products.
  package func executedMultiplyAdds(
    _ operation: ConvolutionOperation, _ algorithm: ConvolutionAlgorithm
  ) -> Int {
    func winograd(_ tile: Int) -> Int {
      let cost = WinogradCost(operation == .inputGradient ? inputGradientForward : self, tile: tile)
      return cost.planes * cost.tiles * cost.ins * cost.geometry.outChannels
    }
    switch algorithm {
    case .winograd4x4: return winograd(4)
    case .winograd2x2: return winograd(2)
    case .pointwise: return multiplyAdds
    case .im2col:
      switch operation {
      case .forward, .weightGradient: return outRows * livePatchColumns.count * outChannels
      // A convolution of the gradient, which has as many results as the input has elements.
      case .inputGradient: return transposedForward?.executedMultiplyAdds(.forward, .im2col) ?? multiplyAdds
      }
    }
  }
}
