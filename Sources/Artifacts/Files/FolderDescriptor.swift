package import Base
internal import Glibc

/// An open folder. What is in it is reached by its bare name, from the folder itself: whatever happens to the path meanwhile, and
/// without following symbolic links, so that nothing outside is read, written or removed. Names with a `/` are not to be passed.
package struct FolderDescriptor: ~Copyable, Sendable {
  /// As messages call it.
  package private(set) var path: String
  let number: Int32

  /// The path itself may lead through links: it is its user's.
  package init(path: String) throws(FileError) {
    number = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard number >= 0 else { throw FileError(path: path, operation: "open", code: errno) }
    self.path = path
  }

  private init(path: String, number: Int32) {
    (self.path, self.number) = (path, number)
  }

  deinit { close(number) }

  /// Under another name by now.
  mutating func isRenamed(to path: String) { self.path = path }

  package func path(of name: String) -> String { "\(path)/\(name)" }

  /// Another descriptor of the same folder.
  func copy() throws(FileError) -> FolderDescriptor {
    let copy = fcntl(number, F_DUPFD_CLOEXEC, 3)
    guard copy >= 0 else { throw FileError(path: path, operation: "open", code: errno) }
    return FolderDescriptor(path: path, number: copy)
  }

  /// The folder as another open file: locks and positions are not shared with it.
  func openAgain() throws(FileError) -> FileDescriptor {
    let own = unsafe openat(number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard own >= 0 else { throw FileError(path: path, operation: "open", code: errno) }
    return FileDescriptor(path: path, number: own)
  }

  // MARK: - Files

  /// Nil where there is no such name.
  package func kind(of name: String) throws(FileError) -> FileKind? { try status(of: name).map { $0.kind } }

  /// Kind, size and how many names the file has; nil where there is no such name.
  func status(of name: String) throws(FileError) -> (kind: FileKind, byteCount: Int, nameCount: Int)? {
    var status = stat()
    guard unsafe fstatat(number, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
      if errno == ENOENT { return nil }
      throw FileError(path: path(of: name), operation: "examine", code: errno)
    }
    return (FileKind(mode: status.st_mode), Int(status.st_size), Int(status.st_nlink))
  }

  /// Whether the folder is still what its path leads to.
  func isInPlace() -> Bool {
    var (here, there) = (stat(), stat())
    return unsafe fstat(number, &here) == 0 && stat(path, &there) == 0
      && (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
  }

  /// Opens a regular file, and nothing else: not a link, and a pipe keeps nobody waiting.
  ///
  /// - Parameter flags: `open`'s.
  func open(_ name: String, flags: Int32) throws(FileError) -> FileDescriptor {
    FileDescriptor(
      path: path(of: name), number: try opened(name, flags: flags | O_NONBLOCK | O_NOCTTY, kind: .regular))
  }

  /// The folder `name` in this one.
  ///
  /// - Parameter isMade: made where it is not there.
  package func folder(_ name: String, isMade: Bool = false) throws(FileError) -> FolderDescriptor {
    if isMade {
      if unsafe mkdirat(number, name, 0o777) == 0 {
        try synchronize()
      } else if errno != EEXIST {
        throw FileError(path: path(of: name), operation: "create", code: errno)
      }
    }
    return FolderDescriptor(
      path: path(of: name), number: try opened(name, flags: O_RDONLY | O_DIRECTORY, kind: .folder))
  }

  /// - Returns: a descriptor that the caller closes.
  private func opened(_ name: String, flags: Int32, kind: FileKind) throws(FileError) -> Int32 {
    let descriptor = unsafe openat(number, name, flags | O_NOFOLLOW | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      let code = errno
      // A link is refused as a loop, a folder for what was asked of it: say what it is.
      if code != ENOENT, code != EEXIST, let found = try? self.kind(of: name), found != kind {
        throw FileError(path: path(of: name), isNo: kind, found: found)
      }
      throw FileError(path: path(of: name), operation: "open", code: code)
    }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      let code = errno
      close(descriptor)
      throw FileError(path: path(of: name), operation: "examine", code: code)
    }
    let found = FileKind(mode: status.st_mode)
    guard found == kind else {
      close(descriptor)
      throw FileError(path: path(of: name), isNo: kind, found: found)
    }
    return descriptor
  }

  /// The bytes of a file of the folder.
  ///
  /// - Parameter limit: a larger file is not what it should be.
  package func bytes(of name: String, limit: Int) throws(FileError) -> [UInt8] {
    try open(name, flags: O_RDONLY).bytes(limit: limit)
  }

  // MARK: - Names

  /// Of everything in the folder.
  package func names() throws(FileError) -> [String] {
    // A descriptor of its own: reading moves its position.
    let own = unsafe openat(number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard own >= 0 else { throw FileError(path: path, operation: "open", code: errno) }
    guard let entries = unsafe fdopendir(own) else {
      let code = errno
      close(own)
      throw FileError(path: path, operation: "open", code: code)
    }
    defer { unsafe closedir(entries) }
    var names: [String] = []
    while let entry = unsafe readdir(entries) {
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  /// - Returns: 0 or an errno.
  @discardableResult
  func remove(_ name: String) -> Int32 { unsafe unlinkat(number, name, 0) == 0 ? 0 : errno }

  /// - Returns: 0 or an errno.
  @discardableResult
  func rename(_ name: String, to other: String) -> Int32 {
    unsafe renameat(number, name, number, other) == 0 ? 0 : errno
  }

  /// Waits until the list of names is on the disk.
  func synchronize() throws(FileError) {
    guard fsync(number) == 0 else { throw FileError(path: path, operation: "synchronise", code: errno) }
  }
}
