import CostModel
import Testing

/// The rule that chooses a convolution's algorithm.
struct KernelChoiceTests {
  private func choice(
    _ batch: Int, _ size: Int, _ ins: Int, _ outs: Int, kernel: Int = 3, stride: Int = 1, strict: Bool = false
  ) -> ConvolutionAlgorithm {
    let geometry = ConvolutionGeometry(
      batch: batch, height: size, width: size, inChannels: ins, outChannels: outs, kernelSize: kernel,
      stride: stride,
      padding: kernel / 2)
    return ConvolutionCost.chooseAlgorithm(geometry, strict: strict)
  }

  @Test func largeImagesTakeLargeTiles() {
    #expect(choice(128, 32, 64, 64) == .winograd4x4)
    #expect(choice(128, 4, 512, 512) == .winograd4x4)
    #expect(choice(16, 7, 512, 512) == .winograd4x4)
  }

  @Test func tilesThatWouldStickOutAreSmall() {
    #expect(choice(128, 2, 512, 512) == .winograd2x2)
    #expect(choice(128, 6, 64, 64) == .winograd2x2)
    #expect(choice(128, 1, 512, 512) == .im2col)
  }

  @Test func theRestIsIm2colOrPointwise() {
    #expect(choice(128, 32, 3, 64) == .im2col)
    #expect(choice(128, 32, 64, 64, stride: 2) == .im2col)
    #expect(choice(1, 4, 512, 512) == .im2col)
    #expect(choice(128, 8, 64, 64, kernel: 1) == .pointwise)
    #expect(choice(128, 8, 64, 64, kernel: 1, stride: 2) == .im2col)
  }

  @Test func largeKernelsAreTakenApart() {
    for kernel in [5, 7, 9, 11] {
      #expect(choice(128, 32, 32, 32, kernel: kernel) == .winograd4x4)
      // Four parts of three channels are channels enough.
      #expect(choice(128, 32, 3, 32, kernel: kernel) == .winograd4x4)
    }
    // Here the parts' filters would take hundreds of megabytes.
    #expect(choice(128, 32, 512, 512, kernel: 5) == .im2col)
    #expect(choice(128, 32, 64, 64, kernel: 5, stride: 2) == .im2col)
    #expect(choice(128, 32, 64, 7, kernel: 5) == .im2col)
  }

  @Test func strictExcludesWinograd() {
    #expect(choice(128, 32, 64, 64, kernel: 5, strict: true) == .im2col)
    #expect(choice(128, 32, 64, 64, strict: true) == .im2col)
    #expect(choice(128, 8, 64, 64, kernel: 1, strict: true) == .pointwise)
  }
}
