internal import Glibc
internal import Synchronization

package enum ArenaError: Error {
  /// The system does not give that much memory.
  case outOfMemory(byteCount: Int)
}

/// The one owner of a plan's memory: mapped once, zeroed, aligned to pages, unmapped exactly once.
@safe package struct Arena: ~Copyable {
  package let byteCount: Int
  /// How much of it, from its start, is known to be resident.
  private var residentByteCount = 0
  private let base: UnsafeMutableRawPointer

  package init(byteCount: Int) throws(ArenaError) {
    returnFreedMemory()
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

  /// Makes the first `byteCount` bytes resident, so that no page is asked for while a program runs: a process that does not
  /// get its memory ends before the work begins, and the time of the first steps is that of all others.
  package mutating func makeResident(_ byteCount: Int) {
    precondition(byteCount <= self.byteCount, "the plan lays out nothing behind the arena")
    guard byteCount > residentByteCount else { return }
    let pageSize = sysconf(Int32(_SC_PAGESIZE))
    let start = unsafe base + residentByteCount / pageSize * pageSize
    let length = unsafe base + byteCount - start
    residentByteCount = byteCount
    if unsafe madvise(start, length, Self.populateForWriting) == 0 { return }
    // Older kernels: an exchange of equal values asks for the page and leaves what it holds.
    for offset in stride(from: 0, to: length, by: pageSize) {
      let word = unsafe (start + offset).assumingMemoryBound(to: Atomic<UInt8>.self)
      _ = unsafe word.pointee.compareExchange(expected: 0, desired: 0, ordering: .relaxed)
    }
  }

  /// `MADV_POPULATE_WRITE` of Linux 5.14.
  private static let populateForWriting: Int32 = 23

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

/// Gives back what compiling has freed: the C library keeps it otherwise, and it would count in the peak.
private func returnFreedMemory() {
  // glibc's own, and in no module: other C libraries do without.
  guard let library = unsafe dlopen(nil, RTLD_NOW), let trim = unsafe dlsym(library, "malloc_trim") else {
    return
  }
  _ = unsafe unsafeBitCast(trim, to: (@convention(c) (Int) -> Int32).self)(0)
}
