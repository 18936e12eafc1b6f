package import Diagnostics

/// The canonical text of a spec: every key that means something, defaults filled in, in the order of the table, with no
/// comments. It is a spec itself; read again it gives an equal spec and the same text. Plans are pinned to its SHA-256.
package func resolvedText(_ spec: Spec) -> String {
  let lines = ResolvedTextWriter(values: ResolvedValues(spec).texts).lines()
  return lines.map { $0.text + "\n" }.joined()
}

/// The same lines with where each value came from as a comment: `file:line`, `--set`, `default`, `derived`
/// or `from FILE`.
package func resolvedText(_ spec: Spec, origins: [String: ValueOrigin], texts: SourceTexts) -> String {
  let lines = ResolvedTextWriter(values: ResolvedValues(spec).texts).lines()
  // One long list must not push all comments out of sight.
  let widest = 60
  let column = lines.filter { $0.path != nil }.map(\.text.count).filter { $0 <= widest }.max() ?? 0
  return lines.map { line in
    let padding = String(repeating: " ", count: max(0, column - line.text.count))
    if let entry = line.entry {
      return "\(line.text)\(padding)  # \(words(for: entry, origins, in: texts))\n"
    }
    guard let path = line.path else { return line.text + "\n" }
    return "\(line.text)\(padding)  # \(words(for: origins[path], in: texts))\n"
  }.joined()
}

/// Where the keys of an entry come from: one place, or `module, k: net.yaml:8; kind: net.yaml:5`.
private func words(for entry: ResolvedEntry, _ origins: [String: ValueOrigin], in texts: SourceTexts)
  -> String
{
  var places: [(place: String, keys: [String])] = []
  for (key, _) in entry.keys {
    let place = words(for: origins["\(entry.path).\(key)"], in: texts)
    if let index = places.firstIndex(where: { $0.place == place }) {
      places[index].keys.append(key)
    } else {
      places.append((place, [key]))
    }
  }
  if places.count == 1 { return places[0].place }
  return places.map { "\($0.keys.joined(separator: ", ")): \($0.place)" }.joined(separator: "; ")
}

/// A value of a spec with the dotted path of its key, and where it came from, in words.
package struct ResolvedValue: Hashable, Sendable {
  package var key, text, origin: String
}

/// Every value of the canonical text, in its order.
package func resolvedValues(
  _ spec: Spec, origins: [String: ValueOrigin], texts: SourceTexts
) -> [ResolvedValue] {
  let values = ResolvedValues(spec).texts
  return ResolvedTextWriter(values: values).lines().compactMap { line in
    guard let path = line.path, let value = values[path] else { return nil }
    let text =
      switch value {
      case .inline(let text): text
      case .entries(let entries): SpecText.list(entries.map(\.text))
      }
    return ResolvedValue(key: path, text: text, origin: words(for: origins[path], in: texts))
  }
}

/// The values of a spec's entries in lists, `auxiliary.overrides[1].k`, each with where it came from.
package func resolvedEntryValues(
  _ spec: Spec, origins: [String: ValueOrigin], texts: SourceTexts
) -> [ResolvedValue] {
  let values = ResolvedValues(spec).texts
  return ResolvedTextWriter(values: values).lines().compactMap(\.entry).flatMap { entry in
    entry.keys.map { key, text in
      let path = "\(entry.path).\(key)"
      return ResolvedValue(key: path, text: text, origin: words(for: origins[path], in: texts))
    }
  }
}

private func words(for origin: ValueOrigin?, in texts: SourceTexts) -> String {
  switch origin ?? .default {
  case .written(let span): place(of: span, in: texts)
  case .default: "default"
  case .derived: "derived"
  case .file(let path): "from \(path)"
  }
}

private func place(of span: SourceSpan, in texts: SourceTexts) -> String {
  let file = texts[span.file]
  let isOverride = span.file.index > 0
  return isOverride ? file.label : "\(file.label):\(file.line(at: span.utf8.lowerBound))"
}

/// The text of a value as it stands behind its key.
enum ResolvedValueText {
  /// On the key's line.
  case inline(String)
  /// Below it, one entry a line.
  case entries([ResolvedEntry])
}

/// An entry of a list of mappings.
struct ResolvedEntry {
  /// As it is written, from 1: `auxiliary.overrides[2]`.
  var path: String
  var keys: [(key: String, text: String)]

  var text: String { "{" + keys.map { "\($0.key): \($0.text)" }.joined(separator: ", ") + "}" }
}

/// Puts the texts of values under their keys, in the order of the table.
private struct ResolvedTextWriter {
  let values: [String: ResolvedValueText]

  struct Line {
    var text: String
    /// Of the key whose value the line gives; nil for a section's heading and entries of lists.
    var path: String?
    var entry: ResolvedEntry?
  }

  func lines() -> [Line] {
    let lines = section(SpecTable.root, path: "", indent: "")
    let written = lines.compactMap(\.path)
    precondition(written.count == values.count, "the table has every key that a spec gives a value")
    return lines
  }

  private func section(_ section: SectionShape, path: String, indent: String) -> [Line] {
    section.keys.flatMap { key -> [Line] in
      let keyPath = path.isEmpty ? key.name : path + "." + key.name
      switch values[keyPath] {
      case .inline(let text): return [Line(text: "\(indent)\(key.name): \(text)", path: keyPath)]
      case .entries(let entries):
        return [Line(text: "\(indent)\(key.name):", path: keyPath)]
          + entries.map { Line(text: "\(indent)  - \($0.text)", path: nil, entry: $0) }
      case nil:
        let inner = key.shape.sections.filter { $0.suffix.isEmpty }.flatMap {
          self.section($0.shape, path: keyPath, indent: indent + "  ")
        }
        return inner.isEmpty ? [] : [Line(text: "\(indent)\(key.name):", path: nil)] + inner
      }
    }
  }
}
