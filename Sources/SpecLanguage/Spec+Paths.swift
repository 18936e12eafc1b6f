package import Diagnostics

extension Spec {
  /// Replaces every path that the spec names.
  ///
  /// - Parameter change: of a path and its place in the file or in a `--set`.
  package mutating func changePaths(_ change: (Spanned<String>) -> String) {
    if let path = data.path { data.path?.value = change(path) }
    if let from = network.from { network.from?.value = change(from) }
  }
}

extension SourceFile {
  /// The text with another path at a span of it, quoted where YAML needs it.
  package func text(replacing path: SourceSpan, with other: String) -> String {
    precondition(path.file == id, "a place in this text")
    let rest = bytes[path.utf8.upperBound...]
    return String(
      decoding: bytes[..<path.utf8.lowerBound] + Array(SpecText.string(other).utf8) + rest, as: UTF8.self)
  }
}
