/// A key that `--set` takes, with the words that its value may be; none where it takes numbers, names or lists alone.
package struct AssignableKey: Hashable, Sendable {
  /// Dotted: `training.strategy`.
  package let key: String
  package let values: [String]
}

/// All keys outside of lists, in the order of the table: what a shell offers behind `--set`.
package func assignableKeys() -> [AssignableKey] {
  var keys: [AssignableKey] = []
  SpecTable.walk { key, section, _ in
    guard !section.contains("[]") else { return }
    keys.append(
      AssignableKey(key: section.isEmpty ? key.name : section + "." + key.name, values: key.shape.completions)
    )
  }
  return keys
}

extension ValueShape {
  /// Words that stand for themselves; sections that a word can stand for have their kinds.
  var completions: [String] {
    switch self {
    case .flag: ["true", "false"]
    case .word(let words): words
    case .version: ["\(SpecTable.version)"]
    case .section(let section): section.allowsBareWord ? section.kinds : []
    case .either(let shapes): shapes.flatMap(\.completions)
    case .integer, .seed, .number, .name, .path, .image, .size, .list: []
    }
  }
}
