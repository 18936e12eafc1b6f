internal import Diagnostics

/// Takes typed values out of a checked section: the written one, or the table's default. Traps where the table and the
/// caller disagree about a key.
struct SectionReader {
  let section: DecodedSection
  let state: DecodingState

  var span: SourceSpan { section.span }

  // MARK: - Presence

  func isWritten(_ key: String) -> Bool { entry(key) != nil }

  /// Absent, or without a fault: fit to be compared with other keys.
  func isSound(_ key: String) -> Bool { entry(key)?.value.isSound ?? true }

  func keySpan(_ key: String) -> SourceSpan { entry(key)?.keySpan ?? section.span }

  /// The value as it was checked; nil where it is not written. Broken values count as written.
  func written(_ key: String) -> DecodedValue? {
    guard let value = entry(key)?.value else { return nil }
    note(key, .written(value.span))
    return value
  }

  /// Says where a value came from that is not read by one of the functions below.
  func note(_ key: String, _ origin: ValueOrigin) {
    state.origins[section.path.isEmpty ? key : section.path + "." + key] = origin
  }

  // MARK: - Values

  func flag(_ key: String, derived: Bool? = nil) -> Spanned<Bool> {
    spanned(key, derived: derived.map { .flag($0) }, placeholder: false) {
      if case .flag(let value) = $0 { value } else { nil }
    }
  }

  func integer(_ key: String, derived: Int? = nil) -> Spanned<Int> {
    spanned(key, derived: derived.map { .integer($0) }, placeholder: 1) { $0.integer }
  }

  func optionalInteger(_ key: String) -> Spanned<Int>? {
    isWritten(key) ? integer(key) : nil
  }

  func seed(_ key: String) -> Spanned<UInt64> {
    spanned(key, placeholder: 1) { if case .seed(let value) = $0 { value } else { nil } }
  }

  func number(_ key: String, derived: Double? = nil) -> Spanned<Double> {
    spanned(key, derived: derived.map { .number($0) }, placeholder: 1) { $0.number }
  }

  func optionalNumber(_ key: String) -> Spanned<Double>? {
    isWritten(key) ? number(key) : nil
  }

  func text(_ key: String) -> Spanned<String> {
    spanned(key, placeholder: "?") { if case .text(let value) = $0 { value } else { nil } }
  }

  func optionalText(_ key: String) -> Spanned<String>? {
    isWritten(key) ? text(key) : nil
  }

  func word(_ key: String, derived: String? = nil) -> Spanned<String> {
    spanned(key, derived: derived.map { .word($0) }, placeholder: "") {
      if case .word(let value) = $0 { value } else { nil }
    }
  }

  func choice<T: RawRepresentable & CaseIterable>(_ key: String, as type: T.Type, derived: T? = nil)
    -> Spanned<T>
  where T.RawValue == String {
    guard let placeholder = T.allCases.first else { preconditionFailure("a choice has cases") }
    return spanned(key, derived: derived.map { .word($0.rawValue) }, placeholder: placeholder) {
      if case .word(let value) = $0 { T(rawValue: value) } else { nil }
    }
  }

  func image(_ key: String, derived: ImageShape) -> Spanned<ImageShape> {
    spanned(key, derived: .image(derived), placeholder: derived) {
      if case .image(let value) = $0 { value } else { nil }
    }
  }

  func optionalSize(_ key: String) -> Spanned<MemoryBudget>? {
    guard isWritten(key) else { return nil }
    return spanned(key, placeholder: .bytes(1 << 40)) { if case .size(let value) = $0 { value } else { nil } }
  }

  /// A section inside; an empty one, in the place of this, where it is not written or broken.
  func section(_ key: String) -> SectionReader {
    let path = section.path.isEmpty ? key : section.path + "." + key
    guard let shape = section.shape[key]?.shape.sections.first?.shape else {
      preconditionFailure("no section \(path) in the table")
    }
    if let entry = entry(key) {
      if case .section(let inner) = entry.value.content { return SectionReader(section: inner, state: state) }
      return SectionReader(
        section: DecodedSection(shape: shape, path: path, span: entry.keySpan), state: state)
    }
    return SectionReader(section: DecodedSection(shape: shape, path: path, span: section.span), state: state)
  }

  /// Written entries of a list and the list's place; nil where it is absent or broken as a whole.
  func list(_ key: String) -> (items: [DecodedValue], span: SourceSpan)? {
    guard let value = written(key), case .list(let items) = value.content else { return nil }
    return (items, value.span)
  }

  /// Entries of a list of mappings, the broken ones left out.
  func sections(_ key: String) -> [SectionReader] {
    (list(key)?.items ?? []).compactMap(reader)
  }

  /// A reader of a value that is a mapping; nil where it is none.
  func reader(_ value: DecodedValue) -> SectionReader? {
    guard case .section(let section) = value.content else { return nil }
    return SectionReader(section: section, state: state)
  }

  // MARK: - How it is done

  private func entry(_ key: String) -> DecodedSection.Entry? {
    precondition(section.shape[key] != nil, "no key \(section.path).\(key) in the table")
    return section[key]
  }

  /// - Parameter placeholder: stands in for a required value that is missing or broken; such a spec is not handed out,
  ///   or the default takes its place.
  private func spanned<T>(
    _ key: String, derived: SpecValue? = nil, placeholder: T, _ extract: (SpecValue) -> T?
  ) -> Spanned<T> {
    if let entry = entry(key) {
      if case .scalar(let value) = entry.value.content, let extracted = extract(value) {
        note(key, .written(entry.value.span))
        return Spanned(extracted, at: entry.value.span)
      }
      return Spanned(fallback(key, derived, extract) ?? placeholder, at: entry.value.span)
    }
    note(key, derived == nil ? .default : .derived)
    return Spanned(fallback(key, derived, extract) ?? placeholder, at: section.span)
  }

  private func fallback<T>(_ key: String, _ derived: SpecValue?, _ extract: (SpecValue) -> T?) -> T? {
    if let derived { return extract(derived) }
    guard case .value(let value)? = section.shape[key]?.fallback else { return nil }
    return extract(value)
  }
}

extension DecodedValue {
  /// The number of a written entry; nil where it is broken or something else.
  var integer: Spanned<Int>? {
    guard case .scalar(let value) = content, let integer = value.integer else { return nil }
    return Spanned(integer, at: span)
  }
}

extension SpecValue {
  var integer: Int? { if case .integer(let value) = self { value } else { nil } }

  var number: Double? {
    switch self {
    case .number(let value): value
    case .integer(let value): Double(value)
    case .flag, .seed, .word, .text, .image, .size, .list: nil
    }
  }
}
