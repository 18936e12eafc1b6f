/// Names places of a spec for people: the file with the line, and the key whose value stands there.
package struct SourcePlaces: Sendable {
  /// A value that a text gives.
  private struct WrittenValue: Sendable {
    var key: String
    var span: SourceSpan
  }

  private let texts: SourceTexts
  /// The first text's name in place of its label; nil: the label.
  private let name: String?
  /// The shorter of two that hold the same place comes first.
  private let values: [WrittenValue]

  /// - Parameters:
  ///   - values: dotted paths of keys, and where their values were written.
  ///   - name: of the first text; nil for its label.
  package init(_ texts: SourceTexts, values: [(key: String, span: SourceSpan)], name: String? = nil) {
    self.texts = texts
    self.name = name
    self.values = values.map { WrittenValue(key: $0.key, span: $0.span) }.sorted {
      // Of two with one place the one that others take over.
      ($0.span.utf8.count, $0.key.utf8.count, $0.key) < ($1.span.utf8.count, $1.key.utf8.count, $1.key)
    }
  }

  /// The same with another name for the first text.
  package func named(_ name: String) -> SourcePlaces {
    SourcePlaces(texts, values: values.map { ($0.key, $0.span) }, name: name)
  }

  /// `net.yaml:14`; `--set` for what the command line says.
  package func place(_ span: SourceSpan) -> String {
    if isCommandLine(span) { return texts[span.file].label }
    return "\(name ?? texts[span.file].label):\(line(span))"
  }

  /// The same, and `default` for what nobody has written.
  package func origin(_ span: SourceSpan) -> String { key(span) == nil ? "default" : place(span) }

  /// The same of a line of the spec's own text, from 1.
  package func place(line: Int) -> String { "\(name ?? texts.files[0].label):\(line)" }

  /// The spec's own text, line by line, without line ends.
  package var specLines: [String] {
    let file = texts.files[0]
    let lines = (1...file.lineCount).map { line in
      String(decoding: file.bytes[file.contentRange(ofLine: line)], as: UTF8.self)
    }
    return lines.last == "" ? lines.dropLast() : lines
  }

  /// In its own text, from 1.
  package func line(_ span: SourceSpan) -> Int { texts[span.file].line(at: span.utf8.lowerBound) }

  /// Whether the place is not in the spec's file, but in a `--set`.
  package func isCommandLine(_ span: SourceSpan) -> Bool { span.file.index > 0 }

  /// The dotted path of the value at a place; the name of the section that begins there; nil where neither is written
  /// there, as for defaults of a whole spec.
  package func key(_ span: SourceSpan) -> String? {
    if let value = values.first(where: {
      $0.span.file == span.file && $0.span.utf8.contains(span.utf8.lowerBound)
    }
    ) {
      return value.key
    }
    let bytes = texts[span.file].bytes
    guard span.utf8.upperBound < bytes.count, bytes[span.utf8.upperBound] == UInt8(ascii: ":") else {
      return nil
    }
    let word = String(decoding: bytes[span.utf8], as: UTF8.self)
    return word == "strata" ? nil : word
  }
}
