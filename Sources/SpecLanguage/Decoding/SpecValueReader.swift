internal import Diagnostics

/// Reads one scalar as the value that its key takes; the fault says what else it is.
enum SpecValueReader {
  static let longestName = 64

  /// A scalar, or the diagnostic for it. `shape` takes scalars of one type: flag, integer, seed, number, word, name,
  /// path, image or size.
  /// - Parameters:
  ///   - key: dotted path, for messages.
  ///   - expected: what to say the key takes where `shape` is one of several alternatives.
  static func read(_ node: YAMLNode, as shape: ValueShape, key: String, expected: String) -> Result {
    let (text, isPlain): (String, Bool)
    switch node.content {
    case .plain(let plain): (text, isPlain) = (plain, true)
    case .quoted(let quoted): (text, isPlain) = (quoted, false)
    case .sequence, .mapping, .refused:
      preconditionFailure("the checker hands over scalars")
    }
    let scalar = Scalar(node: node, text: text, isPlain: isPlain, key: key, expected: expected)
    switch shape {
    case .version: return scalar.version()
    case .flag: return scalar.flag()
    case .integer(let range, let odd): return scalar.integer(range, odd: odd)
    case .seed: return scalar.seed()
    case .number(let range): return scalar.number(range)
    case .word(let words): return scalar.word(words)
    case .name: return scalar.name()
    case .path: return scalar.path()
    case .image: return scalar.image()
    case .size: return scalar.size()
    case .list, .section, .either: preconditionFailure("not a scalar's shape")
    }
  }

  enum Result {
    case value(SpecValue)
    case fault(Diagnostic)
  }
}

private struct Scalar {
  let node: YAMLNode
  let text: String
  let isPlain: Bool
  let key: String
  let expected: String

  private var meaning: CoreScalar { isPlain ? CoreScalar(text) : .text }

  private func wrongType(fix: String? = nil) -> SpecValueReader.Result {
    .fault(.wrongType(key, expected: expected, found: node.description, at: node.span, fix: fix))
  }

  /// The same scalar without its quotes, where that would be right.
  private func unquoted(if isRight: (CoreScalar) -> Bool) -> String? {
    !isPlain && isRight(CoreScalar(text)) ? text : nil
  }

  func version() -> SpecValueReader.Result {
    switch meaning {
    case .integer(SpecTable.version): .value(.integer(SpecTable.version))
    case .number(let number): notWhole(number, meant: Int(exactly: number).map { String($0) })
    case .integer(let version):
      .fault(.unknownVersion(text, isLater: version.map { $0 > SpecTable.version } ?? true, at: node.span))
    case .largeInteger: .fault(.unknownVersion(text, isLater: true, at: node.span))
    case .null, .flag, .text: wrongType(fix: unquoted { $0 == .integer(SpecTable.version) })
    }
  }

  func flag() -> SpecValueReader.Result {
    if case .flag(let value) = meaning { return .value(.flag(value)) }
    let booleans = [
      "yes": true, "on": true, "y": true, "true": true, "1": true,
      "no": false, "off": false, "n": false, "false": false, "0": false,
    ]
    if isPlain, let meant = booleans[text.lowercased()] {
      return .fault(.notABoolean(key, text, meant: meant, at: node.span))
    }
    return wrongType(fix: unquoted { if case .flag = $0 { true } else { false } })
  }

  func integer(_ range: ClosedRange<Int>, odd: Bool) -> SpecValueReader.Result {
    switch meaning {
    case .integer(let value?):
      guard range.contains(value) else {
        return .fault(.outOfRange(key, expected: expected, at: node.span))
      }
      if odd, value.isMultiple(of: 2) { return .fault(.evenKernel(value, key: key, at: node.span)) }
      return .value(.integer(value))
    case .integer(nil), .largeInteger:
      return .fault(.numberTooLarge(key, expected: expected, at: node.span))
    case .number(let value): return notWhole(value, meant: Int(exactly: value).map { String($0) })
    case .text:
      if isPlain, let meant = groupedDigits {
        return .fault(.notWhole(key, reason: "not written as one", meant: meant, at: node.span))
      }
      return wrongType(fix: unquoted { if case .integer(_?) = $0 { true } else { false } })
    case .null, .flag: return wrongType()
    }
  }

  private func notWhole(_ value: Double, meant: String?) -> SpecValueReader.Result {
    let reason =
      meant != nil
      ? "not written as one"
      : value.isNaN
        ? "not a number"
        : value.isInfinite ? "infinite" : value == value.rounded() ? "beyond 64 bits" : "has a fraction"
    return .fault(.notWhole(key, reason: reason, meant: meant, at: node.span))
  }

  /// `1_000` and `1,000` without what groups their digits.
  private var groupedDigits: String? {
    let digits = text.filter { $0 != "_" && $0 != "," }
    guard digits.count < text.count, let value = Int(digits) else { return nil }
    return String(value)
  }

  func seed() -> SpecValueReader.Result {
    switch meaning {
    case .integer(let value?) where value >= 0: return .value(.seed(UInt64(value)))
    case .integer(_?): return .fault(.outOfRange(key, expected: expected, at: node.span))
    case .largeInteger(let value): return .value(.seed(value))
    case .integer(nil): return .fault(.numberTooLarge(key, expected: expected, at: node.span))
    case .number(let value): return notWhole(value, meant: UInt64(exactly: value).map { String($0) })
    case .text:
      if isPlain, let meant = groupedDigits {
        return .fault(.notWhole(key, reason: "not written as one", meant: meant, at: node.span))
      }
      return wrongType(fix: unquoted { if case .integer(_?) = $0 { true } else { false } })
    case .null, .flag: return wrongType()
    }
  }

