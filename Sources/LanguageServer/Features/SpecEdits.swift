internal import SpecLanguage

/// Replaces bytes of a text.
struct SpecEdit: Hashable {
  var range: Range<Int>
  var text: String

  /// - Parameter edits: of places that do not overlap; insertions at one place in their order.
  static func apply(_ edits: [SpecEdit], to bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    let order = edits.enumerated().sorted {
      ($0.element.range.lowerBound, $0.offset) > ($1.element.range.lowerBound, $1.offset)
    }
    for (_, edit) in order { bytes.replaceSubrange(edit.range, with: Array(edit.text.utf8)) }
    return bytes
  }
}

/// Writes values into a spec as a person would: in the place of the value that is there, or as a line more.
struct SpecEdits {
  let bytes: [UInt8]
  private let outline: SpecOutline

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    outline = SpecOutline(bytes)
  }

  func edits(for assignments: [SpecAssignment]) -> [SpecEdit] { assignments.map(edit) }

  private func edit(_ assignment: SpecAssignment) -> SpecEdit {
    var node = 0
    let names = assignment.key.split(separator: ".").map(String.init)
    for (depth, name) in names.enumerated() {
      guard let entry = outline.entries(node).first(where: { $0.key == name && $0.hasColon }) else {
        return insertion(Array(names[depth...]), assignment.value, into: node)
      }
      node = entry.value
      switch outline.nodes[node].content {
      case .mapping where depth + 1 < names.count: continue
      case .mapping, .sequence, .scalar, .absent:
        return replacement(Array(names[(depth + 1)...]), assignment.value, of: entry)
      }
    }
    preconditionFailure("a key has a name")
  }

  /// - Parameter names: keys within the value that is written, where it was a word that stood for a section.
  private func replacement(_ names: [String], _ value: String, of entry: SpecOutline.Entry) -> SpecEdit {
    let node = outline.nodes[entry.value]
    let text = Self.flow(names, value)
    if node.range.isEmpty { return SpecEdit(range: node.range, text: " " + text) }
    // A block takes lines of its own: what takes its place stands behind the key.
    let isBlock = !node.isFlow && (bytes[entry.keyRange.upperBound..<node.range.lowerBound].contains(0x0A))
    return isBlock
      ? SpecEdit(range: entry.keyRange.upperBound..<node.range.upperBound, text: ": " + text)
      : SpecEdit(range: node.range, text: text)
  }

  private func insertion(_ names: [String], _ value: String, into mapping: Int) -> SpecEdit {
    let node = outline.nodes[mapping]
    let text = "\(names[0]): \(Self.flow(Array(names.dropFirst()), value))"
    let entries = outline.entries(mapping)
    if node.isFlow {
      let place = node.range.lowerBound + 1
      return SpecEdit(range: place..<place, text: entries.isEmpty ? text : text + ", ")
    }
    guard let last = entries.last else {
      return SpecEdit(range: node.range, text: text + "\n")
    }
    let end = max(last.keyRange.upperBound, outline.nodes[last.value].range.upperBound)
    // Behind the last entry's line and its comment.
    let line = bytes[end...].firstIndex(of: 0x0A) ?? bytes.count
    return SpecEdit(range: line..<line, text: "\n" + String(repeating: " ", count: node.column) + text)
  }

  private static func flow(_ names: [String], _ value: String) -> String {
    names.reversed().reduce(value) { "{\($1): \($0)}" }
  }
}
