import CostModel
import Kernels
import Testing

/// Convolutions of every algorithm against naive loops in double precision.
struct KernelConvolutionTests {
  private struct Reference {
    let g: ConvolutionGeometry

    /// Calls `body(x index, filter position * inChannels offset, y index)` for every pixel that a filter tap meets.
    private func forEachTap(_ body: (_ x: Int, _ tap: Int, _ y: Int) -> Void) {
      for n in 0..<g.batch {
        for i in 0..<g.outHeight {
          for j in 0..<g.outWidth {
            for ky in 0..<g.kernelSize {
              for kx in 0..<g.kernelSize {
                let (row, column) = (i * g.stride + ky - g.padding, j * g.stride + kx - g.padding)
                guard row >= 0, row < g.height, column >= 0, column < g.width else { continue }
                body(
                  ((n * g.height + row) * g.width + column) * g.inChannels,
                  (ky * g.kernelSize + kx) * g.inChannels * g.outChannels,
                  ((n * g.outHeight + i) * g.outWidth + j) * g.outChannels)
              }
            }
          }
        }
      }
    }

    /// Pointers, because unoptimised array accesses would take most of the suite's time.
    private func sums(_ count: Int, _ body: (UnsafeMutablePointer<Double>) -> Void) -> [Double] {
      [Double](unsafeUninitializedCapacity: count) { buffer, initialized in
        buffer.initialize(repeating: 0)
        body(buffer.baseAddress!)
        initialized = count
      }
    }

    func forward(_ x: Floats, _ filter: Floats, _ bias: Floats?, relu: Bool) -> [Double] {
      sums(g.outRows * g.outChannels) { y in
        forEachTap { xi, tap, yi in
          for c in 0..<g.inChannels {
            let (value, taps, target) = (x[xi + c], filter.pointer + (tap + c * g.outChannels), y + yi)
            for k in 0..<g.outChannels { target[k] += value * Double(taps[k]) }
          }
        }
        for i in 0..<g.outRows * g.outChannels {
          y[i] += bias?[i % g.outChannels] ?? 0
          if relu { y[i] = max(0, y[i]) }
        }
      }
    }

    func inputGradient(_ dy: Floats, _ filter: Floats) -> [Double] {
      sums(g.inRows * g.inChannels) { dx in
        forEachTap { xi, tap, yi in
          for c in 0..<g.inChannels {
            let (taps, source) = (filter.pointer + (tap + c * g.outChannels), dy.pointer + yi)
            var sum = 0.0
            for k in 0..<g.outChannels { sum += Double(source[k]) * Double(taps[k]) }
            dx[xi + c] += sum
          }
        }
      }
    }

    func weightGradient(_ x: Floats, _ dy: Floats) -> [Double] {
      sums(g.patchSize * g.outChannels) { dFilter in
        forEachTap { xi, tap, yi in
          for c in 0..<g.inChannels {
            let (value, target, source) = (x[xi + c], dFilter + (tap + c * g.outChannels), dy.pointer + yi)
            for k in 0..<g.outChannels { target[k] += value * Double(source[k]) }
          }
        }
      }
    }
  }

  private static func geometry(
    _ batch: Int, _ height: Int, _ width: Int, _ ins: Int, _ outs: Int, kernel: Int = 3, stride: Int = 1,
    padding: Int? = nil
  ) -> ConvolutionGeometry {
    ConvolutionGeometry(
      batch: batch, height: height, width: width, inChannels: ins, outChannels: outs, kernelSize: kernel,
      stride: stride, padding: padding ?? kernel / 2)
  }

