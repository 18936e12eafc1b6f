/// Every key of the language as a Markdown table: path, what it takes, its default, its unit, what it means, and whose idea
/// it is. `[]` stands for the entries of a list, the words in brackets for the kinds that have the key.
package func referenceTable() -> String {
  var lines = ["| key | takes | default | unit | meaning | source |", "|---|---|---|---|---|---|"]
  for key in KeyReference.all {
    let kinds = key.kinds.isEmpty ? "" : " (\(key.discriminator): \(key.kinds.joined(separator: ", ")))"
    let cells = [
      "`\(key.path)`\(kinds)", key.takes, key.fallback, key.unit ?? "", key.meaning, key.source ?? "",
    ]
    lines.append("| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |")
  }
  return lines.map { $0 + "\n" }.joined()
}

extension ValueShape {
  /// Like ``words``, but a section says no more than that it is one: its keys follow in the table.
  var referenceWords: String {
    switch self {
    case .version, .flag, .integer, .seed, .number, .name, .path, .image, .size: words
    case .word(let words): words.map { "`\($0)`" }.joined(separator: " | ")
    case .list(let element, _): "list of: \(element.referenceWords)"
    case .section(let section):
      section.allowsBareWord ? "a kind, or a mapping" : "mapping"
    case .either(let shapes): shapes.map(\.referenceWords).joined(separator: ", or ")
    }
  }
}

extension SpecKey.Fallback {
  var referenceWords: String {
    switch self {
    case .required: "**required**"
    case .value(let value): "`\(value.referenceText)`"
    case .derived(let words), .absent(let words): words
    }
  }
}

extension SpecValue {
  fileprivate var referenceText: String {
    switch self {
    case .flag(let flag): String(flag)
    case .integer(let integer): String(integer)
    case .seed(let seed): String(seed)
    case .number(let number): NumberRange.plain(number)
    case .word(let text), .text(let text): text
    case .image(let image): image.text
    case .size(let size): SpecText.size(size)
    case .list(let values): SpecText.list(values.map(\.referenceText))
    }
  }
}
