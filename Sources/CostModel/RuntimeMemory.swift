/// The program's own share of the resident set, from constants of the release: a test holds them against the running
/// process.
package struct RuntimeMemory: Hashable, Sendable {
  /// Nodes and values of all programs of the plan, which the process keeps.
  package var nodes = 0
  package var values = 0
  /// The most that a thread touches of OpenBLAS' buffer.
  package var productBufferBytes = 0

  package init() {}

  /// What the process needs for programs of both, at different times.
  package mutating func formUnion(_ other: RuntimeMemory) {
    nodes += other.nodes
    values += other.values
    productBufferBytes = max(productBufferBytes, other.productBufferBytes)
  }

  /// Of a process that keeps other programs as well, and never runs them.
  package func beside(_ others: RuntimeMemory) -> RuntimeMemory {
    var both = self
    both.nodes += others.nodes
    both.values += others.values
    return both
  }

  package func byteCount(threads: Int) -> Int {
    Self.baseBytes + nodes * Self.bytesPerNode + values * Self.bytesPerValue
      + threads * (Self.bytesPerThread + productBufferBytes)
  }

  /// Code and data of the executable and its libraries as far as they are touched, heap, and what the C library keeps:
  /// the most that was seen, since a plan that fits its budget to the byte has to stay within it.
  private static let baseBytes = (18 << 20) + (120 << 10)
  /// Stack and the C library's own.
  private static let bytesPerThread = 68 << 10
  private static let bytesPerNode = 704
  private static let bytesPerValue = 256
}
