internal import Glibc

/// A file that appears under its name only when it is whole: written beside it, synchronised, renamed; then the folder is
/// synchronised. Dropped without `commit()`, it leaves nothing behind and whatever had the name before untouched.
package struct AtomicFile: ~Copyable {
  package let path: String
  private let temporaryPath: String
  private let descriptor: FileDescriptor
  private var isCommitted = false

  package init(path: String) throws(FileError) {
    let folder = folder(of: path)
    let name = lastComponent(of: path)
    var attempt = 0
    while true {
      // Left over by a process that had our number and was killed: take another name.
      let temporaryPath = "\(folder)/.\(name).\(getpid())-\(attempt).tmp"
      do throws(FileError) {
        self.descriptor = try FileDescriptor(path: temporaryPath, flags: O_WRONLY | O_CREAT | O_EXCL)
        self.temporaryPath = temporaryPath
        self.path = path
        return
      } catch {
        guard error.code == EEXIST, attempt < 100 else {
          throw FileError(path: path, operation: "create", code: error.code)
        }
        attempt += 1
      }
    }
  }

  deinit {
    if !isCommitted { unsafe unlink(temporaryPath) }
  }

  /// Appends `bytes`.
  package mutating func write(_ bytes: RawSpan) throws(FileError) {
    do throws(FileError) { try descriptor.write(bytes) } catch {
      throw FileError(path: path, operation: error.operation, code: error.code)
    }
  }

  /// Puts the file in place.
  package consuming func commit() throws(FileError) {
    try descriptor.synchronize()
    guard unsafe rename(temporaryPath, path) == 0 else {
      throw FileError(path: path, operation: "rename", code: errno)
    }
    isCommitted = true
    try FileDescriptor.synchronizeFolder(folder(of: path))
  }

  /// Writes a whole file of `text`.
  package static func write(_ text: String, to path: String) throws(FileError) {
    var file = try AtomicFile(path: path)
    try unsafe file.write(Array(text.utf8).span.bytes)
    try file.commit()
  }
}
