/// The program's own share of the resident set, as constants of the release: a test holds them against the running
/// process. Code and data of the executable and its libraries, heaps, stacks, and what OpenBLAS touches of its buffers.
package enum RuntimeMemory {
  package static let baseBytes = 15 << 20
  package static let bytesPerThread = 1 << 20

  package static func byteCount(threads: Int) -> Int { baseBytes + threads * bytesPerThread }
}
