internal import Glibc

/// The one owner of a data set's memory: bytes from the system, exactly as many as asked for, given back on `deinit`.
/// Written only while a data set is loaded, read from any thread afterwards.
@safe final class ByteBlock: @unchecked Sendable {
  /// - Invariant: never written once the block is shared.
  let bytes: UnsafeMutableRawBufferPointer

  init(byteCount: Int) throws(DatasetError) {
    guard byteCount > 0 else {
      unsafe bytes = UnsafeMutableRawBufferPointer(start: nil, count: 0)
      return
    }
    let address = unsafe mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let address = unsafe address, unsafe address != MAP_FAILED else {
      throw .outOfMemory(byteCount: byteCount)
    }
    unsafe bytes = UnsafeMutableRawBufferPointer(start: address, count: byteCount)
  }

  deinit {
    if let address = unsafe bytes.baseAddress { unsafe munmap(address, bytes.count) }
  }
}
