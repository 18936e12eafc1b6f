/// Diagnostics as text for people: message, place, the lines with carets, notes and help.
///
/// ```
/// error[E021]: unknown key 'downsmpling'
///   --> net.yaml:11:1
///    |
/// 11 | downsmpling:
///    | ^^^^^^^^^^^ not a key of a spec
///    = help: did you mean 'downsampling'?
/// ```
package struct DiagnosticRenderer: Sendable {
  private let texts: SourceTexts
  private let paint: Paint

  /// - Parameter colour: ANSI colours; the caller knows whether a terminal is listening.
  package init(texts: SourceTexts, colour: Bool = false) {
    self.texts = texts
    paint = Paint(isOn: colour)
  }

  /// All diagnostics, an empty line between two; ends in a line break unless there are none.
  package func render(_ diagnostics: [Diagnostic]) -> String {
    diagnostics.map(render).joined(separator: "\n")
  }

  /// One diagnostic; ends in a line break.
  package func render(_ diagnostic: Diagnostic) -> String {
    let excerpts = excerpts(of: diagnostic)
    let lastLine = excerpts.flatMap { $0.rows.map(\.line) }.max() ?? 1
    let gutter = String(repeating: " ", count: String(lastLine).count)

    let heading = "\(diagnostic.severity.rawValue)[\(diagnostic.code)]"
    let message = ": " + DisplayText.printable(diagnostic.message)
    var lines = [paint.severity(heading, diagnostic.severity) + paint.strong(message)]
    for (index, excerpt) in excerpts.enumerated() {
      lines.append(gutter + paint.frame(index == 0 ? "-->" : ":::") + " " + texts.place(excerpt.anchor))
      lines.append(gutter + paint.frame(" |"))
      lines += render(excerpt, gutter: gutter, severity: diagnostic.severity)
    }
    if let help = diagnostic.help {
      lines.append(
        gutter + paint.frame(" =") + " " + paint.strong("help") + ": " + DisplayText.printable(help))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  // MARK: - Excerpts

  private struct Mark {
    var span: SourceSpan
    var label: String
    var isPrimary: Bool
  }

  private struct Row {
    var line: Int
    var marks: [Mark]
  }

  /// Lines of one file that a diagnostic shows, in order.
  private struct Excerpt {
    var anchor: SourceSpan
    var rows: [Row]
  }

  private func excerpts(of diagnostic: Diagnostic) -> [Excerpt] {
    var marks = [Mark(span: diagnostic.primary, label: diagnostic.label, isPrimary: true)]
    marks += diagnostic.notes.map { Mark(span: $0.span, label: $0.label, isPrimary: false) }
    var excerpts: [Excerpt] = []
    for mark in marks {
      let line = texts[mark.span.file].line(at: mark.span.utf8.lowerBound)
      guard let index = excerpts.firstIndex(where: { $0.anchor.file == mark.span.file }) else {
        excerpts.append(Excerpt(anchor: mark.span, rows: [Row(line: line, marks: [mark])]))
        continue
      }
      if let row = excerpts[index].rows.firstIndex(where: { $0.line == line }) {
        excerpts[index].rows[row].marks.append(mark)
      } else {
        excerpts[index].rows.append(Row(line: line, marks: [mark]))
      }
    }
    for index in excerpts.indices { excerpts[index].rows.sort { $0.line < $1.line } }
    return excerpts
  }

  private func render(_ excerpt: Excerpt, gutter: String, severity: Severity) -> [String] {
    let file = texts[excerpt.anchor.file]
    var lines: [String] = []
    var previous: Int?
    for row in excerpt.rows {
      if let previous, row.line > previous + 1 { lines.append(paint.frame("...")) }
      previous = row.line
      // The window follows the primary mark, which comes first.
      let window = LineWindow(file: file, line: row.line, around: row.marks[0].span)
      let number = String(row.line)
      let padding = String(repeating: " ", count: gutter.count - number.count)
      lines.append(paint.frame(padding + number + " |") + (window.text.isEmpty ? "" : " " + window.text))
      for mark in row.marks {
        let (indent, width) = window.underline(mark.span)
        let carets = String(repeating: mark.isPrimary ? "^" : "-", count: width)
        let label = mark.label.isEmpty ? "" : " " + DisplayText.printable(mark.label)
        let pointer = mark.isPrimary ? paint.severity(carets + label, severity) : paint.frame(carets + label)
        lines.append(gutter + paint.frame(" |") + " " + String(repeating: " ", count: indent) + pointer)
      }
    }
    return lines
  }
}

/// The part of a line that is shown: all of it, or what lies around the mark where the line is long.
private struct LineWindow {
  var text = ""
  /// Byte offset and terminal column of each character shown, and of the end.
  private var offsets: [Int] = []
  private var columns: [Int] = []

  private static let longestLine = 160

  init(file: SourceFile, line: Int, around span: SourceSpan) {
    let content = file.contentRange(ofLine: line)
    // A longer line than any person writes is cut in bytes first: a minified file is one line of a mebibyte.
    let focus = min(max(span.utf8.lowerBound, content.lowerBound), content.upperBound)
    var bytes = content
    if content.count > Self.longestLine * 4 {
      bytes =
        max(content.lowerBound, focus - Self.longestLine)..<min(content.upperBound, focus + Self.longestLine)
      bytes = Self.onCharacterBounds(bytes, in: file)
    }
    var shown: [(character: Character, offset: Int)] = []
    var offset = bytes.lowerBound
    for character in String(decoding: file.bytes[bytes], as: UTF8.self) {
      shown.append((character, offset))
      offset += character.utf8.count
    }
    let end = bytes.upperBound
    var first = 0
    var last = shown.count
    if shown.count > Self.longestLine {
      let middle = shown.firstIndex { $0.offset >= focus } ?? shown.count
      first = max(0, min(middle - Self.longestLine / 3, shown.count - Self.longestLine))
      last = min(shown.count, first + Self.longestLine)
    }
    let cutBefore = first > 0 || bytes.lowerBound > content.lowerBound
    let cutAfter = last < shown.count || bytes.upperBound < content.upperBound
    var column = 0
    if cutBefore {
      text = "…"
      column = 1
    }
    for (character, offset) in shown[first..<last] {
      offsets.append(offset)
      columns.append(column)
      let printable = DisplayText.printable(character)
      text.append(printable)
      column += DisplayText.width(printable)
    }
    offsets.append(last < shown.count ? shown[last].offset : end)
    columns.append(column)
    if cutAfter { text += "…" }
  }

  /// Terminal columns before a span and of the span, at least one; a span that goes on in the next line ends here.
  func underline(_ span: SourceSpan) -> (indent: Int, width: Int) {
    let start = column(at: span.utf8.lowerBound)
    let end = column(at: span.utf8.upperBound)
    return (start, max(1, end - start))
  }

  private func column(at offset: Int) -> Int {
    let index = offsets.lastIndex { $0 <= offset } ?? 0
    return columns[index]
  }

  private static func onCharacterBounds(_ range: Range<Int>, in file: SourceFile) -> Range<Int> {
    var low = range.lowerBound
    var high = range.upperBound
    while low < high, file.bytes[low] & 0b1100_0000 == 0b1000_0000 { low += 1 }
    while high > low, high < file.bytes.count, file.bytes[high] & 0b1100_0000 == 0b1000_0000 { high -= 1 }
    return low..<high
  }
}

/// ANSI colours, or nothing.
private struct Paint: Sendable {
  let isOn: Bool

  func severity(_ text: String, _ severity: Severity) -> String {
    switch severity {
    case .error: wrap(text, "1;31")
    case .warning: wrap(text, "1;33")
    }
  }

  func frame(_ text: String) -> String { wrap(text, "1;34") }

  func strong(_ text: String) -> String { wrap(text, "1") }

  private func wrap(_ text: String, _ code: String) -> String {
    isOn ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
  }
}
