import TestSupport
import Testing

/// `⟨Ax, y⟩ = ⟨x, Aᵀy⟩`: a linear operation's backward is its transpose, to rounding and for any shape.
@Suite struct ReferenceAdjointTests {
  private let bound = 1e-13

  private func expectAdjoint(
    _ x: Images, _ y: Images, _ forward: (Images) -> Images, _ backward: (Images) -> Images,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let (ax, aty) = (forward(x), backward(y))
    let scale =
      innerProduct(ax.values, ax.values).squareRoot() * innerProduct(y.values, y.values).squareRoot()
    let difference = abs(innerProduct(ax.values, y.values) - innerProduct(x.values, aty.values))
    #expect(difference <= bound * scale, sourceLocation: sourceLocation)
  }

  @Test(arguments: [1, 2, 3, 5, 7], [1, 2])
  func convolution(kernelSize: Int, stride: Int) {
    var random = SplitMix64(seed: UInt64(10 * kernelSize + stride))
    let convolution = ReferenceConvolution(
      outChannels: 4, kernelSize: kernelSize, stride: stride, padding: kernelSize / 2)
    let filter = random.uniform(count: convolution.filterCount(inChannels: 3))
    let x = random.images(2, 9, 7, 3)
    let y = random.images(2, convolution.outExtent(9), convolution.outExtent(7), 4)
    expectAdjoint(x, y) {
      Reference.convolutionForward($0, filter: filter, convolution)
    } _: {
      Reference.convolutionInputGradient(
        outputGradient: $0, filter: filter, height: 9, width: 7, inChannels: 3, convolution)
    }
    // Linear in the filter as well.
    let dFilter = Reference.convolutionWeightGradient(x, outputGradient: y, convolution)
    let product = innerProduct(Reference.convolutionForward(x, filter: filter, convolution).values, y.values)
    #expect(abs(product - innerProduct(filter, dFilter)) < 1e-11)
  }

  @Test(arguments: [(8, 8, 2, 2), (7, 9, 2, 2), (13, 5, 4, 3), (3, 3, 1, 1), (1, 2, 2, 2)])
  func adaptiveAveragePool(height: Int, width: Int, outHeight: Int, outWidth: Int) {
    var random = SplitMix64(seed: 20)
    expectAdjoint(random.images(2, height, width, 3), random.images(2, outHeight, outWidth, 3)) {
      Reference.adaptiveAveragePoolForward($0, outHeight: outHeight, outWidth: outWidth)
    } _: {
      Reference.adaptiveAveragePoolBackward(outputGradient: $0, height: height, width: width)
    }
  }

  @Test func spaceToDepth() {
    var random = SplitMix64(seed: 30)
    expectAdjoint(random.images(2, 6, 8, 3), random.images(2, 3, 4, 12)) {
      Reference.spaceToDepth($0)
    } _: {
      Reference.depthToSpace($0)
    }
  }
}
