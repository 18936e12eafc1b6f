internal import Base
internal import Text

/// A plan's document says at its end what the rest of it hashes to, so that nothing in it can be changed by hand unnoticed,
/// not even what no figure follows from. Order of members, blanks and the way numbers are written do not count.
extension JSON {
  static let checksumKey = "planSha256"

  /// The same document with its checksum; a checksum that it has is made anew.
  var checksummed: JSON { withoutChecksum.with(Self.checksumKey, .string(checksum)) }

  /// A checksum that was taken away is none.
  var hasValidChecksum: Bool { self[Self.checksumKey]?.string == checksum }

  private var checksum: String {
    unsafe SHA256.hex(of: Array(JSONWriter.line(withoutChecksum.canonical).utf8).span.bytes)
  }

  private var withoutChecksum: JSON {
    guard case .object(let members) = self else { return self }
    return .object(members.filter { $0.key != Self.checksumKey })
  }

  /// Members in order of their names; whole numbers as integers.
  var canonical: JSON {
    switch self {
    case .null, .bool, .integer, .string: self
    case .number(let number): Int(exactly: number).map { .integer($0) } ?? self
    case .array(let elements): .array(elements.map(\.canonical))
    case .object(let members):
      .object(members.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value.canonical) })
    }
  }
}
