/// What `strata explain CODE` says. Each phase keeps an array of them for its codes.
package struct CodeExplanation: Hashable, Sendable {
  /// Like `E021` for a fault, `W001` for a warning.
  package var code: String
  /// A few words, like a heading.
  package var title: String
  /// A paragraph: what is wrong, why it is refused, what to do.
  package var text: String
  /// The part of a spec (or a `--set`, or a command line) that has the fault, and the same without it.
  package var bad: String
  package var good: String

  package init(code: String, title: String, text: String, bad: String, good: String) {
    self.code = code
    self.title = title
    self.text = text
    self.bad = bad
    self.good = good
  }

  /// As text for people; ends in a line break.
  package var rendered: String {
    func indented(_ text: String) -> String {
      text.split(separator: "\n", omittingEmptySubsequences: false).map { $0.isEmpty ? "" : "    " + $0 }
        .joined(separator: "\n")
    }
    let (before, after) = code.hasPrefix("W") ? ("With the warning", "Without it") : ("Faulty", "Right")
    return
      "\(code): \(title)\n\n\(text)\n\n\(before):\n\n\(indented(bad))\n\n\(after):\n\n\(indented(good))\n"
  }
}
