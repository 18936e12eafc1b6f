internal import Base

/// How clients name documents: `file:///specs/net.yaml`, or with another scheme what lies in no file.
package struct DocumentURI: Hashable, Sendable {
  /// As the client writes it.
  package let text: String

  package init(_ text: String) { self.text = text }

  /// Of a file; nil for other schemes and paths that are no UTF-8.
  package var path: String? {
    guard text.utf8.starts(with: "file://".utf8) else { return nil }
    let rest = text.utf8.dropFirst("file://".utf8.count)
    // A host stands in front of the path; it is this one.
    guard let slash = rest.firstIndex(of: UInt8(ascii: "/")) else { return nil }
    var bytes: [UInt8] = []
    var index = slash
    while index < rest.endIndex {
      let byte = rest[index]
      index = rest.index(after: index)
      switch byte {
      case UInt8(ascii: "%"):
        guard let behind = rest.index(index, offsetBy: 2, limitedBy: rest.endIndex),
          let digits = String(rest[index..<behind]), let value = UInt8(digits, radix: 16), value != 0
        else { return nil }
        bytes.append(value)
        index = behind
      case UInt8(ascii: "?"), UInt8(ascii: "#"): index = rest.endIndex
      case _: bytes.append(byte)
      }
    }
    return String(validating: bytes, as: UTF8.self)
  }

  /// What messages call the document.
  var name: String {
    path.map { FilePath.lastComponent(of: $0) } ?? text
  }

  /// Of a file at an absolute path.
  package init(path: String) {
    var text = "file://"
    for byte in path.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "_"), UInt8(ascii: "~"):
        text.unicodeScalars.append(UnicodeScalar(byte))
      case _:
        let digits = String(byte, radix: 16, uppercase: true)
        text += "%" + (digits.count < 2 ? "0" : "") + digits
      }
    }
    self.text = text
  }
}
