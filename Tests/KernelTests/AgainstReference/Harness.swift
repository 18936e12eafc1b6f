import CostModel
import Kernels
import TestSupport
import Testing

/// One output of a kernel: how many floats it has and what they hold before the call (0xFF bytes, a NaN, where nothing).
struct KernelOutput {
  var count: Int
  var before: [Double]?

  static func fresh(_ count: Int) -> KernelOutput { KernelOutput(count: count) }
  static func holding(_ values: [Double]) -> KernelOutput {
    KernelOutput(count: values.count, before: values)
  }
}

/// Calls a kernel with each of these numbers of workers, each time on fresh outputs and on exactly the scratch that is planned for it,
/// filled with NaN. Expects the same bits every time and nothing written beside an operand; returns the outputs.
func run(
  _ scratch: Scratch, reading inputs: [AlignedBuffer<Float>] = [], writing outputs: [KernelOutput],
  workers counts: [Int] = [1, 2, 3, 7], sourceLocation: SourceLocation = #_sourceLocation,
  _ kernel: (_ outputs: [UnsafeMutablePointer<Float>], _ context: KernelContext) -> Void
) -> [[Float]] {
  let inputBits = inputs.map(\.bitPatterns)
  var first: [[UInt32]]?
  var results: [[Float]] = []
  for workers in counts {
    let buffers = outputs.map { $0.before.map { AlignedBuffer($0) } ?? AlignedBuffer(count: $0.count) }
    let memory = AlignedBuffer<Float>(count: scratch.floatCount(workers: workers))
    let context = KernelContext(
      workers: Workers(count: workers), scratch: UnsafeMutableRawPointer(memory.pointer),
      scratchByteCount: scratch.byteCount(workers: workers))
    kernel(buffers.map(\.pointer), context)
    let intact = (inputs + buffers + [memory]).allSatisfy(\.guardsAreIntact)
    #expect(intact, "\(workers) workers wrote beside an operand", sourceLocation: sourceLocation)
    #expect(inputs.map(\.bitPatterns) == inputBits, "an input was written to", sourceLocation: sourceLocation)
    let bits = buffers.map(\.bitPatterns)
    if let first {
      let same = bits == first
      #expect(same, "\(workers) workers give other bits than \(counts[0])", sourceLocation: sourceLocation)
    } else {
      first = bits
      results = buffers.map(\.elements)
    }
  }
  return results
}

/// Expects the relative L2 error below `slack` times what sums of `reductionLength` terms may lose, and below 1e-4 at most.
func expectClose(
  _ actual: [Float], _ expected: [Double], reductionLength: Int, slack: Double, _ what: String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let error = relativeL2(actual, expected)
  let bound = min(1e-4, roundingBound(reductionLength: reductionLength, slack: slack))
  #expect(error < bound, "\(what): relative error \(error), bound \(bound)", sourceLocation: sourceLocation)
}

extension Images {
  /// The same numbers as an operand for a kernel.
  var buffer: AlignedBuffer<Float> { AlignedBuffer(values) }
}

extension ConvolutionGeometry {
  /// The same convolution as the reference knows it.
  var reference: ReferenceConvolution {
    ReferenceConvolution(
      outChannels: outChannels, kernelSize: kernelSize, stride: stride, padding: padding)
  }

  /// Algorithms that compute this shape.
  var legalAlgorithms: [ConvolutionAlgorithm] {
    ConvolutionAlgorithm.allCases.filter { algorithm in
      switch algorithm {
      case .im2col: true
      case .pointwise: kernelSize == 1 && stride == 1 && padding == 0
      case .winograd4x4, .winograd2x2: allowsWinograd
      }
    }
  }
}
