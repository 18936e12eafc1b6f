package import Diagnostics

// Every sentence that SpecLanguage says, one factory a diagnostic, sorted by code. The explanations of
// `strata explain` stand in CodeExplanations.swift.

// MARK: - E00x: the text

extension Diagnostic {
  static func fileTooLarge(at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E001", message: "the spec is larger than a spec can be", primary: span,
      label: "more than \(SourceScan.largestByteCount) bytes",
      help: "is this the right file?")
  }

  static func notUTF8(_ byte: UInt8, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E002", message: "the spec is not UTF-8 text", primary: span,
      label: "the byte 0x\(hexadecimal(UInt32(byte), digits: 2)) does not belong here",
      help: "save the file as UTF-8")
  }

  static func controlCharacter(_ byte: UInt8, at span: SourceSpan) -> Self {
    unprintableCharacter(UInt32(byte), at: span)
  }

  static func unprintableCharacter(_ scalar: UInt32, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E003", message: "the spec holds a character that is no text", primary: span,
      label: "U+\(hexadecimal(scalar, digits: 4))", help: "remove it")
  }

  static func tabIndentation(at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E004", message: "indented by a tab", primary: span, label: "a tab",
      help: "indent by spaces; YAML allows no tabs there", fixIt: FixIt(span: span, replacement: "  "))
  }

  static func syntax(_ error: YAMLSyntaxError, in file: SourceFileID) -> Self {
    let (message, help) = plainWords(for: error.problem)
    var notes: [Note] = []
    if let context = error.context, context.offset != error.offset {
      let span = SourceSpan(file: file, utf8: context.offset..<context.offset)
      notes.append(Note(span: span, label: context.text))
    }
    return Diagnostic(
      code: "E005", message: message, primary: SourceSpan(file: file, utf8: error.offset..<error.offset),
      label: "reading stops here", notes: notes, help: help)
  }

  /// libyaml's words for its frequent problems, in the reader's terms.
  private static func plainWords(for problem: String) -> (message: String, help: String?) {
    switch problem {
    case "mapping values are not allowed in this context":
      ("a ':' where no key can stand", "put the key on a line of its own, or quote a text that holds ': '")
    case "could not find expected ':'":
      ("a key without its ':'", "write 'key: value'")
    case "did not find expected key":
      ("no key where one has to stand", "keys of one mapping start in the same column")
    case "did not find expected ',' or ']'":
      ("a list in brackets is not closed", "separate its entries by ',' and end it with ']'")
    case "did not find expected ',' or '}'":
      ("a mapping in braces is not closed", "separate its keys by ',' and end it with '}'")
    case "did not find expected '-' indicator":
      ("no '-' where an entry of the list has to stand", "entries of one list start in the same column")
    case "found character that cannot start any token":
      ("a character that YAML keeps for itself", "put the text in quotes")
    case "found unexpected end of stream":
      ("a text in quotes is not closed", "end it with the quote it began with")
    case "found unknown escape character":
      ("an escape that YAML does not know", "in single quotes a backslash is a backslash")
    case "block sequence entries are not allowed in this context":
      ("a '-' where no list can stand", "start the list on a line of its own")
    default:
      ("the YAML cannot be read: \(problem)", nil)
    }
  }

  static func nestedTooDeep(limit: Int, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E006", message: "nested more than \(limit) levels deep", primary: span,
      label: "one level too many",
      help: "no key of a spec lies deeper than six levels")
  }

  static func anchor(at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E007", message: "specs have no anchors and aliases", primary: span, label: "not allowed here",
      help: "write the value out")
  }

  static func tag(at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E008", message: "specs have no tags", primary: span, label: "not allowed here",
      help: "a value's type follows from its key")
  }

  static func severalDocuments(at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E009", message: "more than one document in a file", primary: span,
      label: "a second one begins here",
      help: "give each spec a file of its own")
  }

  static func keyIsNoWord(at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E010", message: "a key has to be a word", primary: span, label: "not a word",
      help: "write 'key: value'")
  }

  static func notAMapping(_ found: String, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E011", message: "a spec is a mapping of keys", primary: span, label: "this is \(found)",
      help: "start with 'strata: \(SpecTable.version)'; `strata new` writes a spec to begin with")
  }
}

// MARK: - E02x: keys

extension Diagnostic {
  static func duplicateKey(_ key: String, at span: SourceSpan, first: SourceSpan) -> Self {
    Diagnostic(
      code: "E020", message: "key \(quoted(key)) is written twice", primary: span, label: "written again",
      notes: [Note(span: first, label: "first written here")], help: "keep one of them")
  }

  /// - Parameters:
  ///   - section: dotted path, empty for the spec itself.
  ///   - elsewhere: keys of other sections that are called so, or are meant by the word.
  static func unknownKey(
    _ key: String, in section: String, suggestion: String?, elsewhere: [(key: String, section: String)] = [],
    at span: SourceSpan
  ) -> Self {
    let places = elsewhere.prefix(3).map {
      "'\($0.key)' of \($0.section.isEmpty ? "the top level" : "'\($0.section)'")"
    }
    return Diagnostic(
      code: "E021", message: "unknown key \(quoted(key))", primary: span,
      label: section.isEmpty ? "not a key of a spec" : "not a key of '\(section)'",
      help: suggestion.map { "did you mean '\($0)'?" }
        ?? (places.isEmpty ? nil : "did you mean \(list(Array(places), "or"))?"),
      fixIt: suggestion.map { FixIt(span: span, replacement: $0) })
  }

