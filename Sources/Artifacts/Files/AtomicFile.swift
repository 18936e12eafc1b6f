package import Base
internal import Glibc

/// A file that appears under its name only when it is whole: written beside it, synchronised, renamed; then the folder is
/// synchronised. Dropped without `commit()`, it leaves nothing behind and whatever had the name before untouched.
///
/// Of a path, a symbolic link stays, and the file it leads to is replaced; into a pipe or a device the bytes go as they come. In a
/// folder that is open, the name must be free, or a file's.
package struct AtomicFile: ~Copyable {
  /// As the caller named it.
  package let path: String
  private let descriptor: FileDescriptor
  /// Nil where nothing is replaced.
  private let replacement: Replacement?
  private var isCommitted = false

  /// What is to be renamed when the file is whole.
  private final class Replacement {
    let folder: FolderDescriptor
    let temporaryName, name: String

    init(folder: consuming FolderDescriptor, temporaryName: String, name: String) {
      self.folder = folder
      self.temporaryName = temporaryName
      self.name = name
    }
  }

  package init(path: String) throws(FileError) {
    switch try FileTarget(path) {
    case .stream(let place): self.init(stream: try Self.openStream(place, path: path), path: path)
    case .file(let place):
      let folder = try Self.openFolder(of: place, path: path)
      try self.init(aside: folder, FilePath.lastComponent(of: place), path: path)
    }
  }

  /// - Parameter name: free, or a file's: a link, a folder or a pipe is refused.
  package init(in folder: borrowing FolderDescriptor, _ name: String) throws(FileError) {
    let path = folder.path(of: name)
    if let kind = try folder.kind(of: name), kind != .regular {
      throw FileError(path: path, isNo: .regular, found: kind)
    }
    try self.init(aside: try folder.copy(), name, path: path)
  }

  private static func openStream(_ place: String, path: String) throws(FileError) -> FileDescriptor {
    do throws(FileError) { return try FileDescriptor(stream: place) } catch {
      throw FileError(path: path, operation: error.operation, code: error.code)
    }
  }

  private static func openFolder(of place: String, path: String) throws(FileError) -> FolderDescriptor {
    do throws(FileError) { return try FolderDescriptor(path: FilePath.folder(of: place)) } catch {
      throw FileError(path: path, operation: "create", code: error.code)
    }
  }

  private init(stream descriptor: consuming FileDescriptor, path: String) {
    self.descriptor = descriptor
    self.path = path
    replacement = nil
  }

  private init(aside folder: consuming FolderDescriptor, _ name: String, path: String) throws(FileError) {
    for leftover in (try? folder.names()) ?? [] where TemporaryName.isLeftover(leftover, of: name) {
      folder.remove(leftover)
    }
    let temporary = try Self.makeTemporary(in: folder, for: name, path: path)
    let temporaryName = temporary.name
    descriptor = temporary.file
    replacement = Replacement(folder: folder, temporaryName: temporaryName, name: name)
    self.path = path
  }

  private struct Temporary: ~Copyable {
    let file: FileDescriptor
    let name: String
  }

  private static func makeTemporary(
    in folder: borrowing FolderDescriptor, for name: String, path: String
  ) throws(FileError) -> Temporary {
    var attempt = 0
    while true {
      let temporaryName = TemporaryName.make(for: name, attempt: attempt)
      do throws(FileError) {
        return Temporary(
          file: try folder.open(temporaryName, flags: O_WRONLY | O_CREAT | O_EXCL), name: temporaryName)
      } catch {
        // Left over by a process that had our number: take another name.
        guard error.code == EEXIST, attempt < 100 else {
          throw FileError(path: path, operation: "create", code: error.code)
        }
        attempt += 1
      }
    }
  }

  deinit {
    if !isCommitted, let replacement { replacement.folder.remove(replacement.temporaryName) }
  }

  /// Appends `bytes`.
  package mutating func write(_ bytes: RawSpan) throws(FileError) {
    do throws(FileError) { try descriptor.write(bytes) } catch {
      throw FileError(path: path, operation: error.operation, code: error.code)
    }
  }

  /// Puts the file in place.
  package consuming func commit() throws(FileError) {
    guard let replacement else { return }
    try descriptor.synchronize()
    let code = replacement.folder.rename(replacement.temporaryName, to: replacement.name)
    guard code == 0 else { throw FileError(path: path, operation: "rename", code: code) }
    isCommitted = true
    try replacement.folder.synchronize()
  }

  /// Writes a whole file of `text`.
  package static func write(_ text: String, to path: String) throws(FileError) {
    try AtomicFile(path: path).commit(text)
  }

  /// Writes a whole file of `bytes`.
  package static func write(_ bytes: [UInt8], to path: String) throws(FileError) {
    var file = try AtomicFile(path: path)
    try unsafe file.write(bytes.span.bytes)
    try file.commit()
  }

  /// The same in a folder that is open.
  package static func write(
    _ text: String, to name: String, in folder: borrowing FolderDescriptor
  ) throws(FileError) {
    try AtomicFile(in: folder, name).commit(text)
  }

  private consuming func commit(_ text: String) throws(FileError) {
    try unsafe write(Array(text.utf8).span.bytes)
    try commit()
  }
}