  func number(_ range: NumberRange) -> SpecValueReader.Result {
    let value: Double
    switch meaning {
    case .integer(let whole?): value = Double(whole)
    case .largeInteger(let whole): value = Double(whole)
    case .integer(nil): return .fault(.numberTooLarge(key, expected: expected, at: node.span))
    case .number(let number): value = number
    case .text:
      let point = text.filter { $0 != "_" }.split(separator: ",", omittingEmptySubsequences: false)
      let meant = point.joined(separator: ".")
      switch CoreScalar(meant) {
      case .number, .integer: return wrongType(fix: isPlain || !text.contains(",") ? meant : nil)
      case .null, .flag, .largeInteger, .text: return wrongType()
      }
    case .null, .flag: return wrongType()
    }
    guard value.isFinite, range.contains(value) else {
      let isFlushed = value != 0 && NumberRange.single(value) == 0
      return .fault(
        .outOfRange(
          key, expected: expected + (isFlushed ? "; in single precision this is 0" : ""), at: node.span))
    }
    // There is one zero, or -0.0 would make another canonical text.
    return .value(.number(value == 0 ? 0 : value))
  }

  func word(_ words: [String]) -> SpecValueReader.Result {
    if words.contains(text) { return .value(.word(text)) }
    switch meaning {
    case .text, .flag:
      let other = Suggestions.otherRule(text, among: words)
      let suggestion =
        other == nil
        ? Suggestions.synonym(of: text, among: words) ?? Suggestions.closest(to: text, among: words) : nil
      return .fault(
        .unknownWord(
          text, for: key, expected: expected, suggestion: suggestion, help: other, at: node.span))
    case .null, .integer, .largeInteger, .number: return wrongType()
    }
  }

  func name() -> SpecValueReader.Result {
    guard case .text = meaning else { return wrongType(fix: "\"\(text)\"") }
    func isAllowed(_ byte: UInt8) -> Bool {
      (97...122).contains(byte) || (48...57).contains(byte) || byte == 45
    }
    if !text.isEmpty, text.utf8.count <= SpecValueReader.longestName, text.utf8.allSatisfy(isAllowed) {
      return .value(.text(text))
    }
    let lower = text.lowercased().utf8.map { isAllowed($0) ? $0 : UInt8(ascii: "-") }
    let meant = String(decoding: lower.prefix(SpecValueReader.longestName), as: UTF8.self)
    let isUseful = meant.utf8.contains { $0 != UInt8(ascii: "-") }
    return .fault(.malformedName(text, suggestion: isUseful ? meant : nil, at: node.span))
  }

  func path() -> SpecValueReader.Result {
    guard case .text = meaning else { return wrongType(fix: "\"\(text)\"") }
    return text.isEmpty || text.utf8.contains(0) ? wrongType() : .value(.text(text))
  }

  func image() -> SpecValueReader.Result {
    let parts = text.split(separator: "x", omittingEmptySubsequences: false)
    if parts.count == 3, parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (48...57).contains($0) } }) {
      let sizes = parts.map { Int($0) ?? .max }
      let fits =
        sizes.allSatisfy { $0 >= 1 } && sizes[0] <= Limits.channels && sizes.dropFirst().max()! <= Limits.side
      guard fits else {
        let expected = "1 to \(Limits.channels) channels and sides of 1 to \(Limits.side)"
        return .fault(.outOfRange(key, expected: expected, at: node.span))
      }
      return .value(.image(ImageShape(channels: sizes[0], height: sizes[1], width: sizes[2])))
    }
    var meant = text.lowercased().filter { $0 != " " }
    meant = String(meant.map { "×*,".contains($0) ? "x" : $0 })
    let isMeant =
      meant != text && meant.split(separator: "x").count == 3
      && meant.allSatisfy { "0123456789x".contains($0) }
    return .fault(.malformedImage(key, meant: isMeant ? meant : nil, at: node.span))
  }

  func size() -> SpecValueReader.Result {
    let digits = text.prefix { "0123456789.".contains($0) }
    let unit = text.dropFirst(digits.count)
    let units = ["B": 1.0, "KiB": 1024, "MiB": 1_048_576, "GiB": 1_073_741_824, "TiB": 1_099_511_627_776]
    guard let number = Double(String(digits)), CoreScalar(String(digits)) != .text else {
      return .fault(.malformedSize(key, meant: nil, at: node.span))
    }
    if unit == "%" {
      guard number >= 1, number <= 100 else {
        return .fault(.outOfRange(key, expected: "1% to 100%", at: node.span))
      }
      return .value(.size(.percent(number)))
    }
    guard let factor = units[unit.isEmpty ? "B" : String(unit)] else {
      let guesses = [
        "k": "KiB", "kb": "KiB", "kib": "KiB", "m": "MiB", "mb": "MiB", "mib": "MiB", "g": "GiB", "gb": "GiB",
        "gib": "GiB", "t": "TiB", "tb": "TiB", "tib": "TiB",
      ]
      let meant = guesses[unit.filter { $0 != " " }.lowercased()].map { String(digits) + $0 }
      return .fault(.malformedSize(key, meant: meant, at: node.span))
    }
    let bytes = (number * factor).rounded(.down)
    guard bytes >= 1, bytes <= 1e15 else {
      return .fault(.outOfRange(key, expected: "1 byte to 900TiB", at: node.span))
    }
    return .value(.size(.bytes(Int(bytes))))
  }
}
