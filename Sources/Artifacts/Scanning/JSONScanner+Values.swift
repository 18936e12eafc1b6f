extension JSONScanner {
  /// A string, or nil for null.
  mutating func stringOrNull() throws(Fault) -> String? {
    if take("null") { return nil }
    return try string()
  }

  /// A whole number from 0 to 2^63 - 1, or nil for null.
  mutating func naturalNumberOrNull() throws(Fault) -> Int? {
    if take("null") { return nil }
    return try naturalNumber()
  }

  /// An integer from 1 to `largest`, or nil for null.
  mutating func positiveNumberOrNull(upTo largest: Int = .max) throws(Fault) -> Int? {
    if take("null") { return nil }
    let begin = offset
    let number = try naturalNumber()
    guard number > 0 else { throw Fault(offset: begin, expected: "a number from 1", found: "0") }
    guard number <= largest else {
      throw Fault(offset: begin, expected: "a number up to \(largest)", found: "\(number)")
    }
    return number
  }

  /// A string that is one of an enumeration's.
  mutating func word<Words: RawRepresentable & CaseIterable>(_ words: Words.Type) throws(Fault) -> Words
  where Words.RawValue == String {
    let begin = offset
    let text = try string()
    guard let word = Words(rawValue: text) else {
      let all = words.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
      throw Fault(offset: begin, expected: "one of \(all)", found: "'\(text)'")
    }
    return word
  }

  /// A number, or nil for null, which stands for what is no number.
  mutating func numberOrNull() throws(Fault) -> Double? {
    skipBlanks()
    let begin = offset
    let text = try word()
    if text == "null" { return nil }
    guard let number = Double(text), number.isFinite else {
      throw Fault(offset: begin, expected: "a number", found: "'\(text)'")
    }
    return number
  }

  /// Calls `element` for each element of an array; it must read it.
  mutating func array(_ element: (inout JSONScanner) throws(Fault) -> Void) throws(Fault) {
    guard take("[") else { throw fault(expected: "'['") }
    if take("]") { return }
    repeat { try element(&self) } while take(",")
    guard take("]") else { throw fault(expected: "']'") }
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
      case _: _ = try word()
      }
    } while depth > 0
  }

  /// A number, true, false or null, as it stands.
  private mutating func word() throws(Fault) -> String {
    var text: [UInt8] = []
    while let byte = peek, Self.isWordByte(byte) {
      text.append(byte)
      advance()
    }
    guard !text.isEmpty else { throw fault(expected: "a value") }
    return String(decoding: text, as: UTF8.self)
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
