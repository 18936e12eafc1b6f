internal import Glibc

/// Parts of paths, and what lies behind them.
package enum FilePath {
  /// What stands before the last slash: the folder a path lies in.
  package static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// What stands behind the last slash.
  package static func lastComponent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return path }
    return String(path[path.index(after: slash)...])
  }

  /// By one name whichever way it is called: absolute, without links, `.` and `..`; nil where there is no such thing.
  package static func real(_ path: String) -> String? {
    guard let found = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(found) }
    return unsafe String(cString: found)
  }

  /// `../specs/net.yaml` for a spec beside the plan's folder; an absolute path where one of both is
  /// absolute and the other is not.
  ///
  /// - Parameter currentFolder: where relative paths start; absolute.
  package static func relative(of path: String, from folder: String, currentFolder: String) -> String {
    func parts(_ path: String) -> [Substring] {
      var parts: [Substring] = []
      for part in (path.hasPrefix("/") ? path : "\(currentFolder)/\(path)").split(separator: "/") {
        switch part {
        case ".": continue
        case "..": _ = parts.popLast()
        case _: parts.append(part)
        }
      }
      return parts
    }
    guard path.hasPrefix("/") == folder.hasPrefix("/") else {
      return "/" + parts(path).joined(separator: "/")
    }
    var (target, base) = (parts(path)[...], parts(folder)[...])
    while let first = target.first, first == base.first, target.count > 1 {
      target.removeFirst()
      base.removeFirst()
    }
    return (base.map { _ in ".." } + target).joined(separator: "/")
  }

  /// Makes the folder `path` and those it lies in, where they are missing.
  package static func makeFolders(_ path: String) throws(FileError) {
    if unsafe mkdir(path, 0o777) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, folder(of: path) != path else {
      throw FileError(path: path, operation: "create", code: errno)
    }
    try makeFolders(folder(of: path))
    guard unsafe mkdir(path, 0o777) == 0 || errno == EEXIST else {
      throw FileError(path: path, operation: "create", code: errno)
    }
  }
}
