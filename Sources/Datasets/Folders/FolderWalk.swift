internal import Glibc

/// Every file below a folder.
struct FolderWalk {
  struct File: Sendable {
    /// From where the walk began; empty: right there.
    var folder: FileName
    var name: FileName
  }

  private let start: FileName
  private let root: Int32
  private let path: (FileName) -> String
  private var files: [File] = []

  /// Files in the order of a folder's own first, then those of the folders in it, each by name; what begins with a dot is left out.
  ///
  /// - Parameters:
  ///   - start: from the folder `root`.
  ///   - path: of a name from `root`, for messages.
  /// - Throws: where a folder can't be read, or a symbolic link leads back to a folder that it lies in.
  static func files(
    below start: FileName, in root: Int32 = AT_FDCWD, path: @escaping (FileName) -> String
  ) throws(DatasetError) -> [File] {
    var walk = Self(start: start, root: root, path: path)
    try walk.visit(FileName([]), beneath: [])
    return walk.files
  }

  private init(start: FileName, root: Int32, path: @escaping (FileName) -> String) {
    self.start = start
    self.root = root
    self.path = path
  }

  /// - Parameter beneath: identities of the folders on the way here.
  private mutating func visit(_ inner: FileName, beneath: [[UInt64]]) throws(DatasetError) {
    let whole = inner.bytes.isEmpty ? start : start.appending(inner)
    let folder = try OpenFolder(whole, in: root, path: path(whole))
    guard !beneath.contains(folder.identity) else {
      throw .mismatch(
        path: path(whole), expected: "folders that end",
        found: "a symbolic link to a folder that it lies in")
    }
    let entries = try folder.entries(path: path(whole))
    files += entries.files.map { File(folder: inner, name: $0) }
    for next in entries.folders {
      try visit(inner.appending(next), beneath: beneath + [folder.identity])
    }
  }
}
