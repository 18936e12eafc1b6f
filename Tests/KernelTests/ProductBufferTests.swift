import CostModel
import Testing

/// What a thread touches of the library's buffer is planned for whole batches; products of the last, smaller one may be cut into
/// larger blocks.
@Suite("Bounds of the product buffer")
struct ProductBufferTests {
  @Test func hasRoomForAllSmallerProducts() {
    for (m, n) in [(8, 12), (400, 400), (64, 639), (256, 1000)] {
      var largest = 0
      for k in 1...1000 {
        largest = max(largest, ProductBuffer.byteCount(m: m, n: n, k: k))
        #expect(ProductBuffer.byteCount(m: m, nUpTo: n, kUpTo: k) >= largest, "\(m) \(n) \(k)")
      }
    }
    // Half of 400 is copied at a time, and all of 320.
    #expect(ProductBuffer.byteCount(m: 64, n: 64, k: 400) < ProductBuffer.byteCount(m: 64, n: 64, k: 320))
  }

  /// Of sums over the images of a batch, or over their pixels.
  @Test func neverFallsWithMoreImages() {
    func geometry(_ batch: Int, _ algorithm: ConvolutionAlgorithm) -> ConvolutionGeometry {
      ConvolutionGeometry(
        batch: batch, height: 4, width: 4, inChannels: 24, outChannels: 24,
        kernelSize: algorithm == .pointwise ? 1 : 3, stride: 1, padding: algorithm == .pointwise ? 0 : 1)
    }
    let figures: [(Int) -> Int] =
      ConvolutionAlgorithm.allCases.map { algorithm in
        { ProductBuffer.convolutionWeightGradient(geometry($0, algorithm), algorithm) }
      } + [
        { ProductBuffer.linearWeightGradient(rows: $0, inFeatures: 64, outFeatures: 10) },
        { ProductBuffer.similarityLoss(rows: $0, features: 90) },
      ]
    for figure in figures {
      var largest = 0
      for images in 1...700 {
        #expect(figure(images) >= largest, "\(images)")
        largest = figure(images)
      }
    }
  }
}
