import Glibc
import Synchronization

/// OpenBLAS takes a buffer for each product that runs at the same time, maps it at the first such product, and keeps it. Where
/// the system refuses the addresses it asks again for ever, so that they are taken here, where a refusal can be reported.
package enum ProductBuffers {
  /// Addresses of one buffer; how much of it is touched depends on the products.
  package static let byteCount = 128 << 20
  /// What the library's own tables and the C library may map next to the buffers.
  private static let spareByteCount = 1 << 20
  /// More at once are left to the library, whose table of them has an end.
  private static let largestCount = 128

  /// Those that the library has by now.
  private static let mapped = Mutex<Int>(0)

  /// Makes sure that `count` products can run at the same time.
  ///
  /// - Returns: false where the system has no addresses for them.
  package static func map(_ count: Int) -> Bool {
    mapped.withLock { mapped in
      let missing = count - mapped
      guard missing > 0 else { return true }
      let length = missing * byteCount + spareByteCount
      let probe = mmap(
        nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
      guard probe != MAP_FAILED else { return false }
      munmap(probe, length)
      takeAndGiveBack(min(count, largestCount))
      mapped = count
      return true
    }
  }

  /// Taken together, so that each is another one; the library keeps what is given back to it. Builds without these entry points
  /// map buffers when they need them.
  private static func takeAndGiveBack(_ count: Int) {
    typealias Take = @convention(c) (CInt) -> UnsafeMutableRawPointer?
    typealias GiveBack = @convention(c) (UnsafeMutableRawPointer?) -> Void
    guard let library = dlopen(nil, RTLD_NOW), let take = dlsym(library, "blas_memory_alloc"),
      let giveBack = dlsym(library, "blas_memory_free")
    else { return }
    let buffers = (0..<count).map { _ in unsafeBitCast(take, to: Take.self)(0) }
    for buffer in buffers { unsafeBitCast(giveBack, to: GiveBack.self)(buffer) }
  }
}
