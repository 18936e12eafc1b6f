/// One text that spans point into, with a table of its lines. Lines end at LF, CRLF or a lone CR, as in YAML.
package struct SourceFile: Sendable {
  package let id: SourceFileID
  /// How the text is called in diagnostics: the path as the user typed it, or `--set`.
  package let label: String
  package let bytes: [UInt8]
  /// Byte offset of each line's first byte; rising, never empty.
  private let lineStarts: [Int]

  /// - Complexity: O(bytes).
  package init(id: SourceFileID, label: String, bytes: [UInt8]) {
    self.id = id
    self.label = label
    self.bytes = bytes
    var starts = [0]
    for (offset, byte) in bytes.enumerated() {
      let endsLine =
        byte == UInt8(ascii: "\n")
        || (byte == UInt8(ascii: "\r")
          && !(offset + 1 < bytes.count && bytes[offset + 1] == UInt8(ascii: "\n")))
      if endsLine { starts.append(offset + 1) }
    }
    lineStarts = starts
  }

  package init(id: SourceFileID, label: String, text: String) {
    self.init(id: id, label: label, bytes: Array(text.utf8))
  }

  /// How many lines there are; a text that ends in a line break has an empty last line.
  package var lineCount: Int { lineStarts.count }

  /// A place for people: both numbers start at 1, columns count characters (grapheme clusters).
  package struct Position: Hashable, Sendable {
    package var line: Int
    package var column: Int
  }

  /// The line that holds a byte offset, from 1; offsets outside the text are moved to its ends.
  /// - Complexity: O(log lines).
  package func line(at offset: Int) -> Int {
    let offset = min(max(offset, 0), bytes.count)
    var low = 0
    var high = lineStarts.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if lineStarts[middle] <= offset { low = middle } else { high = middle }
    }
    return low + 1
  }

  /// Line and column of a byte offset. Inside a multi-byte character it is that character's place.
  package func position(at offset: Int) -> Position {
    let offset = min(max(offset, 0), bytes.count)
    let line = line(at: offset)
    var end = offset
    while end > 0, end < bytes.count, bytes[end] & 0b1100_0000 == 0b1000_0000 { end -= 1 }
    let content = contentRange(ofLine: line)
    let prefix = content.lowerBound..<max(content.lowerBound, min(end, content.upperBound))
    return Position(line: line, column: String(decoding: bytes[prefix], as: UTF8.self).count + 1)
  }

  /// Where a span starts and where it ends (the place behind its last character).
  package func positions(of span: SourceSpan) -> (start: Position, end: Position) {
    (position(at: span.utf8.lowerBound), position(at: span.utf8.upperBound))
  }

  /// Bytes of a line (from 1) without its line break.
  package func contentRange(ofLine line: Int) -> Range<Int> {
    precondition(line >= 1 && line <= lineStarts.count, "lines count from 1")
    let start = lineStarts[line - 1]
    guard line < lineStarts.count else { return start..<bytes.count }
    var end = lineStarts[line] - 1
    if end > start, bytes[end] == UInt8(ascii: "\n"), bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
    return start..<end
  }

  /// A span of this text.
  package func span(_ utf8: Range<Int>) -> SourceSpan {
    SourceSpan(file: id, utf8: utf8)
  }
}
