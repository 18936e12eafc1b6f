import SpecLanguage
import TestSupport

/// Writes random specs, as JSON (which is YAML), that obey the table of keys. Only what the table does not say, how
/// keys go together, may be wrong with them.
struct SpecGenerator {
  var random: SplitMix64

  init(seed: UInt64) {
    random = SplitMix64(seed: seed)
  }

  mutating func spec() -> String { section(SpecTable.root) }

  private mutating func section(_ shape: SectionShape) -> String {
    var fields: [String] = []
    var kind: String?
    if let name = shape.discriminator, let key = shape.keys.first(where: { $0.name == name }) {
      // An entry without a kind has its section's, whose keys are another matter.
      if case .value(.word(let word)) = key.fallback, !shape.inheritsEnclosing, chance(3) {
        kind = word
      } else if case .word(let words) = key.shape {
        kind = pick(words)
        fields.append("\"\(name)\": \"\(kind ?? "")\"")
      }
    }
    var excluded: Set<String> = shape.discriminator.map { [$0] } ?? []
    var forced: Set<String> = []
    if let alternatives = shape.alternatives {
      let keys = [alternatives.first, alternatives.second].shuffled(using: &random)
      excluded.insert(keys[0])
      if alternatives.isOneRequired { forced.insert(keys[1]) }
    }
    for key in shape.keys where !excluded.contains(key.name) {
      if let kind, !key.kinds.isEmpty, !key.kinds.contains(kind) { continue }
      let isRequired = if case .required = key.fallback { true } else { forced.contains(key.name) }
      // Most of the others do not go with it.
      if isRequired || chance(key.name == "compression" ? 15 : 3) {
        fields.append("\"\(key.name)\": \(value(key.shape, of: key.name))")
      }
    }
    return "{" + fields.joined(separator: ", ") + "}"
  }

  private mutating func value(_ shape: ValueShape, of key: String) -> String {
    switch shape {
    case .version: return String(SpecTable.version)
    case .flag: return String(chance(2))
    case .integer(let range, let odd):
      let value = Int.random(
        in: range.lowerBound...min(range.upperBound, range.lowerBound + 7), using: &random)
      return String(odd && value.isMultiple(of: 2) ? value + 1 : value)
    case .seed: return String(UInt64.random(in: 0...UInt64.max, using: &random))
    case .number(let range): return number(range)
    case .word(let words): return "\"\(pick(words))\""
    case .name: return "\"\(pick(["a", "net-1", "7", "-", "true"]))\""
    case .path: return pick([#""data/x""#, #""é \" \\ ü""#, #""no""#, #""- a: b""#, "\"a\\u0085\\u2028b\""])
    case .image: return "\"\(pick(["1x8x8", "3x32x32", "2x5x7"]))\""
    case .size: return pick(["\"2GiB\"", "\"1.5MiB\"", "4097", "\"33%\"", "\"12.5%\""])
    case .list(let element, let count):
      let length = Int.random(
        in: count.lowerBound...min(count.upperBound, count.lowerBound + 3), using: &random)
      if ["before", "cuts", "at"].contains(key) {
        var last = 0
        let rising = (0..<length).map { _ in
          last += Int.random(in: 1...3, using: &random)
          return key == "before" && chance(3) ? "{\"at\": \(last), \"kind\": \"stride\"}" : String(last)
        }
        return "[" + rising.joined(separator: ", ") + "]"
      }
      return "[" + (0..<length).map { _ in value(element, of: key) }.joined(separator: ", ") + "]"
    case .section(let section):
      if section.allowsBareWord, chance(4), let bare = bareWord(section) { return "\"\(bare)\"" }
      return self.section(section)
    case .either(let shapes): return value(pick(shapes), of: key)
    }
  }

  private mutating func bareWord(_ section: SectionShape) -> String? {
    guard let key = section.keys.first(where: { $0.name == section.discriminator }),
      case .word(let words) = key.shape
    else { return nil }
    let word = pick(words)
    let needsMore = section.keys.contains { key in
      if case .required = key.fallback { key.kinds.contains(word) } else { false }
    }
    return needsMore ? nil : word
  }

  private mutating func number(_ range: NumberRange) -> String {
    let lower =
      switch range.lower {
      case .included(let end), .excluded(let end): max(end, -5)
      }
    let upper =
      switch range.upper {
      case .included(let end), .excluded(let end): min(end, lower + 5)
      }
    if case .included(let end) = range.lower, chance(4) { return String(Int(end)) }
    return String(Double.random(in: lower + 1e-9..<upper, using: &random))
  }

  private mutating func chance(_ n: Int) -> Bool { Int.random(in: 0..<n, using: &random) == 0 }

  private mutating func pick<T>(_ values: [T]) -> T { values[Int.random(in: values.indices, using: &random)] }
}
