internal import Text

/// Diagnostics as JSON, without Foundation.
package struct DiagnosticJSON: Sendable {
  private let texts: SourceTexts

  package init(texts: SourceTexts) {
    self.texts = texts
  }

  /// A JSON array of ``object(_:)``, on one line.
  package func array(_ diagnostics: [Diagnostic]) -> String {
    "[" + diagnostics.map(object).joined(separator: ",") + "]"
  }

  /// One JSON object: `code`, `severity`, `message`, the place (`file`, `line`, `column`, `endLine`, `endColumn`,
  /// `startByte`, `endByte`; lines and columns from 1, columns in characters), `label`, `notes`, `help`, `fix`.
  package func object(_ diagnostic: Diagnostic) -> String {
    var fields = [
      "\"code\":" + JSONText.string(diagnostic.code),
      "\"severity\":" + JSONText.string(diagnostic.severity.rawValue),
      "\"message\":" + JSONText.string(diagnostic.message),
      place(diagnostic.primary),
      "\"label\":" + JSONText.string(diagnostic.label),
    ]
    let notes = diagnostic.notes.map { "{\(place($0.span)),\"label\":\(JSONText.string($0.label))}" }
    fields.append("\"notes\":[" + notes.joined(separator: ",") + "]")
    fields.append("\"help\":" + (diagnostic.help.map(JSONText.string) ?? "null"))
    let fix = diagnostic.fixIt.map {
      "{\(place($0.span)),\"replacement\":\(JSONText.string($0.replacement))}"
    }
    fields.append("\"fix\":" + (fix ?? "null"))
    return "{" + fields.joined(separator: ",") + "}"
  }

  private func place(_ span: SourceSpan) -> String {
    let file = texts[span.file]
    let (start, end) = file.positions(of: span)
    return "\"file\":\(JSONText.string(file.label)),\"line\":\(start.line),\"column\":\(start.column),"
      + "\"endLine\":\(end.line),\"endColumn\":\(end.column),"
      + "\"startByte\":\(span.utf8.lowerBound),\"endByte\":\(span.utf8.upperBound)"
  }
}

/// Pieces of JSON text.
package enum JSONText {
  /// A string literal with its quotes; control characters are escaped, all else stays UTF-8.
  package static func string(_ text: String) -> String { JSONWriter.line(.string(text)) }
}
