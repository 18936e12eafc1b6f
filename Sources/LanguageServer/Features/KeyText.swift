internal import SpecLanguage

extension KeyReference {
  /// What the reference says of the key, in Markdown.
  var markdown: String {
    var lines = ["`\(path)`: \(meaning)", "", "- takes: \(takes)"]
    lines.append(isRequired ? "- required" : "- default: \(fallback)")
    if let unit { lines.append("- unit: \(unit)") }
    if !kinds.isEmpty { lines.append("- of \(discriminator): \(kinds.joined(separator: ", "))") }
    if !excludes.isEmpty { lines.append("- excludes \(excludes.map { "`\($0)`" }.joined(separator: ", "))") }
    if let source { lines.append("- source: \(source)") }
    return lines.joined(separator: "\n")
  }

  /// The key whose value is written at a path of a text, where entries of lists have no keys of their own.
  static func keyAround(_ path: String) -> KeyReference? {
    var path = path[...]
    while true {
      if let key = key(at: String(path)) { return key }
      if path.hasSuffix("[]") {
        path = path.dropLast(2)
      } else {
        return nil
      }
    }
  }
}
