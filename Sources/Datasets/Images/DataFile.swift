internal import Base
internal import Glibc

/// An open file of a data set, read at offsets.
struct DataFile: ~Copyable {
  let path: String
  let byteCount: Int
  private let descriptor: Int32

  /// NONBLOCK: a pipe under the file's name must not make anybody wait; it is refused below.
  private static let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK

  /// - Parameter hint: what would help if there is no such file.
  init(path: String, hint: String? = nil) throws(DatasetError) {
    try self.init(unsafe open(path, Self.flags), path: path, hint: hint)
  }

  /// A file of an open folder.
  init(_ name: FileName, in folder: Int32, path: String = "") throws(DatasetError) {
    try self.init(unsafe openat(folder, name.cString, Self.flags), path: path, hint: nil)
  }

  /// Opens a file of an open folder, by the bytes of its name; allocates nothing.
  ///
  /// - Returns: for `init(descriptor:)`, at once: negative where it could not be opened.
  @unsafe static func descriptor(_ name: UnsafePointer<CChar>, in folder: Int32) -> Int32 {
    unsafe openat(folder, name, flags)
  }

  /// What `descriptor(_:in:)` gave.
  init(descriptor: Int32) throws(DatasetError) { try self.init(descriptor, path: "", hint: nil) }

  private init(_ descriptor: Int32, path: String, hint: String?) throws(DatasetError) {
    guard descriptor >= 0 else {
      let code = errno
      if code == ENOENT || code == ENOTDIR { throw .missingFile(path: path, hint: hint) }
      throw .cannotRead(path: path, operation: "open", code: code)
    }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      let code = errno
      close(descriptor)
      throw .cannotRead(path: path, operation: "examine", code: code)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw .mismatch(path: path, expected: "a file", found: "something else")
    }
    self.path = path
    self.byteCount = Int(status.st_size)
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

  func requireByteCount(_ expected: Int) throws(DatasetError) {
    guard byteCount != expected else { return }
    // What begins like an idx or a NumPy file is one, and too short or too long.
    let first = try bytes(0..<min(1, byteCount)).first
    if let first, first != 0, first != 0x93 {
      try FileSignature.requireNone(in: self, expected: "\(expected) bytes of records")
    }
    throw .wrongSize(path: path, expected: expected, found: byteCount)
  }

  /// Fills `target` with the bytes from `offset` on.
  func read(into target: UnsafeMutableRawBufferPointer, at offset: Int) throws(DatasetError) {
    let done: Int
    do throws(TransferError) { done = try unsafe readFully(descriptor, into: target, at: offset) } catch {
      throw .cannotRead(path: path, operation: "read", code: error.code)
    }
    // The file was longer when it was opened.
    guard done == target.count else {
      throw .wrongSize(path: path, expected: offset + target.count, found: offset + done)
    }
  }

  /// Lets the system begin to read what will be asked for soon; returns at once.
  func readAhead(_ byteCount: Int, at offset: Int) {
    // Advice: where it can't be taken, the read itself takes the time.
    posix_fadvise(descriptor, off_t(offset), off_t(byteCount), POSIX_FADV_WILLNEED)
  }

  /// The bytes of `range`, for headers and samples.
  func bytes(_ range: Range<Int>) throws(DatasetError) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: range.count)
    var failure: DatasetError?
    unsafe result.withUnsafeMutableBytes { target in
      do throws(DatasetError) { try unsafe read(into: target, at: range.lowerBound) } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return result
  }
}
