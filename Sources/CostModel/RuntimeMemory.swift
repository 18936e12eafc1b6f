/// The program's own share of the resident set, from constants of the release: a test holds them against the running
/// process.
package struct RuntimeMemory: Hashable, Sendable {
  /// Nodes and values of all programs of the plan, which the process keeps.
  package var nodes = 0
  package var values = 0
  package var programs = 0
  /// Programs that rank channels: each stands for a network with fewer of them, which is made while the plan is.
  package var rankings = 0
  /// Of the program with the most: what compiling works on at a time.
  private var largest = Size()
  /// The most that a thread touches of OpenBLAS' buffer.
  package var productBufferBytes = 0

  private struct Size: Hashable {
    var nodes = 0
    var values = 0

    var byteCount: Int {
      nodes * RuntimeMemory.bytesPerCompiledNode + values * RuntimeMemory.bytesPerCompiledValue
    }
  }

  package init() {}

  /// Of one program.
  package init(nodes: Int, values: Int, isRanking: Bool, productBufferBytes: Int) {
    self.nodes = nodes
    self.values = values
    programs = 1
    rankings = isRanking ? 1 : 0
    largest = Size(nodes: nodes, values: values)
    self.productBufferBytes = productBufferBytes
  }

  /// What the process needs for programs of both, at different times.
  package mutating func formUnion(_ other: RuntimeMemory) {
    self = beside(other)
    productBufferBytes = max(productBufferBytes, other.productBufferBytes)
  }

  /// Of a process that keeps other programs as well, and never runs them.
  package func beside(_ others: RuntimeMemory) -> RuntimeMemory {
    var both = self
    both.nodes += others.nodes
    both.values += others.values
    both.programs += others.programs
    both.rankings += others.rankings
    if others.largest.byteCount > largest.byteCount { both.largest = others.largest }
    return both
  }

  package func byteCount(threads: Int) -> Int {
    Self.baseBytes + nodes * Self.bytesPerNode + values * Self.bytesPerValue
      + programs * Self.bytesPerProgram
      + largest.byteCount + rankings * (largest.byteCount * 3 / 20)
      + threads * (Self.bytesPerThread + productBufferBytes)
  }

  /// Code and data of the executable and its libraries as far as they are touched, heap, and what the C library keeps:
  /// the most that was seen, since a plan that fits its budget to the byte has to stay within it.
  private static let baseBytes = (21 << 20) + (96 << 10)
  /// Stack and the C library's own.
  private static let bytesPerThread = 96 << 10
  private static let bytesPerProgram = 21 << 10
  /// Names and shapes are shared by the programs of all stages.
  private static let bytesPerNode = 384
  private static let bytesPerValue = 112
  /// With names and shapes, and what the passes make on the way.
  private static let bytesPerCompiledNode = 704
  private static let bytesPerCompiledValue = 256
}
