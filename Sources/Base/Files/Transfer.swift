internal import Glibc

/// Why a transfer ended early: the system's number for it.
package struct TransferError: Error, Hashable, Sendable {
  package let code: Int32

  package init(code: Int32) {
    self.code = code
  }
}

/// Reads until `target` is full, through signals and short reads.
///
/// - Parameter offset: in the file; nil: from where it stands, as of pipes.
/// - Returns: bytes that were read: fewer than asked for where the file ends before.
@unsafe package func readFully(
  _ descriptor: Int32, into target: UnsafeMutableRawBufferPointer, at offset: Int? = nil
) throws(TransferError) -> Int {
  var done = 0
  while done < target.count {
    let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: target[done...])
    let count =
      if let offset {
        unsafe pread(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
      } else {
        unsafe read(descriptor, rest.baseAddress, rest.count)
      }
    if count < 0 {
      if errno == EINTR { continue }
      throw TransferError(code: errno)
    }
    if count == 0 { break }
    done += count
  }
  return done
}

/// Writes all of `bytes`, through signals and short writes.
///
/// - Parameter offset: in the file; nil: where it stands.
@unsafe package func writeFully(
  _ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int? = nil
) throws(TransferError) {
  var done = 0
  while done < bytes.count {
    let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[done...])
    let count =
      if let offset {
        unsafe pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
      } else {
        unsafe write(descriptor, rest.baseAddress, rest.count)
      }
    if count < 0 {
      if errno == EINTR { continue }
      throw TransferError(code: errno)
    }
    done += count
  }
}

/// Reads what has no size to go by, to its end or up to `limit` bytes: a caller that allows n bytes asks for n + 1 to learn that
/// there are more, and a huge file costs nothing.
package func readToEnd(_ descriptor: Int32, limit: Int) throws(TransferError) -> [UInt8] {
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: min(limit, 1 << 16))
  while bytes.count < limit {
    let wanted = min(chunk.count, limit - bytes.count)
    var result: Result<Int, TransferError> = .success(0)
    unsafe chunk.withUnsafeMutableBytes { buffer in
      let target = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
      do throws(TransferError) { result = .success(try unsafe readFully(descriptor, into: target)) } catch {
        result = .failure(error)
      }
    }
    let count = try result.get()
    bytes += chunk[..<count]
    if count < wanted { break }
  }
  return bytes
}