  /// - Parameter sections: dotted paths of the sections that have the key.
  static func misplacedKey(
    _ key: String, in section: String, belongsTo sections: [String], at span: SourceSpan
  )
    -> Self
  {
    let places = sections.map { $0.isEmpty ? "the top level" : "'\($0)'" }
    return Diagnostic(
      code: "E022", message: "misplaced key \(quoted(key))", primary: span,
      label: section.isEmpty ? "not a key of a spec's top level" : "not a key of '\(section)'",
      help: "it belongs to \(list(places, "or"))")
  }

  static func keyOfOtherKind(
    _ key: String, discriminator: String, kind: String, belongsTo kinds: [String], at span: SourceSpan,
    kindAt kindSpan: SourceSpan?
  ) -> Self {
    Diagnostic(
      code: "E022", message: "misplaced key \(quoted(key))", primary: span,
      label: "'\(discriminator): \(kind)' has no such key",
      notes: kindSpan.map { [Note(span: $0, label: "the \(discriminator) is set here")] } ?? [],
      help: "it belongs to '\(discriminator): \(list(kinds, "or"))'")
  }

  static func keyLeftOut(
    _ key: String, discriminator: String, kind: String, at span: SourceSpan, kindAt kindSpan: SourceSpan
  ) -> Self {
    Diagnostic(
      code: "E022", severity: .warning, message: "key \(quoted(key)) is left out", primary: span,
      label: "'\(discriminator): \(kind)' has no such key",
      notes: [Note(span: kindSpan, label: "the \(discriminator) is set here")])
  }

  static func missingKey(_ key: String, in section: String, documentation: String, at span: SourceSpan)
    -> Self
  {
    Diagnostic(
      code: "E023", message: "key '\(key)' is missing", primary: span,
      label: section.isEmpty ? "a spec needs it" : "'\(section)' needs it", help: "'\(key)': \(documentation)"
    )
  }

  /// - Parameters:
  ///   - keys: of `network`, one or two.
  ///   - reason: why the data does not tell them.
  static func missingForSource(
    _ keys: [String], source: String, reason: String, at span: SourceSpan
  ) -> Self {
    let list = keys.map { "'network.\($0)'" }.joined(separator: " and ")
    let (isOrAre, it) = keys.count == 1 ? ("is", "it") : ("are", "them")
    return Diagnostic(
      code: "E150", message: "\(list) \(isOrAre) not written, and the data does not tell \(it): \(reason)",
      primary: span, label: "'source: \(source)' has \(it) in its files",
      help: "write \(list), or put the data where `data.path` or --data says")
  }

  static func missingValue(_ key: String, expected: String, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E024", message: "key \(quoted(key)) has no value", primary: span, label: "takes \(expected)",
      help: "write a value, or leave the key out")
  }

  /// - Parameter isSet: by a `--set`, where the file has the other.
  static func excludingKeys(
    _ key: String, _ other: String, in section: String, isSet: Bool, at span: SourceSpan, otherAt: SourceSpan
  ) -> Self {
    Diagnostic(
      code: "E025", message: "'\(key)' and '\(other)' exclude each other", primary: span, label: "this one",
      notes: [Note(span: otherAt, label: "and this one")],
      help: isSet
        ? "take the file's away: --set \(section).\(other)=null, or set all of '\(section)' at once"
        : "keep one of them")
  }

  static func eitherKeyMissing(_ key: String, _ other: String, in section: String, at span: SourceSpan)
    -> Self
  {
    Diagnostic(
      code: "E023", message: "key '\(key)' or '\(other)' is missing", primary: span,
      label: "'\(section)' needs one of them")
  }
}

// MARK: - E06x: `--set`

extension Diagnostic {
  static func malformedOverride(at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E060", message: "'--set' takes 'key.key=value'", primary: span, label: "cannot be read",
      help: "for example --set training.epochs=1")
  }

  static func noSuchEntry(_ path: String, count: Int, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E061", message: "'\(path)' has no such entry", primary: span,
      label: count == 0 ? "there are none" : "there are \(count), counted from 1")
  }

  static func valueHasNoKeys(_ path: String, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E062", message: "'\(path)' has no keys inside", primary: span, label: "the path ends before this"
    )
  }
}

// MARK: - E15x: files of images

extension Diagnostic {
  /// Sizes of files, resized and cropped, that can't be the network's input.
  static func unfitImage(
    _ message: String, _ label: String, at span: SourceSpan, note: (text: String, span: SourceSpan)? = nil,
    help: String
  ) -> Self {
    Diagnostic(
      code: "E151", message: message, primary: span, label: label,
      notes: note.map { [Note(span: $0.span, label: $0.text)] } ?? [], help: help)
  }
}

// MARK: - E09x: the engine

extension Diagnostic {
  /// The language has it, this release cannot run it.
  /// - Parameter feature: as it stands in a spec, like `asynchronous`.
  package static func unsupported(_ feature: String, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E090", message: "'\(feature)' is not supported yet", primary: span,
      label: "this release cannot run it")
  }
}

// MARK: - Words

extension Diagnostic {
  /// A text of the user's in quotes, clipped.
  static func quoted(_ text: String) -> String {
    let longest = 60
    return text.count <= longest ? "'\(text)'" : "'\(text.prefix(longest))…'"
  }

  /// `a, b or c`.
  static func list(_ words: [String], _ conjunction: String) -> String {
    guard let last = words.last else { return "" }
    guard words.count > 1 else { return last }
    return words.dropLast().joined(separator: ", ") + " \(conjunction) " + last
  }

  private static func hexadecimal(_ value: UInt32, digits: Int) -> String {
    let text = String(value, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }
}
