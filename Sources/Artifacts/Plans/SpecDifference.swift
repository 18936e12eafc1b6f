/// The values of a spec's canonical text, and how two of them differ. Reads the text's lines alone: texts of other releases,
/// with other keys, compare as well.
package struct SpecDifference {
  /// What a change does.
  package enum Effect: String, Hashable, Sendable {
    /// Other weights come out.
    case results
    /// The same weights come out, with other memory, time or order of work.
    case cost
    /// Names and places.
    case cosmetic
  }

  package struct Change: Hashable, Sendable {
    /// Dotted path; entries of lists that stand on lines of their own count from 1.
    package var key: String
    /// Nil where the key is not there.
    package var old, new: String?

    package var effect: Effect {
      switch key {
      case "name", "data.path": .cosmetic
      case _ where key.hasPrefix("memory."): .cost
      case _: .results
      }
    }

    /// `training.batch: 50 -> 48`.
    package var words: String { "\(key): \(old ?? "(not there)") -> \(new ?? "(not there)")" }
  }

  /// In the order of the old text, then what only the new one has.
  package let changes: [Change]

  package init(from old: String, to new: String) {
    let (before, after) = (Self.values(of: old), Self.values(of: new))
    let present = Dictionary(after, uniquingKeysWith: { first, _ in first })
    let known = Set(before.map(\.0))
    changes =
      before.compactMap { key, value in
        present[key] == value ? nil : Change(key: key, old: value, new: present[key])
      } + after.filter { !known.contains($0.0) }.map { Change(key: $0.0, old: nil, new: $0.1) }
  }

  /// The first few changes on one line.
  package var words: String {
    let shown = 4
    let rest = changes.count > shown ? ", and \(changes.count - shown) more" : ""
    return changes.prefix(shown).map(\.words).joined(separator: ", ") + rest
  }

  /// `training.optimizer.kind` and `sgd`, in order: two blanks of indentation a level, one key a line.
  static func values(of text: String) -> [(String, String)] {
    var path: [(indent: Int, key: String)] = []
    var entryCount: [String: Int] = [:]
    return text.split(separator: "\n").compactMap { line in
      let indent = line.prefix { $0 == " " }.count
      let content = line.dropFirst(indent)
      path.removeAll { $0.indent >= indent }
      let parent = path.map(\.key).joined(separator: ".")
      if content.hasPrefix("- ") {
        entryCount[parent, default: 0] += 1
        return ("\(parent)[\(entryCount[parent, default: 1])]", String(content.dropFirst(2)))
      }
      guard let colon = content.firstIndex(of: ":") else { return (parent, String(content)) }
      let key = String(content[..<colon])
      let value = content[content.index(after: colon)...].drop { $0 == " " }
      path.append((indent, key))
      return value.isEmpty ? nil : (parent.isEmpty ? key : "\(parent).\(key)", String(value))
    }
  }
}
