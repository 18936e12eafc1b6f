internal import Artifacts
internal import Base
internal import Glibc

/// Where paths in `--set`s start.
enum SetPaths {
  /// Like every path that is typed.
  case currentFolder
  /// As a plan keeps them, beside the spec's own.
  case specFolder
}

/// Paths on the command line and in files: those that are typed start at the current folder, those in a spec at the spec's.
enum Paths {
  /// Of the current folder, or a path from it.
  static func absolute(_ path: String) -> String {
    guard !path.hasPrefix("/"), let folder = unsafe getcwd(nil, 0) else { return path }
    defer { unsafe free(folder) }
    return unsafe String(cString: folder) + "/" + path
  }

  /// A path from the current folder as a spec in `folder` writes it: the same where that is the current one, else absolute where
  /// `folder` is.
  static func typed(_ path: String, from folder: String) -> String {
    guard !path.hasPrefix("/"), folder != "." else { return path }
    if folder.hasPrefix("/") {
      return FilePath.relative(of: path, from: folder, currentFolder: absolute("."))
    }
    // `..` leads out of a folder as it lies, not as a link to it is called.
    return FilePath.relative(of: absolute(path), from: real(folder), currentFolder: "/")
  }

  /// The path of a file as another one keeps it that lies in `folder`: from there, whatever links lead to either; absolute where
  /// one of the two was typed so and the other was not.
  static func kept(_ path: String, from folder: String) -> String {
    // Paths in a file start where it is found: a link in its own place stays.
    let file = join(real(FilePath.folder(of: path)), FilePath.lastComponent(of: path))
    guard path.hasPrefix("/") == folder.hasPrefix("/") else { return file }
    return FilePath.relative(of: file, from: real(folder), currentFolder: "/")
  }

  /// Absolute, without links; as it is called where there is no such folder.
  private static func real(_ folder: String) -> String { FilePath.real(folder) ?? absolute(folder) }

  /// Where the paths in a text start that the command line names: in its folder; in the current one where it is a stream.
  static func folder(ofInput path: String) -> String { isStream(path) ? "." : FilePath.folder(of: path) }

  /// Whether a text comes through a pipe, from a device or from standard input: it lies nowhere, and is there but once.
  static func isStream(_ path: String) -> Bool {
    if path == InputFile.standardInput || path.hasPrefix("/dev/") || path.hasPrefix("/proc/") { return true }
    var status = stat()
    return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFREG
  }

  /// A path that starts at `folder`, from the current one.
  static func join(_ folder: String, _ path: String) -> String {
    path.hasPrefix("/") || folder == "." ? path : folder == "/" ? "/" + path : folder + "/" + path
  }
}
