internal import Glibc

/// Small files of `/proc` and `/sys`, which have no size of their own.
package enum SystemFile {
  package static let largestByteCount = 1 << 20

  /// The whole text; nil where there is no such file, or it cannot be read.
  package static func text(of path: String, limit: Int = largestByteCount) -> String? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    return (try? readToEnd(descriptor, limit: limit)).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The first line; nil where there is none.
  package static func firstLine(of path: String) -> Substring? {
    text(of: path)?.split(separator: "\n").first
  }
}
