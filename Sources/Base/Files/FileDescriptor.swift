package import Glibc

/// The owner of an open file; closed on `deinit`.
package struct FileDescriptor: ~Copyable {
  package let path: String
  package let number: Int32

  /// - Parameter flags: `open`'s; the file is never handed to child processes.
  package init(path: String, flags: Int32, mode: mode_t = 0o666) throws(FileError) {
    let number = unsafe open(path, flags | O_CLOEXEC, mode)
    guard number >= 0 else { throw FileError(path: path, operation: "open", code: errno) }
    self.path = path
    self.number = number
  }

  /// Takes over a descriptor that is open.
  package init(path: String, number: Int32) {
    self.path = path
    self.number = number
  }

  deinit { close(number) }

  package borrowing func write(_ bytes: RawSpan) throws(FileError) {
    var failure: TransferError?
    unsafe bytes.withUnsafeBytes { bytes in
      do throws(TransferError) { try unsafe writeFully(number, bytes) } catch { failure = error }
    }
    if let failure { throw FileError(path: path, operation: "write", code: failure.code) }
  }

  /// Fills `target` from `offset` on.
  /// - Returns: false if the file ends before.
  @unsafe package borrowing func read(
    into target: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws(FileError) -> Bool {
    do throws(TransferError) {
      return try unsafe readFully(number, into: target, at: offset) == target.count
    } catch {
      throw FileError(path: path, operation: "read", code: error.code)
    }
  }

  /// Reads some of the bytes from `offset` on, as many as are there and fit.
  /// - Returns: their count; 0 at the end of the file.
  package borrowing func readSome(into target: UnsafeMutableRawBufferPointer, at offset: Int)
    throws(FileError) -> Int
  {
    while true {
      let count = unsafe pread(number, target.baseAddress, target.count, off_t(offset))
      if count >= 0 { return count }
      guard errno == EINTR else { throw FileError(path: path, operation: "read", code: errno) }
    }
  }

  /// Of a regular file; anything else has none, and is refused.
  package borrowing func byteCount() throws(FileError) -> Int {
    var status = stat()
    guard unsafe fstat(number, &status) == 0 else {
      throw FileError(path: path, operation: "examine", code: errno)
    }
    let kind = FileKind(mode: status.st_mode)
    guard kind == .regular else { throw FileError(path: path, isNo: .regular, found: kind) }
    return Int(status.st_size)
  }

  /// The whole file.
  ///
  /// - Parameter limit: a larger file is not what it should be.
  package borrowing func bytes(limit: Int) throws(FileError) -> [UInt8] {
    let byteCount = try byteCount()
    guard byteCount <= limit else { throw FileError(path: path, operation: "read", code: EFBIG) }
    var bytes = [UInt8](repeating: 0, count: byteCount)
    var failure: FileError?
    unsafe bytes.withUnsafeMutableBytes { target in
      do throws(FileError) {
        guard try unsafe read(into: target, at: 0) else {
          throw FileError(path: path, operation: "read", code: EIO)
        }
      } catch { failure = error }
    }
    if let failure { throw failure }
    return bytes
  }

  /// Of all bytes of a file, in lowercase hexadecimal.
  package static func sha256(ofFile path: String) throws(FileError) -> String {
    // NONBLOCK: a pipe under the file's name must not make anybody wait.
    try FileDescriptor(path: path, flags: O_RDONLY | O_NONBLOCK).sha256()
  }

  /// Of all bytes of the file, in lowercase hexadecimal.
  package borrowing func sha256() throws(FileError) -> String {
    var rest = try byteCount()
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    var hash = SHA256()
    var offset = 0
    while rest > 0 {
      let count = min(rest, buffer.count)
      var failure: FileError?
      unsafe buffer.withUnsafeMutableBytes { bytes in
        let part = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[..<count])
        do throws(FileError) {
          guard try unsafe read(into: part, at: offset) else {
            throw FileError(path: path, operation: "read", code: EIO)
          }
        } catch { failure = error }
      }
      if let failure { throw failure }
      unsafe hash.update(buffer.span.bytes.extracting(0..<count))
      offset += count
      rest -= count
    }
    return hash.finalize()
  }

  /// Waits until the file, or the folder's list of names, is on the disk.
  package borrowing func synchronize() throws(FileError) {
    guard fsync(number) == 0 else { throw FileError(path: path, operation: "synchronise", code: errno) }
  }

  package static func synchronizeFolder(_ path: String) throws(FileError) {
    try FileDescriptor(path: path, flags: O_RDONLY | O_DIRECTORY).synchronize()
  }
}
