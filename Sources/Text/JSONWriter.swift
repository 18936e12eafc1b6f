/// Writes `JSON`: the same document gives the same bytes, everywhere.
package struct JSONWriter {
  private var text = ""

  private static let lineLength = 100

  /// The document on one line, without blanks and without a line end: `{"module":1,"epoch":2}`.
  package static func line(_ document: JSON) -> String {
    var writer = JSONWriter()
    writer.write(document, separator: ",", colon: ":")
    return writer.text
  }

  /// The document for people and for diffs, with a line end: two blanks a level, one member or element a line. What holds
  /// no other filled array or object and fits a line of 100 columns stays on one.
  package static func document(_ document: JSON) -> String {
    var writer = JSONWriter()
    writer.writeIndented(document, indentation: 0, used: 0)
    writer.text += "\n"
    return writer.text
  }

  private mutating func write(_ value: JSON, separator: String, colon: String) {
    switch value {
    case .null: text += "null"
    case .bool(let flag): text += flag ? "true" : "false"
    case .integer(let number): text += "\(number)"
    case .number(let number): text += number.isFinite ? number.description : "null"
    case .string(let string): write(string)
    case .array(let elements):
      text += "["
      for (index, element) in elements.enumerated() {
        if index > 0 { text += separator }
        write(element, separator: separator, colon: colon)
      }
      text += "]"
    case .object(let members):
      requireDistinctKeys(members)
      text += "{"
      for (index, member) in members.enumerated() {
        if index > 0 { text += separator }
        write(member.key)
        text += colon
        write(member.value, separator: separator, colon: colon)
      }
      text += "}"
    }
  }

  /// - Parameters:
  ///   - indentation: of the line the value begins on.
  ///   - used: columns of that line before the value.
  private mutating func writeIndented(_ value: JSON, indentation: Int, used: Int) {
    if !value.holdsFilledContainer {
      var flat = JSONWriter()
      flat.write(value, separator: ", ", colon: ": ")
      // 1: the comma behind.
      if value.isScalar || used + flat.text.count + 1 <= Self.lineLength {
        text += flat.text
        return
      }
    }
    let inner = indentation + 2
    let blanks = String(repeating: " ", count: inner)
    switch value {
    case .null, .bool, .integer, .number, .string: break  // scalars were written above
    case .array(let elements):
      text += "["
      for (index, element) in elements.enumerated() {
        text += index > 0 ? ",\n" : "\n"
        text += blanks
        writeIndented(element, indentation: inner, used: inner)
      }
      text += "\n" + String(repeating: " ", count: indentation) + "]"
    case .object(let members):
      requireDistinctKeys(members)
      text += "{"
      for (index, member) in members.enumerated() {
        text += index > 0 ? ",\n" : "\n"
        text += blanks
        write(member.key)
        text += ": "
        writeIndented(member.value, indentation: inner, used: inner + member.key.count + 4)
      }
      text += "\n" + String(repeating: " ", count: indentation) + "}"
    }
  }

  private mutating func write(_ string: String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case "\u{0}"..<"\u{20}", "\u{7F}":
        let hexadecimal = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - hexadecimal.count) + hexadecimal
      default: text.unicodeScalars.append(scalar)  // scalars are no enum: the rest stands for itself
      }
    }
    text += "\""
  }

  private func requireDistinctKeys(_ members: [(key: String, value: JSON)]) {
    precondition(Set(members.map(\.key)).count == members.count, "an object's keys are distinct")
  }
}

extension JSON {
  fileprivate var isScalar: Bool {
    switch self {
    case .null, .bool, .integer, .number, .string: true
    case .array, .object: false
    }
  }

  fileprivate var isFilledContainer: Bool {
    switch self {
    case .null, .bool, .integer, .number, .string: false
    case .array(let elements): !elements.isEmpty
    case .object(let members): !members.isEmpty
    }
  }

  fileprivate var holdsFilledContainer: Bool {
    switch self {
    case .null, .bool, .integer, .number, .string: false
    case .array(let elements): elements.contains(where: \.isFilledContainer)
    case .object(let members): members.contains { $0.value.isFilledContainer }
    }
  }
}