  static let any = [
    geometry(2, 8, 8, 3, 16), geometry(3, 7, 7, 16, 24), geometry(2, 14, 10, 8, 8), geometry(5, 2, 2, 32, 32),
    geometry(4, 1, 1, 16, 16), geometry(2, 9, 11, 5, 7, stride: 2),
    geometry(2, 12, 12, 3, 10, kernel: 7, stride: 2),
    geometry(2, 9, 9, 4, 9, kernel: 5), geometry(3, 8, 8, 16, 8, kernel: 1, stride: 2, padding: 0),
    geometry(2, 10, 7, 12, 20, kernel: 3, padding: 0), geometry(1, 6, 6, 8, 8, kernel: 3, padding: 2),
    geometry(2, 11, 11, 6, 6, kernel: 5, stride: 3, padding: 1), geometry(40, 8, 8, 3, 16),
    geometry(6, 4, 4, 130, 130), geometry(2, 6, 5, 3, 4, kernel: 2, stride: 2, padding: 0),
    geometry(2, 5, 5, 8, 8, kernel: 1, stride: 1, padding: 1),
    geometry(2, 13, 6, 4, 4, kernel: 1, stride: 3, padding: 0),
  ]
  static let pointwise = [
    geometry(3, 8, 8, 16, 24, kernel: 1), geometry(2, 5, 7, 5, 3, kernel: 1),
    geometry(3, 9, 9, 400, 380, kernel: 1),
    geometry(40, 8, 8, 8, 8, kernel: 1),
  ]
  static let same3x3 = [
    geometry(2, 8, 8, 3, 16), geometry(3, 7, 7, 16, 24), geometry(2, 14, 10, 8, 8), geometry(5, 2, 2, 32, 32),
    geometry(4, 1, 1, 16, 16), geometry(2, 5, 9, 5, 7), geometry(1, 13, 3, 10, 33),
    geometry(40, 8, 8, 16, 16),
    geometry(2, 6, 6, 130, 70), geometry(1, 10, 10, 48, 64),
  ]
  static let cases: [(ConvolutionGeometry, ConvolutionAlgorithm)] =
    any.map { ($0, .im2col) } + pointwise.map { ($0, .pointwise) } + pointwise.map { ($0, .im2col) }
    + same3x3.map { ($0, .winograd4x4) } + same3x3.map { ($0, .winograd2x2) }

  /// Rounding errors against the result's size.
  private func tolerance(_ algorithm: ConvolutionAlgorithm) -> Double {
    switch algorithm {
    case .im2col, .pointwise: 1e-6
    case .winograd4x4: 1e-5
    case .winograd2x2: 2e-6
    }
  }

  @Test(arguments: cases)
  func forwardMatchesNaiveLoops(_ g: ConvolutionGeometry, _ algorithm: ConvolutionAlgorithm) {
    let x = Floats(count: g.inRows * g.inChannels, seed: 1)
    let filter = Floats(count: g.patchSize * g.outChannels, seed: 2)
    let bias = Floats(count: g.outChannels, seed: 3)
    let scratch = KernelScratch.convolutionForward(g, algorithm)
    for (hasBias, relu) in [(false, false), (true, true)] {
      let y = sameBits(scratch, outputs: [Floats(count: g.outRows * g.outChannels)]) { outputs, context in
        convolutionForward(
          x: x.pointer, filter: filter.pointer, bias: hasBias ? UnsafePointer(bias.pointer) : nil,
          y: outputs[0].pointer, relu: relu, geometry: g, algorithm: algorithm, context: context)
      }
      let expected = Reference(g: g).forward(
        x, filter, hasBias ? bias : nil, relu: relu)
      #expect(relativeError(y[0], expected) < tolerance(algorithm))
    }
  }

