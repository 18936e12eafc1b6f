internal import Diagnostics
internal import GraphIR
internal import Pipeline
internal import Text

/// Output shape, parameters and MACs behind each layer, block or stage.
struct ShapeHints {
  private(set) var hints: [PlanSummary.Hint] = []

  /// Rows of the network that one entry of the spec stands for.
  private struct Entry {
    var range: Range<Int>
    var rows: Range<Int>
  }

  init(_ outline: NamedOutline, _ text: SpecOutline, _ file: SourceFile) {
    let entries = Self.entries(outline.network.rows, text)
    let lines = entries.map { file.line(at: max($0.range.lowerBound, $0.range.upperBound - 1)) }
    for (entry, line) in zip(entries, lines) {
      let rows = outline.network.rows[entry.rows]
      guard let last = rows.last else { continue }
      let parameters = rows.map(\.parameters).reduce(0, +)
      let multiplyAdds = rows.map(\.multiplyAdds).reduce(0, +)
      let sharesLine = lines.count { $0 == line } > 1
      hints.append(
        PlanSummary.Hint(
          kind: .shape, offset: entry.range.upperBound,
          label: sharesLine
            ? "\(last.output.words) \(shortNumber(parameters)) \(shortNumber(multiplyAdds))"
            : "\(last.output.words), \(grouped(parameters)) parameters, \(grouped(multiplyAdds)) MACs",
          details: Self.details(outline, entry.rows)))
    }
  }

  /// - Complexity: linear in rows and entries.
  private static func entries(_ rows: [NetworkOutline.Row], _ text: SpecOutline) -> [Entry] {
    guard let network = text.mapping(at: "network") else { return [] }
    var entries: [Entry] = []
    var row = 0
    /// The next so many rows are of the value at a node.
    func take(_ count: Int, _ node: Int) {
      let end = min(rows.count, row + max(0, count))
      if row < end { entries.append(Entry(range: text.nodes[node].range, rows: row..<end)) }
      row = end
    }
    func value(_ key: String) -> Int? { text.entries(network).first { $0.key == key }?.value }
    if rows.first?.item == 0 {
      // A stem that is not written has no line.
      if let stem = value("stem") { take(1, stem) } else { row = 1 }
    }
    if let widths = value("widths"), case .sequence(let items) = text.nodes[widths].content {
      for item in items { take(text.scalar("repeat", in: item).flatMap { Int($0) } ?? 1, item) }
    } else if let stages = value("stages"), case .sequence(let items) = text.nodes[stages].content {
      for item in items { take(text.scalar("blocks", in: item).flatMap { Int($0) } ?? 1, item) }
    }
    return entries
  }

  /// Where the rows of a network are written, by row; rows of nothing that is written are not there.
  static func places(_ outline: NamedOutline, _ text: SpecOutline) -> [Int: Range<Int>] {
    var places: [Int: Range<Int>] = [:]
    for entry in entries(outline.network.rows, text) {
      for row in entry.rows { places[row] = entry.range }
    }
    return places
  }

  private static func details(_ outline: NamedOutline, _ rows: Range<Int>) -> String {
    rows.map { index in
      let row = outline.network.rows[index]
      return
        "- **\(outline.rowNames[index])**, module \(row.module): \(row.input.words) to \(row.output.words), "
        + "\(grouped(row.parameters)) parameters, \(grouped(row.multiplyAdds)) MACs (\(row.operations.joined(separator: ", ")))"
    }.joined(separator: "\n")
  }
}

extension Shape {
  /// Of one image, as specs have it: `3x32x32`.
  var words: String { "\(channels)x\(height)x\(width)" }
}

/// `1.79k`, `590M`: three digits.
func shortNumber(_ value: Int) -> String {
  let units = ["", "k", "M", "G", "T", "P", "E"]
  var scaled = Double(value)
  var unit = 0
  while scaled >= 999.5, unit + 1 < units.count {
    scaled /= 1000
    unit += 1
  }
  if unit == 0 { return "\(value)" }
  return fixed(scaled, decimals: scaled >= 99.95 ? 0 : scaled >= 9.995 ? 1 : 2) + units[unit]
}
