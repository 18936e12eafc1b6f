package import Base
internal import Glibc

/// What a path to be written to leads to, behind all symbolic links: writing replaces a file, never the link to it, nor a
/// device or a pipe.
package enum FileTarget: Hashable, Sendable {
  /// A regular file, or a name that is still free; the path has no symbolic link in its last part.
  case file(path: String)
  /// A pipe, a terminal, another device that takes characters, or an open file of this process (`/dev/stdout`): bytes go
  /// straight into it.
  case stream(path: String)

  /// - Throws: ``FileError`` where the path leads to a folder, a disk or a socket, or in a circle.
  package init(_ path: String) throws(FileError) {
    var place = path
    // As many links as the system follows.
    for _ in 0..<40 {
      var status = stat()
      if unsafe lstat(place, &status) != 0 {
        guard errno == ENOENT else { throw FileError(path: path, operation: "examine", code: errno) }
        self = .file(path: place)
        return
      }
      switch status.st_mode & S_IFMT {
      case S_IFREG:
        self = .file(path: place)
        return
      case S_IFCHR, S_IFIFO:
        self = .stream(path: place)
        return
      case S_IFLNK:
        // Where such a link leads is a file that somebody has open: another one in its place would not be read.
        if Self.isOpenFile(place) {
          self = .stream(path: place)
          return
        }
        guard let next = Self.linkTarget(place) else {
          throw FileError(path: path, operation: "examine", code: errno)
        }
        place = next.hasPrefix("/") ? next : "\(FilePath.folder(of: place))/\(next)"
      case S_IFDIR: throw FileError(path: path, operation: "replace", code: EISDIR)
      case _: throw FileError(path: path, operation: "write to", code: ENOTSUP)
      }
    }
    throw FileError(path: path, operation: "examine", code: ELOOP)
  }

  /// Whether what is written to one is written to the other.
  package func isSame(as other: FileTarget) -> Bool {
    switch (self, other) {
    case (.file(let one), .file(let two)):
      // One name in one folder, there or not; or two names of a file.
      FileIdentity(FilePath.folder(of: one)).map { $0 == FileIdentity(FilePath.folder(of: two)) } == true
        && FilePath.lastComponent(of: one) == FilePath.lastComponent(of: two)
        || FileIdentity(one).map { $0 == FileIdentity(two) } == true
    case (.stream(let one), .stream(let two)): FileIdentity(one).map { $0 == FileIdentity(two) } == true
    case (.file, .stream), (.stream, .file): false
    }
  }

  /// Whether the link is the system's name of a descriptor, as those in `/proc/self/fd` are.
  private static func isOpenFile(_ path: String) -> Bool {
    FilePath.real(FilePath.folder(of: path)).map {
      $0.hasPrefix("/proc/") && FilePath.lastComponent(of: $0) == "fd"
    } ?? false
  }

  private static func linkTarget(_ path: String) -> String? {
    var bytes = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = unsafe bytes.withUnsafeMutableBytes { target in
      guard let start = target.baseAddress else { return 0 }
      return unsafe readlink(path, start.assumingMemoryBound(to: CChar.self), target.count)
    }
    return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
  }
}

/// What the system knows a file by, whatever it is called: two paths to one file have it in common.
package struct FileIdentity: Equatable, Sendable {
  private let device: dev_t
  private let number: ino_t
  package let byteCount: Int

  /// Behind all symbolic links; nil where there is nothing, or nothing to be seen.
  package init?(_ path: String) {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    (device, number, byteCount) = (status.st_dev, status.st_ino, Int(status.st_size))
  }

  package static func == (a: FileIdentity, b: FileIdentity) -> Bool {
    (a.device, a.number) == (b.device, b.number)
  }
}

extension FileDescriptor {
  /// For writing to a stream. A descriptor of this process's own is shared, with the place in the file that it has.
  init(stream path: String) throws(FileError) {
    if let number = Int32(FilePath.lastComponent(of: path)),
      FilePath.real(FilePath.folder(of: path)) == "/proc/\(getpid())/fd"
    {
      let copy = fcntl(number, F_DUPFD_CLOEXEC, 3)
      guard copy >= 0 else { throw FileError(path: path, operation: "open", code: errno) }
      self.init(path: path, number: copy)
    } else {
      try self.init(path: path, flags: O_WRONLY | O_NOCTTY)
    }
  }
}
