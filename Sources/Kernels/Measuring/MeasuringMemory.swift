internal import CostModel
import Glibc

/// One of a convolution's three products, as it is measured.
struct MeasuredConvolution {
  let operation: ConvolutionOperation
  let geometry: ConvolutionGeometry
  let algorithm: ConvolutionAlgorithm

  var scratch: Scratch { KernelScratch.convolution(operation, geometry, algorithm) }
}

/// Memory for kernels that are measured to compute on, and a clock. Contents are made up.
struct MeasuringMemory {
  let scratch: UnsafeMutableRawPointer
  let scratchByteCount: Int
  /// Activations, and the gradient of some.
  let x, y, dy: UnsafeMutablePointer<Float>
  /// Weights, and their gradient.
  let filter, dFilter: UnsafeMutablePointer<Float>
  /// Eight of one float a channel.
  let vectors: [UnsafeMutablePointer<Float>]
  /// One byte an activation.
  let bytes: UnsafeMutablePointer<UInt8>

  /// Touches every page, so that no measurement pays for the first use.
  ///
  /// - Parameters:
  ///   - scratch: of all that is measured; the greatest counts.
  ///   - workers: the most that it is measured on.
  init(activationCount: Int, filterCount: Int, channelCount: Int, scratch needs: [Scratch], workers: Int) {
    scratchByteCount = Self.scratchByteCount(needs, workers: workers)
    scratch = .allocate(byteCount: scratchByteCount, alignment: 64)
    scratch.initializeMemory(as: UInt8.self, repeating: 0, count: scratchByteCount)
    x = Self.floats(activationCount)
    y = Self.floats(activationCount)
    dy = Self.floats(activationCount)
    filter = Self.floats(filterCount)
    dFilter = Self.floats(filterCount)
    vectors = (0..<8).map { _ in Self.floats(channelCount) }
    bytes = .allocate(capacity: activationCount)
    bytes.initialize(repeating: 0, count: activationCount)
  }

  private static func scratchByteCount(_ needs: [Scratch], workers: Int) -> Int {
    needs.map { $0.byteCount(workers: workers) }.reduce(64, max)
  }

  /// What `init` with the same arguments takes.
  static func byteCount(
    activationCount: Int, filterCount: Int, channelCount: Int, scratch needs: [Scratch], workers: Int
  ) -> Int {
    // Three activations and a byte for each; two filters; eight vectors.
    13 * activationCount + 8 * filterCount + 32 * channelCount + scratchByteCount(needs, workers: workers)
  }

  func deallocate() {
    for pointer in [x, y, dy, filter, dFilter] + vectors { pointer.deallocate() }
    scratch.deallocate()
    bytes.deallocate()
  }

  func context(_ workers: Workers) -> KernelContext {
    KernelContext(workers: workers, scratch: scratch, scratchByteCount: scratchByteCount)
  }

  /// Uniform in 0 to 1.
  private static func floats(_ count: Int) -> UnsafeMutablePointer<Float> {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 4 * count, alignment: 64)
    let floats = memory.bindMemory(to: Float.self, capacity: count)
    var state: UInt32 = 1
    for i in 0..<count {
      state = state &* 1_664_525 &+ 1_013_904_223
      floats[i] = Float(state >> 8) / 16_777_216
    }
    return floats
  }
}

/// The time that `body` takes, in seconds.
func secondsTaken(_ body: () -> Void) -> Double {
  let start = monotonicTime()
  body()
  return monotonicTime() - start
}

/// Seconds since some moment.
func monotonicTime() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
}
