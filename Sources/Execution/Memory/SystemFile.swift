internal import Glibc

/// Small files of `/proc` and `/sys`, which have no size of their own.
enum SystemFile {
  private static let largestByteCount = 1 << 20

  /// The whole text; nil where there is no such file, or it cannot be read.
  static func text(of path: String) -> String? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var text: [UInt8] = []
    var bytes = [UInt8](repeating: 0, count: 8192)
    while text.count < largestByteCount {
      let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { break }
      text += bytes[..<count]
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The first line; nil where there is none.
  static func firstLine(of path: String) -> Substring? {
    text(of: path)?.split(separator: "\n").first
  }
}
