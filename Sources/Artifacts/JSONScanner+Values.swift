extension JSONScanner {
  /// A string, or nil for null.
  mutating func stringOrNull() throws(Fault) -> String? {
    if take("null") { return nil }
    return try string()
  }

  /// Passes over any value. Brackets are counted, not descended into; that they match is not checked.
  mutating func skipValue() throws(Fault) {
    var depth = 0
    repeat {
      skipBlanks()
      guard let byte = peek else { throw fault(expected: "a value") }
      switch byte {
      case UInt8(ascii: "\""): _ = try string()
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        advance()
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        guard depth > 0 else { throw fault(expected: "a value") }
        depth -= 1
        advance()
      case UInt8(ascii: ","), UInt8(ascii: ":"):
        guard depth > 0 else { throw fault(expected: "a value") }
        advance()
      case _: try word()
      }
    } while depth > 0
  }

  /// A number, true, false or null.
  private mutating func word() throws(Fault) {
    let begin = offset
    while let byte = peek, Self.isWordByte(byte) { advance() }
    guard offset > begin else { throw fault(expected: "a value") }
  }

  private static func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
      UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "E"):
      true
    case _: false
    }
  }
}
