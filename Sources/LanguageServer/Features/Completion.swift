internal import Artifacts
internal import SpecLanguage
internal import Text

/// What may be written at a cursor.
struct Completion {
  let settings: ClientSettings
  /// Names in a folder that lies at a path from the spec's own; folders end in `/`.
  let list: (String) -> [String]

  struct Item {
    enum Kind: Int {
      case property = 10
      case value = 12
      case snippet = 15
      case file = 17
      case folder = 19
      case word = 20
    }

    var label: String
    var kind: Kind
    var detail = ""
    var documentation = ""
    var text: String
    var isSnippet = false
    var isPreselected = false
    /// Of the text, in bytes.
    var replaces: Range<Int>
  }

  /// - Parameter cursor: a byte offset.
  func items(_ bytes: [UInt8], cursor: Int) -> [Item] {
    if SpecRecognition.isEmpty(bytes) { return templates(at: cursor) }
    guard let context = CursorContext(bytes, cursor: cursor) else { return [] }
    switch context.place {
    case .key:
      let keys = keys(context)
      return keys.isEmpty ? values(context) : keys
    case .value:
      return values(context) + (context.path.hasSuffix("[]") ? keys(context) : [])
    }
  }

  // MARK: - Templates

  private func templates(at cursor: Int) -> [Item] {
    SpecTemplate.all.map {
      Item(
        label: $0.name, kind: .snippet, detail: $0.summary, documentation: "```yaml\n\($0.text)```",
        text: $0.text, replaces: cursor..<cursor)
    }
  }

  // MARK: - Keys

  private func keys(_ context: CursorContext) -> [Item] {
    let outline = context.outline
    let isEntry = context.place == .value
    let written = isEntry ? [] : outline.entries(context.mapping).filter(\.hasColon).map(\.key)
    let keys = KeyReference.keys(ofSection: context.path)
    let kind = keys.first.flatMap { key in
      isEntry ? nil : outline.kind(of: context.mapping, discriminator: key.discriminator)
    }
    return keys.filter { key in
      !written.contains(key.name) && Set(key.excludes).isDisjoint(with: written)
        && (key.kinds.isEmpty || kind == nil || key.kinds.contains(kind ?? ""))
    }.map { key in
      let isFlow = context.isFlow || isEntry
      let (text, isSnippet) =
        context.hasColon ? (key.name, false) : insertion(key, isFlow: isFlow, column: context.column)
      return Item(
        label: key.name, kind: .property, detail: key.isRequired ? "required" : "default: \(key.fallback)",
        documentation: key.markdown, text: text, isSnippet: isSnippet, isPreselected: key.isRequired,
        replaces: context.prefix)
    }
  }

  private func insertion(_ key: KeyReference, isFlow: Bool, column: Int) -> (text: String, isSnippet: Bool) {
    guard settings.hasSnippets else {
      return (key.form == .section && !isFlow && key.values.isEmpty ? "\(key.name):" : "\(key.name): ", false)
    }
    switch key.form {
    case .scalar:
      return key.values.isEmpty
        ? ("\(key.name): ", false) : ("\(key.name): \(Self.choice(key.values, 1))", true)
    case .list: return ("\(key.name): [$1]", true)
    case .section:
      // What the section needs, and what its other keys depend on.
      let inner = KeyReference.keys(ofSection: key.path).filter { inner in
        inner.kinds.isEmpty && (inner.isRequired || inner.name == inner.discriminator)
      }
      if isFlow {
        let entries = inner.enumerated().map { "\($0.element.name): \(Self.hole($0.element, $0.offset + 1))" }
        return ("\(key.name): {\(entries.isEmpty ? "$1" : entries.joined(separator: ", "))}", true)
      }
      let blanks = "\n" + String(repeating: " ", count: column + 2)
      let entries = inner.enumerated().map { "\($0.element.name): \(Self.hole($0.element, $0.offset + 1))" }
      return ("\(key.name):" + blanks + (entries.isEmpty ? "$0" : entries.joined(separator: blanks)), true)
    }
  }

  private static func hole(_ key: KeyReference, _ number: Int) -> String {
    switch key.form {
    case .list: "[$\(number)]"
    case .section: "{$\(number)}"
    case .scalar: key.values.isEmpty ? "$\(number)" : choice(key.values, number)
    }
  }

  private static func choice(_ words: [String], _ number: Int) -> String {
    "${\(number)|\(words.joined(separator: ","))|}"
  }

  // MARK: - Values

  private func values(_ context: CursorContext) -> [Item] {
    guard let key = KeyReference.keyAround(context.path) else { return [] }
    if key.isPath { return paths(context, of: key) }
    return key.values.map {
      Item(
        label: $0, kind: .word, detail: "`\($0)`" == key.fallback ? "the default" : "",
        documentation: key.markdown,
        text: $0, replaces: context.prefix)
    }
  }

  /// Folders, and for `network.from` weights; what is typed already is looked into.
  private func paths(_ context: CursorContext, of key: KeyReference) -> [Item] {
    guard
      case .scalar(let typed) = context.outline.nodes.first(where: {
        $0.range.lowerBound == context.prefix.lowerBound && $0.path == context.path
      })?.content
    else { return [] }
    let length = min(context.prefix.count, typed.utf8.count)
    let before = String(decoding: Array(typed.utf8)[..<length], as: UTF8.self)
    let folder = before.lastIndex(of: "/").map { String(before[...$0]) } ?? ""
    // Runs are offered before anything is typed.
    let offered =
      list(folder) + (folder.isEmpty && key.name == "from" ? list("runs/").map { "runs/" + $0 } : [])
    return offered.filter { $0.hasSuffix("/") || key.name == "from" && $0.hasSuffix(".safetensors") }.map {
      name in
      let isFolder = name.hasSuffix("/")
      let path = folder + (isFolder ? String(name.dropLast()) : name)
      return Item(
        label: path, kind: isFolder ? .folder : .file, documentation: key.markdown, text: path,
        replaces: context.prefix)
    }
  }
}
