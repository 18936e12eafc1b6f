internal import Diagnostics

/// Holds a tree of nodes against the table: unknown, misplaced and missing keys, types, ranges and words. What several
/// keys have to say together is `SpecBuilder`'s.
struct ShapeChecker {
  let state: DecodingState

  private func report(_ diagnostic: Diagnostic, structural: Bool) {
    state.bag.add(diagnostic)
    if structural { state.hasStructuralFault = true }
  }

  // MARK: - Sections

  /// - Parameters:
  ///   - path: dotted, empty for the spec itself.
  ///   - keySpan: the section's key; for the spec itself its first key.
  ///   - enclosing: of a list's entry, the section that has the list, as far as it is read.
  func section(
    _ pairs: [YAMLPair], as shape: SectionShape, path: String, keySpan: SourceSpan,
    enclosing: DecodedSection? = nil
  ) -> (section: DecodedSection, isSound: Bool) {
    let faultsBefore = state.faultCount
    var section = DecodedSection(shape: shape, path: path, span: keySpan)
    // The discriminator first, wherever it stands: it decides which other keys there are.
    if let name = shape.discriminator, let key = shape[name],
      let pair = pairs.first(where: { $0.key == name })
    {
      section.entries.append(entry(pair, key, path))
    }
    let inherited = section.entries.isEmpty && shape.inheritsEnclosing ? enclosing : nil
    if let inherited, let name = shape.discriminator, let entry = inherited[name] {
      section.entries.append(entry)
    }
    let kind = kind(of: section) ?? inherited.flatMap(kind)
    var excused: Set<String> = []
    for pair in inheritorsLast(pairs, in: shape) where pair.key != shape.discriminator {
      guard let key = shape[pair.key] else {
        // A merge key's alias is reported already.
        if pair.key == "<<", case .refused = pair.value.content { continue }
        if let meant = reportUnknownKey(pair.key, at: pair.keySpan, in: shape, path: path) {
          excused.insert(meant.name)
        }
        continue
      }
      if let kind, !key.kinds.isEmpty, !key.kinds.contains(kind) {
        let kindSpan = shape.discriminator.flatMap { section[$0]?.value.span }
        // `--set data.source=synthetic` means the source, not that of the file's path.
        if let kindSpan, state.isOverride(kindSpan), !state.isOverride(pair.keySpan) {
          state.warnings.append(
            .keyLeftOut(
              pair.key, discriminator: shape.discriminator ?? "kind", kind: kind, at: pair.keySpan,
              kindAt: kindSpan))
          continue
        }
        report(
          .keyOfOtherKind(
            pair.key, discriminator: shape.discriminator ?? "kind", kind: kind, belongsTo: key.kinds,
            at: pair.keySpan,
            kindAt: kindSpan), structural: false)
        continue
      }
      section.entries.append(entry(pair, key, path, in: section))
    }
    if let inherited {
      for key in shape.keys where section[key.name] == nil && isOf(kind, key) {
        if let entry = inherited[key.name] { section.entries.append(entry) }
      }
    }
    reportAlternatives(section, excused: excused)
    for key in shape.keys where section[key.name] == nil && !excused.contains(key.name) {
      guard case .required = key.fallback else { continue }
      // Without a sound discriminator nobody knows which keys are needed.
      if isOf(kind, key) {
        state.reportMissing(
          path.isEmpty ? key.name : path + "." + key.name,
          .missingKey(key.name, in: path, documentation: key.documentation, at: keySpan))
        if key.isStructural { state.hasStructuralFault = true }
      }
    }
    return (section, state.faultCount == faultsBefore)
  }

  private func isOf(_ kind: String?, _ key: SpecKey) -> Bool {
    key.kinds.isEmpty || kind.map(key.kinds.contains) ?? false
  }

  /// In their order, but what takes over keys of its section behind those keys.
  private func inheritorsLast(_ pairs: [YAMLPair], in shape: SectionShape) -> [YAMLPair] {
    func inherits(_ pair: YAMLPair) -> Bool {
      shape[pair.key]?.shape.sections.contains { $0.shape.inheritsEnclosing } ?? false
    }
    return pairs.filter { !inherits($0) } + pairs.filter(inherits)
  }

