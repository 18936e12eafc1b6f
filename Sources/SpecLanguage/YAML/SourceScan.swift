internal import Diagnostics

/// What can be said of a text before YAML is read: its size, its encoding, its control characters and its tabs.
package enum SourceScan {
  /// Larger files are refused unread; the longest published architecture needs a few kibibytes.
  package static let largestByteCount = 1 << 20

  /// The first fault of the text, or nil. Tabs are all reported, the rest makes reading on pointless.
  static func faults(in source: SourceFile) -> [Diagnostic] {
    let bytes = source.bytes
    if bytes.count > largestByteCount {
      return [.fileTooLarge(at: source.span(0..<0))]
    }
    var index = byteOrderMarkLength(bytes)
    var isLeading = true
    var tabs: [Diagnostic] = []
    while index < bytes.count {
      let byte = bytes[index]
      if byte < 0x80 {
        switch byte {
        case UInt8(ascii: "\n"), UInt8(ascii: "\r"): isLeading = true
        case UInt8(ascii: " "): break
        case UInt8(ascii: "\t"):
          if isLeading {
            var end = index
            while end < bytes.count, bytes[end] == UInt8(ascii: "\t") || bytes[end] == UInt8(ascii: " ") {
              end += 1
            }
            // A line of nothing but blanks, or a comment, is indented by nobody.
            if end < bytes.count, !"\n\r#".utf8.contains(bytes[end]) {
              tabs.append(.tabIndentation(at: source.span(index..<index + 1)))
            }
            isLeading = false
          }
        case 0..<0x20, 0x7F: return [.controlCharacter(byte, at: source.span(index..<index + 1))]
        default: isLeading = false
        }
        index += 1
        continue
      }
      isLeading = false
      guard let (scalar, length) = decodeScalar(bytes, at: index) else {
        return [.notUTF8(byte, at: source.span(index..<index + 1))]
      }
      if !isPrintable(scalar) {
        return [.unprintableCharacter(scalar, at: source.span(index..<index + length))]
      }
      index += length
    }
    return tabs
  }

  /// 3 where the text begins with a UTF-8 byte order mark.
  static func byteOrderMarkLength(_ bytes: [UInt8]) -> Int {
    bytes.count >= 3 && bytes[0] == 0xEF && bytes[1] == 0xBB && bytes[2] == 0xBF ? 3 : 0
  }

  /// YAML's printable characters above ASCII; a byte order mark is none inside a text.
  private static func isPrintable(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x85, 0xA0...0xD7FF, 0xE000...0xFEFE, 0xFF00...0xFFFD, 0x10000...0x10FFFF: true
    default: false
    }
  }

  /// A multi-byte scalar and its length; nil where the bytes are no UTF-8 (overlong forms and surrogates included).
  private static func decodeScalar(_ bytes: [UInt8], at index: Int) -> (scalar: UInt32, length: Int)? {
    let first = bytes[index]
    let length: Int
    var scalar: UInt32
    let smallest: UInt32
    switch first {
    case 0xC2...0xDF: (length, scalar, smallest) = (2, UInt32(first & 0x1F), 0x80)
    case 0xE0...0xEF: (length, scalar, smallest) = (3, UInt32(first & 0x0F), 0x800)
    case 0xF0...0xF4: (length, scalar, smallest) = (4, UInt32(first & 0x07), 0x10000)
    default: return nil
    }
    guard index + length <= bytes.count else { return nil }
    for next in bytes[index + 1..<index + length] {
      guard next & 0b1100_0000 == 0b1000_0000 else { return nil }
      scalar = scalar << 6 | UInt32(next & 0x3F)
    }
    let isScalar = scalar >= smallest && scalar <= 0x10FFFF && !(0xD800...0xDFFF).contains(scalar)
    return isScalar ? (scalar, length) : nil
  }
}
