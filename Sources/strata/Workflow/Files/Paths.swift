internal import Artifacts
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
      return PlanDocument.relativePath(of: path, from: folder, currentFolder: absolute("."))
    }
    // `..` leads out of a folder as it lies, not as a link to it is called.
    return PlanDocument.relativePath(of: absolute(path), from: real(folder), currentFolder: "/")
  }

  /// The path of a file as another one keeps it that lies in `folder`: from there, whatever links lead to either; absolute where
  /// one of the two was typed so and the other was not.
  static func kept(_ path: String, from folder: String) -> String {
    // Paths in a file start where it is found: a link in its own place stays.
    let file = join(real(FilePath.folder(of: path)), FilePath.lastComponent(of: path))
    guard path.hasPrefix("/") == folder.hasPrefix("/") else { return file }
    return PlanDocument.relativePath(of: file, from: real(folder), currentFolder: "/")
  }

  /// Absolute, without links; as it is called where there is no such folder.
  private static func real(_ folder: String) -> String { FilePath.real(folder) ?? absolute(folder) }

  /// A path that starts at `folder`, from the current one.
  static func join(_ folder: String, _ path: String) -> String {
    path.hasPrefix("/") || folder == "." ? path : folder == "/" ? "/" + path : folder + "/" + path
  }
}
