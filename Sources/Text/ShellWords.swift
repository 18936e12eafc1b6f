/// A word of a command line that people are told to type, in quotes. With control characters in it as bash, zsh and ksh write them.
package func shellQuoted(_ text: String) -> String {
  guard ControlCharacters.holdsAny(text) else {
    return "'" + text.replacing("'", with: #"'\''"#) + "'"
  }
  var word = "$'"
  for byte in text.utf8 {
    switch byte {
    case UInt8(ascii: "'"), UInt8(ascii: "\\"): word += "\\" + String(UnicodeScalar(byte))
    case 0x20..<0x7F: word += String(UnicodeScalar(byte))
    case _:
      let digits = String(byte, radix: 8)
      word += "\\" + String(repeating: "0", count: 3 - digits.count) + digits
    }
  }
  return word + "'"
}

/// The same, bare where no shell takes it for anything else.
package func shellWord(_ text: String) -> String {
  let isPlain = text.utf8.allSatisfy { byte in
    (97...122).contains(byte) || (65...90).contains(byte) || (48...57).contains(byte)
      || "-_./=,:+%@".utf8.contains(byte)
  }
  // zsh takes a first '=' for the place of a program.
  return isPlain && !text.isEmpty && !text.hasPrefix("=") ? text : shellQuoted(text)
}
