package import Text

extension JSONScanner {
  /// Deeper documents are nothing that Strata writes.
  private static let deepest = 64

  /// Any value as a whole.
  mutating func document(depth: Int = 0) throws(Fault) -> JSON {
    skipBlanks()
    guard depth < Self.deepest else { throw fault(expected: "at most \(Self.deepest) levels") }
    switch peek {
    case UInt8(ascii: "{"):
      var members: [(key: String, value: JSON)] = []
      var keys: Set<String> = []
      try object { (scanner, key, offset) throws(Fault) in
        guard keys.insert(key).inserted else {
          throw Fault(offset: offset, expected: "a key of its own", found: "'\(key)' again")
        }
        members.append((key, try scanner.document(depth: depth + 1)))
      }
      return .object(members)
    case UInt8(ascii: "["):
      var elements: [JSON] = []
      try array { (scanner) throws(Fault) in elements.append(try scanner.document(depth: depth + 1)) }
      return .array(elements)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t") where take("true"): return .bool(true)
    case UInt8(ascii: "f") where take("false"): return .bool(false)
    case _:
      let begin = self
      guard let number = try numberOrNull() else { return .null }
      var whole = begin
      if let integer = try? whole.integer(), whole.offset == offset { return .integer(integer) }
      return .number(number)
    }
  }

  /// A whole number, negative ones too.
  private mutating func integer() throws(Fault) -> Int {
    let isNegative = take("-")
    let number = try naturalNumber()
    return isNegative ? -number : number
  }
}

extension JSON {
  /// A member of an object; nil for anything else.
  package subscript(key: String) -> JSON? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.key == key }?.value
  }

  package var integer: Int? { if case .integer(let value) = self { value } else { nil } }
  package var string: String? { if case .string(let value) = self { value } else { nil } }
  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  package var elements: [JSON] { if case .array(let elements) = self { elements } else { [] } }

  /// Every leaf with its dotted path, in order: `stages[2].memory.peakBytes`. Elements count from 1, as everything does.
  func leaves(path: String = "") -> [(path: String, value: JSON)] {
    switch self {
    case .null, .bool, .integer, .number, .string: [(path, self)]
    case .array(let elements):
      elements.enumerated().flatMap { $0.element.leaves(path: "\(path)[\($0.offset + 1)]") }
    case .object(let members):
      members.flatMap { $0.value.leaves(path: path.isEmpty ? $0.key : "\(path).\($0.key)") }
    }
  }

  /// A leaf for people.
  var words: String {
    switch self {
    case .null: "none"
    case .bool(let value): value ? "true" : "false"
    case .integer(let value): grouped(value)
    case .number(let value): "\(value)"
    case .string(let value): value
    case .array, .object: JSONWriter.line(self)
    }
  }
}
