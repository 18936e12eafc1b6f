internal import Artifacts
internal import Diagnostics
internal import Text

/// How a client counts the characters of a line.
package enum PositionEncoding: String, Hashable, Sendable {
  case utf8 = "utf-8"
  case utf16 = "utf-16"
}

/// A place in a text as the protocol has it: both numbers count from 0.
package struct LinePosition: Hashable, Sendable {
  package var line: Int
  /// Units of the client's encoding.
  package var character: Int

  package init(line: Int, character: Int) {
    self.line = line
    self.character = character
  }

  init(_ json: JSON?) throws(RPCFault) {
    guard let line = json?["line"]?.integer, let character = json?["character"]?.integer, line >= 0,
      character >= 0
    else { throw RPCFault(.invalidParams, "a position has a line and a character, from 0") }
    self.init(line: min(line, Self.farthest), character: min(character, Self.farthest))
  }

  /// The protocol's numbers end here.
  private static let farthest = Int(Int32.max)

  var json: JSON { ["line": .integer(line), "character": .integer(character)] }
}

extension PositionEncoding {
  /// How many units a piece of valid UTF-8 has.
  func unitCount(_ bytes: some Sequence<UInt8>) -> Int {
    switch self {
    case .utf8: return bytes.reduce(0) { count, _ in count + 1 }
    case .utf16:
      // A character is as many units as its first byte says: two beyond U+FFFF.
      return bytes.reduce(0) { count, byte in
        byte & 0b1100_0000 == 0b1000_0000 ? count : byte >= 0xF0 ? count + 2 : count + 1
      }
    }
  }

  /// The number of bytes in front of so many units; units beyond the end, or within a character, are moved to its beginning.
  func byteCount(ofUnits units: Int, in line: ArraySlice<UInt8>) -> Int {
    var remaining = units
    var offset = line.startIndex
    while offset < line.endIndex, remaining > 0 {
      var next = offset + 1
      while next < line.endIndex, line[next] & 0b1100_0000 == 0b1000_0000 { next += 1 }
      let width = unitCount(line[offset..<next])
      if width > remaining { break }
      remaining -= width
      offset = next
    }
    return offset - line.startIndex
  }

  /// Of a byte offset in a text.
  func position(of offset: Int, in file: SourceFile) -> LinePosition {
    let offset = min(max(offset, 0), file.bytes.count)
    let line = file.line(at: offset)
    let content = file.contentRange(ofLine: line)
    let end = min(max(offset, content.lowerBound), content.upperBound)
    return LinePosition(line: line - 1, character: unitCount(file.bytes[content.lowerBound..<end]))
  }

  func range(of utf8: Range<Int>, in file: SourceFile) -> JSON {
    [
      "start": position(of: utf8.lowerBound, in: file).json,
      "end": position(of: utf8.upperBound, in: file).json,
    ]
  }

  /// The byte offset of a place; places outside of the text are moved to the end of the line, or of the text.
  func offset(of position: LinePosition, in file: SourceFile) -> Int {
    guard position.line < file.lineCount else { return file.bytes.count }
    let content = file.contentRange(ofLine: position.line + 1)
    return content.lowerBound + byteCount(ofUnits: position.character, in: file.bytes[content])
  }
}
