internal import Datasets
internal import Glibc

/// The owner of an open file; closed on `deinit`.
struct FileDescriptor: ~Copyable {
  let path: String
  let number: Int32

  /// - Parameter flags: `open`'s; the file is never handed to child processes.
  init(path: String, flags: Int32, mode: mode_t = 0o666) throws(FileError) {
    let number = unsafe open(path, flags | O_CLOEXEC, mode)
    guard number >= 0 else { throw FileError(path: path, operation: "open", code: errno) }
    self.path = path
    self.number = number
  }

  /// Takes over a descriptor that is open.
  init(path: String, number: Int32) {
    self.path = path
    self.number = number
  }

  deinit { close(number) }

  borrowing func write(_ bytes: RawSpan) throws(FileError) {
    var done = 0
    while done < bytes.byteCount {
      let rest = bytes.extracting(droppingFirst: done)
      let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(number, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        throw FileError(path: path, operation: "write", code: errno)
      }
      done += count
    }
  }

  /// Fills `target` from `offset` on.
  /// - Returns: false if the file ends before.
  borrowing func read(into target: UnsafeMutableRawBufferPointer, at offset: Int) throws(FileError) -> Bool {
    var done = 0
    while done < target.count {
      let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: target[done...])
      let count = unsafe pread(number, rest.baseAddress, rest.count, off_t(offset + done))
      if count < 0 {
        if errno == EINTR { continue }
        throw FileError(path: path, operation: "read", code: errno)
      }
      if count == 0 { return false }
      done += count
    }
    return true
  }

  borrowing func byteCount() throws(FileError) -> Int {
    var status = stat()
    guard unsafe fstat(number, &status) == 0 else {
      throw FileError(path: path, operation: "examine", code: errno)
    }
    return Int(status.st_size)
  }

  /// Of all bytes of a file, in lowercase hexadecimal.
  static func sha256(ofFile path: String) throws(FileError) -> String {
    try FileDescriptor(path: path, flags: O_RDONLY).sha256()
  }

  /// Of all bytes of the file, in lowercase hexadecimal.
  borrowing func sha256() throws(FileError) -> String {
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
  borrowing func synchronize() throws(FileError) {
    guard fsync(number) == 0 else { throw FileError(path: path, operation: "synchronise", code: errno) }
  }

  static func synchronizeFolder(_ path: String) throws(FileError) {
    try FileDescriptor(path: path, flags: O_RDONLY | O_DIRECTORY).synchronize()
  }
}
