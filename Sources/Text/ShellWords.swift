/// A word of a command line that people are told to type, in quotes.
package func shellQuoted(_ text: String) -> String { "'" + text.replacing("'", with: #"'\''"#) + "'" }

/// The same, bare where no shell takes it for anything else.
package func shellWord(_ text: String) -> String {
  let isPlain = text.utf8.allSatisfy { byte in
    (97...122).contains(byte) || (65...90).contains(byte) || (48...57).contains(byte)
      || "-_./=,:+%@".utf8.contains(byte)
  }
  // zsh takes a first '=' for the place of a program.
  return isPlain && !text.isEmpty && !text.hasPrefix("=") ? text : shellQuoted(text)
}
