/// A key of the language for people and editors: a row of the reference table, and what an editor needs to offer it.
package struct KeyReference: Hashable, Sendable {
  /// How a value of the key begins.
  package enum Form: Hashable, Sendable {
    case scalar
    case list
    /// A mapping; a word may stand for it where `values` has some.
    case section
  }

  package let name: String
  /// Of the section that has the key, dotted; empty for the spec itself, `network.stages[]` for the entries of a list.
  package let section: String
  /// The key that decides which others the section has (`kind`); `kind` where none does.
  package let discriminator: String
  /// Words of the discriminator that have this key; empty: all.
  package let kinds: [String]
  /// Markdown.
  package let takes: String
  /// What holds where the key is not written, in Markdown.
  package let fallback: String
  package let isRequired: Bool
  package let unit: String?
  /// One line, without a full stop.
  package let meaning: String
  package let source: String?
  /// Words that the value, or an entry of the list, may be; empty where it is a number, a name or a list of these.
  package let values: [String]
  package let form: Form
  /// Whether the value, or an entry of the list, names a file or a folder.
  package let isPath: Bool
  /// Keys of the same section of which only one may be written.
  package let excludes: [String]

  /// Dotted: `training.optimizer.kind`.
  package var path: String { section.isEmpty ? name : section + "." + name }

  /// Every key, in the order of the table.
  package static let all: [KeyReference] = {
    var keys: [KeyReference] = []
    SpecTable.walk { key, section, shape in keys.append(KeyReference(key, section, shape)) }
    return keys
  }()

  /// The keys of a section, in the order of the table; none where there is no such section.
  package static func keys(ofSection path: String) -> [KeyReference] { all.filter { $0.section == path } }

  /// The key at a dotted path; nil where there is none.
  package static func key(at path: String) -> KeyReference? { all.first { $0.path == path } }

  /// The kind of a section whose discriminator is not written; nil where the section has to say it, or has none.
  package static func kindByDefault(ofSection path: String) -> String? {
    var kind: String?
    SpecTable.walk { key, section, shape in
      guard section == path, key.name == shape.discriminator, case .value(.word(let word)) = key.fallback
      else { return }
      kind = word
    }
    return kind
  }

  /// Whether entries of a list take keys that they do not write from the section that has the list.
  package static func inheritsEnclosing(section path: String) -> Bool {
    var inherits = false
    SpecTable.walk { _, section, shape in
      if section == path, shape.inheritsEnclosing { inherits = true }
    }
    return inherits
  }

  private init(_ key: SpecKey, _ section: String, _ shape: SectionShape) {
    name = key.name
    self.section = section
    discriminator = shape.discriminator ?? "kind"
    kinds = key.kinds
    takes = key.shape.referenceWords
    fallback = key.fallback.referenceWords
    isRequired = if case .required = key.fallback { true } else { false }
    unit = key.unit
    meaning = key.documentation
    source = SpecSources.source(of: section.isEmpty ? key.name : section + "." + key.name)
    values = key.shape.entryCompletions
    form = key.shape.referenceForm
    isPath = key.shape.isPath
    excludes =
      shape.alternatives.map { [$0.first, $0.second] }.flatMap { names in
        names.contains(key.name) ? names.filter { $0 != key.name } : nil
      } ?? []
  }
}

extension ValueShape {
  /// Of the value itself, or of a list's entries where it is nothing but a list.
  fileprivate var entryCompletions: [String] {
    if case .list(let element, _) = self { return element.completions }
    return completions
  }

  fileprivate var isPath: Bool {
    switch self {
    case .path: true
    case .list(let element, _): element.isPath
    case .either(let shapes): shapes.contains(where: \.isPath)
    case .version, .flag, .integer, .seed, .number, .word, .name, .image, .size, .section: false
    }
  }

  fileprivate var referenceForm: KeyReference.Form {
    switch self {
    case .section: .section
    case .list: .list
    case .either(let shapes): shapes.allSatisfy { $0.referenceForm == .section } ? .section : .scalar
    case .version, .flag, .integer, .seed, .number, .word, .name, .path, .image, .size: .scalar
    }
  }
}
