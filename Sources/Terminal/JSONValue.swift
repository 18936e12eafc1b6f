/// A JSON document as a value. Objects keep the order in which they are written, so equal values give equal text.
package enum JSONValue: Sendable {
  case null
  case bool(Bool)
  case integer(Int)
  /// A number that is no integer; NaN and the infinities, which JSON lacks, are written as `null`.
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([(String, JSONValue)])
  /// JSON that someone else has written already, put in as it stands.
  case verbatim(String)

  /// The document with two blanks an indentation level and no line end.
  package var text: String {
    var text = ""
    write(into: &text, indentation: 0)
    return text
  }

  private func write(into text: inout String, indentation: Int) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .integer(let value): text += String(value)
    case .number(let value): text += value.isFinite ? "\(value)" : "null"
    case .string(let value): text += Self.quoted(value)
    case .verbatim(let json): text += json
    case .array(let items):
      Self.writeList(items, "[", "]", into: &text, indentation) { item, text in
        item.write(into: &text, indentation: indentation + 1)
      }
    case .object(let members):
      Self.writeList(members, "{", "}", into: &text, indentation) { member, text in
        text += Self.quoted(member.0) + ": "
        member.1.write(into: &text, indentation: indentation + 1)
      }
    }
  }

  private static func writeList<Item>(
    _ items: [Item], _ open: String, _ close: String, into text: inout String, _ indentation: Int,
    _ write: (Item, inout String) -> Void
  ) {
    text += open
    for (index, item) in items.enumerated() {
      text += (index == 0 ? "\n" : ",\n") + String(repeating: "  ", count: indentation + 1)
      write(item, &text)
    }
    if !items.isEmpty { text += "\n" + String(repeating: "  ", count: indentation) }
    text += close
  }

  private static func quoted(_ string: String) -> String {
    var text = "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      case _: text.unicodeScalars.append(scalar)
      }
    }
    return text + "\""
  }
}

extension JSONValue: ExpressibleByStringLiteral {
  package init(stringLiteral value: String) {
    self = .string(value)
  }
}
