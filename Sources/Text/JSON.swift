/// A JSON document to be written. Members of an object keep the order they are given in, which Foundation's encoder
/// cannot do: it sorts by name or not at all, and readers of diffs want `module`, `epoch`, `split`, not an alphabet.
///
///     let line: JSON = ["module": 1, "epoch": 2, "loss": .number(loss)]
package enum JSON: Sendable {
  case null
  case bool(Bool)
  case integer(Int)
  /// The shortest text that reads back as the same number; NaN and the infinities, which JSON lacks, become null.
  case number(Double)
  case string(String)
  case array([JSON])
  /// Keys are distinct, or writing traps.
  case object([(key: String, value: JSON)])

  /// A float with the shortest text that reads back as the same float: 0.1, not 0.10000000149011612.
  package static func number(_ value: Float) -> JSON {
    .number(value.isFinite ? Double(value.description) ?? Double(value) : .nan)
  }

  /// Null where there is no value.
  package static func optional<Value>(_ value: Value?, _ body: (Value) -> JSON) -> JSON {
    value.map(body) ?? .null
  }
}

extension JSON {
  /// An object with one member more; traps for anything else.
  package func with(_ key: String, _ value: JSON) -> JSON {
    guard case .object(let members) = self else { preconditionFailure("only objects have members") }
    return .object(members + [(key: key, value: value)])
  }
}

extension JSON: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByStringLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(integerLiteral value: Int) { self = .integer(value) }
  package init(floatLiteral value: Double) { self = .number(value) }
  package init(stringLiteral value: String) { self = .string(value) }
  package init(arrayLiteral elements: JSON...) { self = .array(elements) }
  package init(dictionaryLiteral elements: (String, JSON)...) {
    self = .object(elements.map { (key: $0.0, value: $0.1) })
  }
  package init(nilLiteral: ()) { self = .null }
}
