internal import Glibc

package enum ArenaError: Error {
  /// The system does not give that much memory.
  case outOfMemory(byteCount: Int)
}

/// The one owner of a plan's memory: mapped once, zeroed, aligned to pages, unmapped exactly once.
@safe package struct Arena: ~Copyable {
  package let byteCount: Int
  private let base: UnsafeMutableRawPointer

  package init(byteCount: Int) throws(ArenaError) {
    let length = max(byteCount, 1)
    let address = unsafe mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let address = unsafe address, unsafe address != MAP_FAILED else {
      throw .outOfMemory(byteCount: byteCount)
    }
    // Large pages where the system has them: fewer misses in the translation buffer over gigabytes of activations.
    unsafe madvise(address, length, MADV_HUGEPAGE)
    unsafe base = address
    self.byteCount = byteCount
  }

  deinit { unsafe munmap(base, max(byteCount, 1)) }

  /// The address of `range`, which must lie inside.
  @unsafe package borrowing func address(of range: Range<Int>) -> UnsafeMutableRawPointer {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= byteCount, "the plan lays out nothing behind the arena")
    return unsafe base + range.lowerBound
  }

  /// Lends floats, which `body` cannot let escape.
  package borrowing func withFloats<R>(at offset: Int, count: Int, _ body: (borrowing Span<Float>) -> R) -> R
  {
    let start = unsafe address(of: offset..<offset + 4 * count).bindMemory(to: Float.self, capacity: count)
    let floats = unsafe UnsafeBufferPointer(start: start, count: count)
    return unsafe body(floats.span)
  }

  /// Lends floats to be changed.
  package mutating func withMutableFloats<R>(
    at offset: Int, count: Int, _ body: (inout MutableSpan<Float>) -> R
  ) -> R {
    let start = unsafe address(of: offset..<offset + 4 * count).bindMemory(to: Float.self, capacity: count)
    let floats = unsafe UnsafeMutableBufferPointer(start: start, count: count)
    var span = unsafe floats.mutableSpan
    return body(&span)
  }
}
