internal import Text

/// Reads the bytes of a JSON text piece by piece. Whoever calls knows what must come next; anything else is a fault with
/// its offset. Nothing is built for what nobody asks for, and nesting has no depth to run out of.
struct JSONScanner {
  struct Fault: Error, Hashable {
    /// In the text.
    var offset: Int
    var expected, found: String
  }

  private let bytes: [UInt8]
  private(set) var offset = 0
  /// Whether half a surrogate pair is read as U+FFFD, which has as many UTF-16 units; otherwise it is a fault.
  var replacesLoneSurrogates = false

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  func fault(expected: String) -> Fault { Fault(offset: offset, expected: expected, found: describe(offset)) }

  /// Calls `member` with each key of an object and the key's offset; it must read the value.
  mutating func object(_ member: (inout JSONScanner, String, Int) throws(Fault) -> Void) throws(Fault) {
    try expect("{")
    if take("}") { return }
    repeat {
      skipBlanks()
      let keyOffset = offset
      let key = try string()
      try expect(":")
      try member(&self, key, keyOffset)
    } while take(",")
    try expect("}")
  }

  /// An array of whole numbers from 0 to 2^63 - 1.
  mutating func naturalNumbers() throws(Fault) -> [Int] {
    try expect("[")
    var numbers: [Int] = []
    if take("]") { return numbers }
    repeat { numbers.append(try naturalNumber()) } while take(",")
    try expect("]")
    return numbers
  }

  mutating func naturalNumber() throws(Fault) -> Int {
    skipBlanks()
    let begin = offset
    var number = 0
    while offset < bytes.count, (0x30...0x39).contains(bytes[offset]) {
      let (tens, overflow) = number.multipliedReportingOverflow(by: 10)
      let (sum, carry) = tens.addingReportingOverflow(Int(bytes[offset] - 0x30))
      guard !overflow, !carry else {
        throw Fault(offset: begin, expected: "a number below 2^63", found: "a larger one")
      }
      number = sum
      offset += 1
    }
    guard offset > begin else { throw fault(expected: "a whole number") }
    guard offset == begin + 1 || bytes[begin] != 0x30 else {
      throw Fault(offset: begin, expected: "a number without leading zeros", found: "'0'")
    }
    return number
  }

  mutating func string() throws(Fault) -> String {
    try expect("\"")
    var text: [UInt8] = []
    let begin = offset
    while true {
      guard offset < bytes.count else { throw fault(expected: "a closing quote") }
      let byte = bytes[offset]
      if byte == UInt8(ascii: "\"") { break }
      guard byte >= 0x20 else { throw fault(expected: "a character of a string") }
      if byte == UInt8(ascii: "\\") {
        text.append(contentsOf: String(try escape()).utf8)
      } else {
        text.append(byte)
        offset += 1
      }
    }
    guard let string = String(validating: text, as: UTF8.self) else {
      throw Fault(offset: begin, expected: "UTF-8", found: "other bytes")
    }
    offset += 1
    return string
  }

  private mutating func escape() throws(Fault) -> UnicodeScalar {
    let begin = offset
    guard offset + 1 < bytes.count else { throw fault(expected: "an escaped character") }
    let letter = bytes[offset + 1]
    offset += 2
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return UnicodeScalar(letter)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      var code = try fourDigits()
      // Beyond U+FFFF: a pair of surrogates.
      if (0xD800..<0xDC00).contains(code), bytes[offset...].starts(with: "\\u".utf8) {
        let behind = offset
        offset += 2
        let low = try fourDigits()
        if (0xDC00..<0xE000).contains(low) {
          code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        } else {
          offset = behind
        }
      }
      if let scalar = UnicodeScalar(code) { return scalar }
      if replacesLoneSurrogates { return "\u{FFFD}" }
    default: break  // bytes are no enum: whatever else it is, it is no escape
    }
    offset = begin
    throw fault(expected: "an escaped character")
  }

  private mutating func fourDigits() throws(Fault) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard offset < bytes.count, let digit = Character(UnicodeScalar(bytes[offset])).hexDigitValue else {
        throw fault(expected: "a hexadecimal digit")
      }
      code = code << 4 | UInt32(digit)
      offset += 1
    }
    return code
  }

  /// Nothing but blanks may follow.
  mutating func end() throws(Fault) {
    skipBlanks()
    guard offset == bytes.count else { throw fault(expected: "nothing more") }
  }

  var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  mutating func advance() { offset += 1 }

  mutating func skipBlanks() {
    while let byte = peek, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { offset += 1 }
  }

  mutating func take(_ text: StaticString) -> Bool {
    skipBlanks()
    let wanted = "\(text)".utf8
    guard bytes[offset...].starts(with: wanted) else { return false }
    offset += wanted.count
    return true
  }

  private mutating func expect(_ text: StaticString) throws(Fault) {
    guard take(text) else { throw fault(expected: "'\(text)'") }
  }

  private func describe(_ offset: Int) -> String {
    guard offset < bytes.count else { return "the end" }
    let byte = bytes[offset]
    return (0x20..<0x7F).contains(byte) ? "'\(Character(UnicodeScalar(byte)))'" : "byte \(byte)"
  }
}
