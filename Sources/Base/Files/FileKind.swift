package import Glibc

/// What a name in a folder stands for.
package enum FileKind: Hashable, Sendable {
  case regular, folder, link, pipe, socket, device

  package init(mode: mode_t) {
    switch mode & S_IFMT {
    case S_IFREG: self = .regular
    case S_IFDIR: self = .folder
    case S_IFLNK: self = .link
    case S_IFIFO: self = .pipe
    case S_IFSOCK: self = .socket
    case _: self = .device
    }
  }

  /// `a symbolic link`.
  package var words: String {
    switch self {
    case .regular: "a file"
    case .folder: "a folder"
    case .link: "a symbolic link"
    case .pipe: "a pipe"
    case .socket: "a socket"
    case .device: "a device"
    }
  }
}