  @Test(arguments: cases)
  func inputGradientMatchesNaiveLoops(_ g: ConvolutionGeometry, _ algorithm: ConvolutionAlgorithm) {
    let dy = Floats(count: g.outRows * g.outChannels, seed: 4)
    let filter = Floats(count: g.patchSize * g.outChannels, seed: 5)
    let scratch = KernelScratch.convolutionInputGradient(g, algorithm)
    let dx = sameBits(scratch, outputs: [Floats(count: g.inRows * g.inChannels)]) { outputs, context in
      convolutionInputGradient(
        dy: dy.pointer, filter: filter.pointer, dx: outputs[0].pointer, geometry: g, algorithm: algorithm,
        context: context)
    }
    #expect(
      relativeError(dx[0], Reference(g: g).inputGradient(dy, filter)) < tolerance(algorithm))
  }

  @Test(arguments: cases)
  func weightGradientMatchesNaiveLoops(_ g: ConvolutionGeometry, _ algorithm: ConvolutionAlgorithm) {
    let x = Floats(count: g.inRows * g.inChannels, seed: 6)
    let dy = Floats(count: g.outRows * g.outChannels, seed: 7)
    let scratch = KernelScratch.convolutionWeightGradient(g, algorithm)
    let dFilter = sameBits(scratch, outputs: [Floats(count: g.patchSize * g.outChannels)]) {
      outputs, context in
      convolutionWeightGradient(
        x: x.pointer, dy: dy.pointer, dFilter: outputs[0].pointer, geometry: g, algorithm: algorithm,
        context: context)
    }
    #expect(
      relativeError(dFilter[0], Reference(g: g).weightGradient(x, dy)) < tolerance(algorithm))
  }

  /// Many channels, many tiles: more than one block, and more than one stripe of output channels.
  static let large = [
    geometry(20, 8, 8, 130, 140), geometry(9, 15, 13, 72, 260), geometry(3, 14, 14, 260, 72),
    geometry(70, 6, 6, 64, 64),
  ]

  /// im2col is checked against naive loops above, which would take too long here.
  @Test(arguments: large, [ConvolutionAlgorithm.winograd4x4, .winograd2x2])
  func largeWinogradMatchesIm2col(_ g: ConvolutionGeometry, _ algorithm: ConvolutionAlgorithm) {
    let x = Floats(count: g.inRows * g.inChannels, seed: 8)
    let dy = Floats(count: g.outRows * g.outChannels, seed: 9)
    let filter = Floats(count: g.patchSize * g.outChannels, seed: 10)
    func results(_ algorithm: ConvolutionAlgorithm) -> [[Float]] {
      let forward = sameBits(
        KernelScratch.convolutionForward(g, algorithm), outputs: [Floats(count: g.outRows * g.outChannels)]
      ) {
        convolutionForward(
          x: x.pointer, filter: filter.pointer, bias: nil, y: $0[0].pointer, relu: false, geometry: g,
          algorithm: algorithm, context: $1)
      }
      let input = sameBits(
        KernelScratch.convolutionInputGradient(g, algorithm),
        outputs: [Floats(count: g.inRows * g.inChannels)]
      ) {
        convolutionInputGradient(
          dy: dy.pointer, filter: filter.pointer, dx: $0[0].pointer, geometry: g, algorithm: algorithm,
          context: $1)
      }
      let weight = sameBits(
        KernelScratch.convolutionWeightGradient(g, algorithm),
        outputs: [Floats(count: g.patchSize * g.outChannels)]
      ) {
        convolutionWeightGradient(
          x: x.pointer, dy: dy.pointer, dFilter: $0[0].pointer, geometry: g, algorithm: algorithm, context: $1
        )
      }
      return forward + input + weight
    }
    for (result, expected) in zip(results(algorithm), results(.im2col)) {
      #expect(relativeError(result, expected.map(Double.init)) < tolerance(algorithm))
    }
  }

  @Test(arguments: cases)
  func scratchNeverFallsAsTheBatchGrows(_ g: ConvolutionGeometry, _ algorithm: ConvolutionAlgorithm) {
    var last = [Scratch.none, .none, .none]
    var isMonotone = true
    for batch in 1...300 {
      var geometry = g
      geometry.batch = batch
      let now = [
        KernelScratch.convolutionForward(geometry, algorithm),
        KernelScratch.convolutionInputGradient(geometry, algorithm),
        KernelScratch.convolutionWeightGradient(geometry, algorithm),
      ]
      for (a, b) in zip(last, now) {
        isMonotone = isMonotone && a.sharedFloats <= b.sharedFloats && a.floatsPerWorker <= b.floatsPerWorker
      }
      last = now
    }
    #expect(isMonotone)
  }

  @Test func tooLittleScratchTraps() async {
    await #expect(processExitsWith: .failure) {
      let g = ConvolutionGeometry(
        batch: 1, height: 4, width: 4, inChannels: 4, outChannels: 4, kernelSize: 3, stride: 1, padding: 1)
      let memory = Floats(count: 4096)
      let scratch = KernelScratch.convolutionForward(g, .im2col)
      convolutionForward(
        x: memory.pointer, filter: memory.pointer, bias: nil, y: memory.pointer, relu: false, geometry: g,
        algorithm: .im2col,
        context: KernelContext(
          workers: Workers(count: 1), scratch: memory.pointer,
          scratchByteCount: scratch.byteCount(workers: 1) - 1))
    }
  }
}
