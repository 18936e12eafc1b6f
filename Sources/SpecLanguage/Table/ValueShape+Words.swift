// Glibc links libm, where rounding lives.
internal import Glibc

extension ValueShape {
  /// What a key of this shape takes, for people: "a whole number from 1 to 11".
  var words: String {
    switch self {
    case .version: "\(SpecTable.version)"
    case .flag: "true or false"
    case .integer(let range, let odd):
      "\(odd ? "an odd number" : "a whole number") from \(range.lowerBound) to \(range.upperBound)"
    case .seed: "a whole number from 0 to 2^64 - 1"
    case .number(let range): "a number" + range.words
    case .word(let words): words.joined(separator: " | ")
    case .name: "a name of a-z, 0-9 and '-'"
    case .path: "a path"
    case .image: "channels x height x width, like 3x32x32"
    case .size: "a size like 2GiB, or a share like 50%"
    case .list(let element, let count):
      switch element {
      case .section: "a list of mappings" + (count.lowerBound > 0 ? "" : ", which may be empty")
      case .either, .version, .flag, .integer, .seed, .number, .word, .name, .path, .image, .size, .list:
        "a list" + (count.lowerBound > 0 ? "" : ", which may be empty") + ", each entry " + element.words
      }
    case .section(let section):
      if section.allowsBareWord {
        section.kinds.joined(separator: " | ") + ", or a mapping with 'kind'"
      } else {
        "a mapping of " + Self.quotedList(section.keys.map(\.name))
      }
    case .either(let shapes): shapes.map(\.words).joined(separator: ", or ")
    }
  }

  private static func quotedList(_ names: [String]) -> String {
    names.prefix(4).map { "'\($0)'" }.joined(separator: ", ") + (names.count > 4 ? ", …" : "")
  }
}

extension NumberRange {
  /// ` above 0, up to 1`.
  var words: String {
    let from =
      switch lower {
      case .included(let end): " from \(Self.plain(end))"
      case .excluded(let end): " above \(Self.plain(end))"
      }
    let to =
      switch upper {
      case .included(let end): " up to \(Self.plain(end))"
      case .excluded(let end): " below \(Self.plain(end))"
      }
    return "\(from),\(to)"
  }

  /// Where ranges end that have no end of their own: beyond is nothing that anybody means.
  static let farAway = 1e6

  /// Whole numbers without `.0`.
  static func plain(_ value: Double) -> String {
    Int(exactly: value).map { String($0) } ?? String(value)
  }
}
