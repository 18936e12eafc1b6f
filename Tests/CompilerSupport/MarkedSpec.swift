/// A spec with its faults marked: ⟦primary⟧ places, in order, and ⟪places of notes⟫. Marks are taken out of the text.
package struct MarkedSpec: Sendable {
  package private(set) var text = ""
  /// UTF-8 ranges in `text`.
  package private(set) var primaries: [Range<Int>] = []
  package private(set) var notes: [Range<Int>] = []

  package init(_ marked: String) {
    var primaryStart = 0
    var noteStart = 0
    for character in marked {
      switch character {
      case "⟦": primaryStart = text.utf8.count
      case "⟧": primaries.append(primaryStart..<text.utf8.count)
      case "⟪": noteStart = text.utf8.count
      case "⟫": notes.append(noteStart..<text.utf8.count)
      default: text.append(character)
      }
    }
  }

  /// `line:column` of an offset, counted here without the code under test.
  package func place(_ offset: Int) -> String {
    let before = String(decoding: Array(text.utf8)[..<offset], as: UTF8.self)
    let lines = before.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
    return "\(lines.count):\((lines.last?.count ?? 0) + 1)"
  }
}

/// The keys that every spec needs, added behind a fragment that lacks them (where its places are not looked at, in front).
package func completed(_ fragment: String, inFront: Bool = false) -> String {
  let needed = [
    "strata": "1", "name": "test", "network": "{family: vgg, widths: [8, 8, 8, 8]}",
    "training": "{epochs: 1}",
  ]
  let unmarked = MarkedSpec(fragment).text.filter { $0 != "\"" }
  let lines = unmarked.split(separator: "\n")
  let missing = needed.keys.sorted().filter { key in !lines.contains { $0.hasPrefix(key + ":") } }
  let start = fragment.isEmpty || fragment.hasSuffix("\n") ? fragment : fragment + "\n"
  if inFront { return missing.map { "\($0): \(needed[$0] ?? "")\n" }.joined() + start }
  return start + missing.map { "\($0): \(needed[$0] ?? "")\n" }.joined()
}
