import Diagnostics
import SpecLanguage

/// A spec with its faults marked: ⟦primary⟧ places, in order, and ⟪places of notes⟫. Marks are taken out of the text.
struct MarkedSpec {
  private(set) var text = ""
  /// UTF-8 ranges in `text`.
  private(set) var primaries: [Range<Int>] = []
  private(set) var notes: [Range<Int>] = []

  init(_ marked: String) {
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
  func place(_ offset: Int) -> String {
    let before = String(decoding: Array(text.utf8)[..<offset], as: UTF8.self)
    let lines = before.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
    return "\(lines.count):\((lines.last?.count ?? 0) + 1)"
  }
}

/// The keys that every spec needs, added behind a fragment that lacks them (where its places are not looked at, in front).
func completed(_ fragment: String, inFront: Bool = false) -> String {
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

/// A text and its `--set`s, decoded.
struct Decoded {
  var texts = SourceTexts()
  let result: DecodeResult

  init(_ text: String, sets: [String] = []) {
    let file = texts.add(label: "net.yaml", text: text)
    var overrides: [SourceFile] = []
    for text in sets { overrides.append(texts.add(label: "--set", text: text)) }
    result = decode(file, overrides: overrides)
  }

  var codes: [String] { result.diagnostics.map(\.code) }

  var rendered: String { DiagnosticRenderer(texts: texts).render(result.diagnostics) }
}
