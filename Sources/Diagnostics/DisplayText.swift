/// Source text as a terminal shows it: how wide each character is, and nothing that could steer the terminal.
package enum DisplayText {
  /// One character made printable: a tab becomes a space, other control characters a replacement mark.
  static func printable(_ character: Character) -> Character {
    if character == "\t" { return " " }
    return isControl(character) ? "\u{FFFD}" : character
  }

  /// A message or label made printable; control characters are spelled out (`\u{1B}`).
  package static func printable(_ text: String) -> String {
    guard text.contains(where: isControl) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      if isControl(scalar) {
        result += "\\u{" + String(scalar.value, radix: 16, uppercase: true) + "}"
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Terminal columns of one character: two for East Asian wide forms and emoji.
  static func width(_ character: Character) -> Int {
    guard let first = character.unicodeScalars.first?.value else { return 0 }
    switch first {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
      0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1FAFF,
      0x20000...0x3FFFD:
      return 2
    default:
      return 1
    }
  }

  private static func isControl(_ character: Character) -> Bool {
    character.unicodeScalars.contains(where: isControl)
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
    default: false
    }
  }
}
