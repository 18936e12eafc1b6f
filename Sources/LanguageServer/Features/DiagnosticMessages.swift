internal import Artifacts
internal import Diagnostics
internal import Text

/// Diagnostics of the compiler as the protocol has them.
struct DiagnosticMessages {
  let uri: DocumentURI
  let settings: ClientSettings
  /// Where the explanation of a code lies, as a URI.
  let explanation: (String) -> String?

  /// - Parameter file: the text that the diagnostics are of.
  func json(_ checked: CheckedSpec, in file: SourceFile) -> [JSON] {
    checked.diagnostics.map { json($0, in: file) }
      + checked.failures.map { failure($0, at: head(of: file), severity: 1, source: "strata", in: file) }
  }

  private func json(_ diagnostic: Diagnostic, in file: SourceFile) -> JSON {
    // A place in a `--set` there is none: the server has no command line.
    var message = "\(diagnostic.message): \(diagnostic.label)"
    if diagnostic.label.isEmpty { message = diagnostic.message }
    if !settings.hasRelatedInformation {
      for note in diagnostic.notes {
        message += "\nline \(file.line(at: note.span.utf8.lowerBound)): \(note.label)"
      }
    }
    if let help = diagnostic.help { message += "\nhelp: \(help)" }
    var members: [(key: String, value: JSON)] = [
      ("range", settings.encoding.range(of: diagnostic.primary.utf8, in: file)),
      ("severity", .integer(diagnostic.severity == .error ? 1 : 2)), ("code", .string(diagnostic.code)),
    ]
    members += description(of: diagnostic.code)
    members += [("source", "strata"), ("message", .string(message))]
    if settings.hasRelatedInformation, !diagnostic.notes.isEmpty {
      let notes = diagnostic.notes.map { note -> JSON in
        [
          "location": [
            "uri": .string(uri.text), "range": settings.encoding.range(of: note.span.utf8, in: file),
          ],
          "message": .string(note.label),
        ]
      }
      members.append(("relatedInformation", .array(notes)))
    }
    return .object(members)
  }

  private func description(of code: String) -> [(key: String, value: JSON)] {
    guard settings.hasCodeDescription, let uri = explanation(code) else { return [] }
    return [("codeDescription", ["href": .string(uri)])]
  }

  /// A fault or warning that has no place of its own.
  func failure(
    _ failure: SpecFailure, at utf8: Range<Int>, severity: Int, source: String, in file: SourceFile
  ) -> JSON {
    var members: [(key: String, value: JSON)] = [
      ("range", settings.encoding.range(of: utf8, in: file)), ("severity", .integer(severity)),
    ]
    if let code = failure.code { members += [("code", .string(code))] + description(of: code) }
    members += [
      ("source", .string(source)),
      ("message", .string(failure.message + (failure.help.map { "\nhelp: \($0)" } ?? ""))),
    ]
    return .object(members)
  }

  /// The first key.
  func head(of file: SourceFile) -> Range<Int> {
    SpecOutline(file.bytes).allEntries.first?.entry.keyRange ?? 0..<0
  }
}