  /// Keys that exclude each other, and pairs of which one is needed.
  private func reportAlternatives(_ section: DecodedSection, excused: Set<String>) {
    guard let alternatives = section.shape.alternatives else { return }
    let keys = [alternatives.first, alternatives.second]
    let written = keys.compactMap { section[$0] }.sorted {
      ($0.keySpan.file.index, $0.keySpan.utf8.lowerBound) < (
        $1.keySpan.file.index, $1.keySpan.utf8.lowerBound
      )
    }
    let isStructural = keys.contains { section.shape[$0]?.isStructural ?? false }
    if written.count == 2 {
      report(
        .excludingKeys(
          written[1].key, written[0].key, in: section.path,
          isSet: state.isOverride(written[1].keySpan) && !state.isOverride(written[0].keySpan),
          at: written[1].keySpan, otherAt: written[0].keySpan),
        structural: isStructural)
    } else if written.isEmpty, alternatives.isOneRequired, excused.isDisjoint(with: keys) {
      report(
        .eitherKeyMissing(keys[0], keys[1], in: section.path, at: section.span), structural: isStructural)
    }
  }

  private func entry(
    _ pair: YAMLPair, _ key: SpecKey, _ path: String, in enclosing: DecodedSection? = nil
  ) -> DecodedSection.Entry {
    let keyPath = path.isEmpty ? key.name : path + "." + key.name
    let value = value(
      pair.value, as: key.shape, path: keyPath, keySpan: pair.keySpan, structural: key.isStructural,
      enclosing: enclosing)
    return DecodedSection.Entry(key: key.name, keySpan: pair.keySpan, value: value)
  }

  /// The discriminator's word, written or by default; nil where it is broken or missing.
  private func kind(of section: DecodedSection) -> String? {
    guard let name = section.shape.discriminator else { return nil }
    if let entry = section[name] {
      if case .scalar(.word(let word)) = entry.value.content { return word }
      return nil
    }
    if case .value(.word(let word))? = section.shape[name]?.fallback { return word }
    return nil
  }

  /// Reports a key that the section does not have.
  /// - Returns: the key that was probably meant, so that nobody misses it too.
  @discardableResult
  func reportUnknownKey(_ name: String, at span: SourceSpan, in shape: SectionShape, path: String) -> SpecKey?
  {
    let places = SpecTable.sections(withKey: name)
    let meant = Suggestions.closest(to: name, among: shape.keys)
    // A key that exists elsewhere is misplaced, unless one here is a letter away.
    if let meant, places.isEmpty || meant.isCertain {
      report(
        .unknownKey(name, in: path, suggestion: meant.key.name, at: span), structural: meant.key.isStructural)
      return meant.key
    }
    if places.isEmpty {
      report(
        .unknownKey(
          name, in: path, suggestion: nil, elsewhere: Suggestions.elsewhere(name, from: path), at: span),
        structural: false)
    } else {
      state.noteMisplaced(name, belongsTo: places)
      report(.misplacedKey(name, in: path, belongsTo: places, at: span), structural: false)
    }
    return nil
  }

  // MARK: - Values

