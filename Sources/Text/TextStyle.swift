/// Colours and weights by ANSI escapes, or none of them: with `isColoured` false every function gives its text back.
package struct TextStyle: Hashable, Sendable {
  package var isColoured: Bool

  package init(isColoured: Bool) {
    self.isColoured = isColoured
  }

  package static let plain = TextStyle(isColoured: false)

  package func bold(_ text: String) -> String { sgr("1", text, "22") }
  package func dim(_ text: String) -> String { sgr("2", text, "22") }
  package func red(_ text: String) -> String { sgr("31", text, "39") }
  package func green(_ text: String) -> String { sgr("32", text, "39") }
  package func yellow(_ text: String) -> String { sgr("33", text, "39") }
  package func cyan(_ text: String) -> String { sgr("36", text, "39") }

  /// Each attribute is ended by its own code, not by a full reset, so that styles nest.
  private func sgr(_ on: String, _ text: String, _ off: String) -> String {
    isColoured && !text.isEmpty ? "\u{1B}[\(on)m\(text)\u{1B}[\(off)m" : text
  }
}
