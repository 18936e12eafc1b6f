internal import Glibc

/// A file that appears under its name only when it is whole: written beside it, synchronised, renamed; then the folder is
/// synchronised. Dropped without `commit()`, it leaves nothing behind and whatever had the name before untouched. A symbolic
/// link stays, and the file it leads to is replaced; into a pipe or a device the bytes go as they come.
package struct AtomicFile: ~Copyable {
  /// As the caller named it.
  package let path: String
  private let descriptor: FileDescriptor
  /// Nil where nothing is replaced.
  private let replacement: (temporaryPath: String, target: String)?
  private var isCommitted = false

  package init(path: String) throws(FileError) {
    let target: String
    switch try FileTarget(path) {
    case .stream(let place):
      do throws(FileError) { descriptor = try FileDescriptor(stream: place) } catch {
        throw FileError(path: path, operation: error.operation, code: error.code)
      }
      replacement = nil
      self.path = path
      return
    case .file(let place): target = place
    }
    let folder = FilePath.folder(of: target)
    let name = FilePath.lastComponent(of: target)
    var attempt = 0
    while true {
      // Left over by a process that had our number and was killed: take another name.
      let temporaryPath = "\(folder)/.\(name).\(getpid())-\(attempt).tmp"
      do throws(FileError) {
        descriptor = try FileDescriptor(path: temporaryPath, flags: O_WRONLY | O_CREAT | O_EXCL)
        replacement = (temporaryPath, target)
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
    if !isCommitted, let replacement { unsafe unlink(replacement.temporaryPath) }
  }

  /// Appends `bytes`.
  package mutating func write(_ bytes: RawSpan) throws(FileError) {
    do throws(FileError) { try descriptor.write(bytes) } catch {
      throw FileError(path: path, operation: error.operation, code: error.code)
    }
  }

  /// Puts the file in place.
  package consuming func commit() throws(FileError) {
    guard let (temporaryPath, target) = replacement else { return }
    try descriptor.synchronize()
    guard unsafe rename(temporaryPath, target) == 0 else {
      throw FileError(path: path, operation: "rename", code: errno)
    }
    isCommitted = true
    try FileDescriptor.synchronizeFolder(FilePath.folder(of: target))
  }

  /// Writes a whole file of `text`.
  package static func write(_ text: String, to path: String) throws(FileError) {
    var file = try AtomicFile(path: path)
    try unsafe file.write(Array(text.utf8).span.bytes)
    try file.commit()
  }
}