  private func value(
    _ node: YAMLNode, as shape: ValueShape, path: String, keySpan: SourceSpan, structural: Bool,
    enclosing: DecodedSection? = nil
  ) -> DecodedValue {
    func fault(_ diagnostic: Diagnostic) -> DecodedValue {
      report(diagnostic, structural: structural)
      return .broken(at: node.span)
    }
    switch node.content {
    case .refused:
      if structural { state.hasStructuralFault = true }
      return .broken(at: node.span)
    case .plain(let text) where CoreScalar(text) == .null:
      return fault(.missingValue(path, expected: shape.words, at: text.isEmpty ? keySpan : node.span))
    case .plain, .quoted:
      guard let alternative = shape.alternative(forScalar: node) else {
        return fault(.wrongType(path, expected: shape.words, found: node.description, at: node.span))
      }
      if case .section(let section) = alternative {
        return bareWord(node, section, path: path, keySpan: keySpan, structural: structural)
      }
      switch SpecValueReader.read(node, as: alternative, key: path, expected: shape.words) {
      case .value(let value): return DecodedValue(content: .scalar(value), span: node.span, isSound: true)
      case .fault(let diagnostic): return fault(diagnostic)
      }
    case .sequence(let items):
      guard case .list(let element, let count)? = shape.alternative(\.isList) else {
        return fault(
          .wrongType(
            path, expected: shape.words, found: node.description, at: node.span,
            fix: shape.isImage ? Self.imageText(items) : nil))
      }
      guard count.contains(items.count) else {
        let expected =
          items.count < count.lowerBound
          ? "at least \(count.lowerBound == 1 ? "one entry" : "\(count.lowerBound) entries")"
          : "at most \(count.upperBound) entries"
        return fault(.wrongCount(path, expected: expected, found: items.count, at: node.span))
      }
      let values = items.enumerated().map { index, item in
        value(
          item, as: element, path: "\(path)[\(index + 1)]", keySpan: item.span, structural: structural,
          enclosing: enclosing)
      }
      return DecodedValue(content: .list(values), span: node.span, isSound: values.allSatisfy(\.isSound))
    case .mapping(let pairs):
      guard case .section(let shape)? = shape.alternative(\.isSection) else {
        return fault(.wrongType(path, expected: shape.words, found: node.description, at: node.span))
      }
      let (section, isSound) = section(pairs, as: shape, path: path, keySpan: keySpan, enclosing: enclosing)
      return DecodedValue(content: .section(section), span: node.span, isSound: isSound)
    }
  }

  /// `schedule: constant` read as `schedule: {kind: constant}`.
  private func bareWord(
    _ node: YAMLNode, _ shape: SectionShape, path: String, keySpan: SourceSpan, structural: Bool
  ) -> DecodedValue {
    guard let discriminator = shape.discriminator else {
      preconditionFailure("bare words need a discriminator")
    }
    switch SpecValueReader.read(
      node, as: .word(shape.kinds), key: path, expected: ValueShape.section(shape).words)
    {
    case .fault(let diagnostic):
      report(diagnostic, structural: structural)
      return .broken(at: node.span)
    case .value:
      let pair = YAMLPair(key: discriminator, keySpan: node.span, value: node)
      let (section, isSound) = section([pair], as: shape, path: path, keySpan: keySpan)
      return DecodedValue(content: .section(section), span: node.span, isSound: isSound)
    }
  }

  /// `[3, 32, 32]` as `3x32x32`.
  private static func imageText(_ items: [YAMLNode]) -> String? {
    let sizes = items.compactMap { item -> String? in
      guard case .plain(let text) = item.content, case .integer(let size?) = CoreScalar(text) else {
        return nil
      }
      return size > 0 ? String(size) : nil
    }
    return sizes.count == 3 && items.count == 3 ? sizes.joined(separator: "x") : nil
  }
}

extension ValueShape {
  fileprivate var isList: Bool { if case .list = self { true } else { false } }
  fileprivate var isSection: Bool { if case .section = self { true } else { false } }
  fileprivate var isImage: Bool { if case .image = self { true } else { false } }

  /// This shape, or the first alternative, of which something holds.
  func alternative(_ isWanted: (ValueShape) -> Bool) -> ValueShape? {
    if case .either(let shapes) = self { return shapes.first(where: isWanted) }
    return isWanted(self) ? self : nil
  }

  /// The alternative that a scalar probably means: a numeric one for digits, else a word, else whatever takes scalars.
  fileprivate func alternative(forScalar node: YAMLNode) -> ValueShape? {
    let takesScalars: (ValueShape) -> Bool = { shape in
      switch shape {
      case .version, .flag, .integer, .seed, .number, .word, .name, .path, .image, .size: true
      case .section(let section): section.allowsBareWord
      case .list, .either: false
      }
    }
    guard case .either(let shapes) = self else { return takesScalars(self) ? self : nil }
    let candidates = shapes.filter(takesScalars)
    if case .plain(let text) = node.content {
      let looksNumeric =
        switch CoreScalar(text) {
        case .integer, .largeInteger, .number: true
        case .null, .flag, .text: text.utf8.first.map { (48...57).contains($0) } ?? false
        }
      if looksNumeric,
        let integer = candidates.first(where: { if case .integer = $0 { true } else { false } })
      {
        return integer
      }
    }
    return candidates.first { if case .word = $0 { true } else { false } } ?? candidates.first
  }
}
