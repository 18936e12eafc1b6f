internal import Artifacts
internal import Diagnostics
internal import SpecLanguage
internal import Text

/// What is said of the place under a cursor.
struct Hover {
  let checked: CheckedSpec
  let outline: SpecOutline
  /// Of the last plan; nil: there is none yet.
  let summary: PlanSummary?
  /// Of the data, in Markdown.
  let dataFacts: () -> String?

  /// - Parameter offset: of the cursor, in bytes.
  /// - Returns: Markdown, and the place that it is about; nil where there is nothing to say.
  func text(at offset: Int) -> (markdown: String, range: Range<Int>)? {
    guard let (range, path, isKey) = word(at: offset) else { return nil }
    guard let key = KeyReference.keyAround(path) else { return nil }
    var parts: [String] = []
    if !isKey, let shape = shape(at: offset) { parts.append(shape) }
    if let value = value(of: key.path) { parts.append(value) }
    parts.append(key.markdown)
    if key.path == "training.strategy", let table = summary?.comparison, !table.isEmpty {
      parts.append("```\n\(table)```")
    }
    if key.path == "data.path" || key.path == "data.source", let facts = dataFacts() { parts.append(facts) }
    return (parts.joined(separator: "\n\n---\n\n"), range)
  }

  /// The key or scalar at a place, with its dotted path.
  private func word(at offset: Int) -> (range: Range<Int>, path: String, isKey: Bool)? {
    for (node, entry) in outline.allEntries where entry.keyRange.touches(offset) {
      let section = outline.nodes[node].path
      return (entry.keyRange, section.isEmpty ? entry.key : section + "." + entry.key, true)
    }
    for node in outline.nodes {
      guard case .scalar = node.content, node.range.touches(offset) else { continue }
      return (node.range, node.path, false)
    }
    return nil
  }

  /// The layers that an entry of a list stands for.
  private func shape(at offset: Int) -> String? {
    summary?.hints.first { hint in
      guard hint.kind == .shape else { return false }
      return outline.nodes.contains { $0.range.upperBound == hint.offset && $0.range.touches(offset) }
    }?.details
  }

  /// As `strata show --resolved` has it.
  private func value(of path: String) -> String? {
    guard let spec = checked.spec else { return nil }
    let values = resolvedValues(spec, origins: checked.origins, texts: checked.texts)
    guard let value = values.first(where: { $0.key == path }) else { return nil }
    return "`\(path): \(value.text)` (\(value.origin))"
  }
}

extension Range<Int> {
  /// Whether a cursor at a place is in it or at one of its ends.
  func touches(_ offset: Int) -> Bool { lowerBound <= offset && offset <= upperBound }
}
