internal import Diagnostics

/// What an unquoted scalar means by YAML 1.2's core schema.
enum CoreScalar: Hashable, Sendable {
  case null
  case flag(Bool)
  /// Nil where the number does not fit.
  case integer(Int?)
  /// Above `Int`, up to 2^64 - 1.
  case largeInteger(UInt64)
  case number(Double)
  case text

  init(_ text: String) {
    switch text {
    case "", "~", "null", "Null", "NULL": self = .null
    // The core schema also takes True and TRUE; specs know one spelling.
    case "true": self = .flag(true)
    case "false": self = .flag(false)
    default: self = Self.numeral(Array(text.utf8)) ?? .text
    }
  }

  private static func numeral(_ text: [UInt8]) -> CoreScalar? {
    var digits = text[...]
    let isNegative = digits.first == UInt8(ascii: "-")
    if isNegative || digits.first == UInt8(ascii: "+") { digits = digits.dropFirst() }
    guard let first = digits.first else { return nil }
    if digits.elementsEqual(".inf".utf8) || digits.elementsEqual(".Inf".utf8)
      || digits.elementsEqual(".INF".utf8)
    {
      return .number(isNegative ? -.infinity : .infinity)
    }
    if [".nan", ".NaN", ".NAN"].contains(where: { text.elementsEqual($0.utf8) }) { return .number(.nan) }
    guard isDigit(first) || first == UInt8(ascii: ".") else { return nil }

    if digits.count == text.count, first == UInt8(ascii: "0"), digits.count > 2 {
      let body = String(decoding: digits.dropFirst(2), as: UTF8.self)
      let marker = digits[digits.startIndex + 1]
      if marker == UInt8(ascii: "x"), body.utf8.allSatisfy(isHexDigit) { return integer(body, radix: 16) }
      if marker == UInt8(ascii: "o"), body.utf8.allSatisfy({ (48...55).contains($0) }) {
        return integer(body, radix: 8)
      }
    }
    if digits.allSatisfy(isDigit) {
      return integer((isNegative ? "-" : "") + String(decoding: digits, as: UTF8.self), radix: 10)
    }
    guard isFloat(digits) else { return nil }
    return Double(String(decoding: text, as: UTF8.self)).map { .number($0) }
  }

  private static func integer(_ digits: String, radix: Int) -> CoreScalar {
    if let value = Int(digits, radix: radix) { return .integer(value) }
    if let value = UInt64(digits, radix: radix) { return .largeInteger(value) }
    return .integer(nil)
  }

  /// `[0-9]+(\.[0-9]*)?` or `\.[0-9]+`, then an optional exponent.
  private static func isFloat(_ text: ArraySlice<UInt8>) -> Bool {
    var rest = text
    let whole = rest.prefix(while: isDigit)
    rest = rest.dropFirst(whole.count)
    if rest.first == UInt8(ascii: ".") {
      rest = rest.dropFirst()
      let fraction = rest.prefix(while: isDigit)
      rest = rest.dropFirst(fraction.count)
      if whole.isEmpty && fraction.isEmpty { return false }
    } else if whole.isEmpty {
      return false
    }
    guard let mark = rest.first else { return true }
    guard mark == UInt8(ascii: "e") || mark == UInt8(ascii: "E") else { return false }
    rest = rest.dropFirst()
    if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
    return !rest.isEmpty && rest.allSatisfy(isDigit)
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }

  private static func isHexDigit(_ byte: UInt8) -> Bool {
    isDigit(byte) || (65...70).contains(byte) || (97...102).contains(byte)
  }
}

extension YAMLNode {
  /// What the node is, for people.
  var description: String {
    switch content {
    case .plain(let text):
      switch CoreScalar(text) {
      case .null: "nothing"
      case .flag: "a boolean"
      case .integer, .largeInteger: "a whole number"
      case .number: "a number"
      case .text: "text"
      }
    case .quoted: "text in quotes"
    case .sequence: "a list"
    case .mapping: "a mapping"
    case .refused: "refused YAML"
    }
  }
}
