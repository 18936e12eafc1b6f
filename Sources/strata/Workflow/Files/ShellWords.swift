internal import Terminal

/// A word of a command line that people are told to type, in quotes.
func shellQuoted(_ text: String) -> String { "'" + text.replacing("'", with: #"'\''"#) + "'" }

/// The same, bare where no shell takes it for anything else.
func shellWord(_ text: String) -> String {
  let isPlain = text.utf8.allSatisfy { byte in
    (97...122).contains(byte) || (65...90).contains(byte) || (48...57).contains(byte)
      || "_-./".utf8.contains(byte)
  }
  return isPlain && !text.isEmpty ? text : shellQuoted(text)
}

extension Assignment {
  /// As it is typed behind `--set`.
  var text: String { "\(key)=\(value)" }

  /// Of a text that was taken for one before; without `=` it is a fault of the spec.
  init(text: String) {
    let equals = text.firstIndex(of: "=") ?? text.endIndex
    self.init(key: String(text[..<equals]), value: String(text[equals...].dropFirst()))
  }
}
