/// Characters that steer a terminal: they come in names and contents of files, and must not reach one.
package enum ControlCharacters {
  /// With every control character but line ends and tabs as `\u001B`, which is what a JSON string has in its place as well.
  ///
  /// - Parameter keepingStyles: leaves the escapes that `TextStyle` writes.
  package static func spelledOut(_ text: String, keepingStyles: Bool = false) -> String {
    guard holdsAny(text) else { return text }
    var result = ""
    var rest = text.unicodeScalars[...]
    while let scalar = rest.popFirst() {
      if scalar == "\u{1B}", keepingStyles, let end = endOfStyle(rest) {
        result.unicodeScalars.append(scalar)
        result.unicodeScalars.append(contentsOf: rest[..<end])
        rest = rest[end...]
      } else if isControl(scalar) {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Whether a text has any of them.
  package static func holdsAny(_ text: String) -> Bool { text.unicodeScalars.contains(where: isControl) }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09, 0x0A: false
    case 0..<0x20, 0x7F..<0xA0: true
    default: false
    }
  }

  /// Behind `[1m`, where such an attribute is what begins there.
  private static func endOfStyle(
    _ text: Substring.UnicodeScalarView
  ) -> Substring.UnicodeScalarView.Index? {
    guard text.first == "[" else { return nil }
    let end = text.dropFirst().firstIndex { !("0"..."9").contains($0) && $0 != ";" }
    guard let end, text[end] == "m" else { return nil }
    return text.index(after: end)
  }
}
