import Diagnostics
import Testing

private func file(_ text: String) -> SourceFile {
  SourceFile(id: SourceFileID(index: 0), label: "net.yaml", text: text)
}

@Suite struct SourceFileTests {
  @Test(arguments: [
    ("", 0, 1, 1), ("a", 0, 1, 1), ("a", 1, 1, 2), ("a\n", 2, 2, 1), ("a\nbc", 3, 2, 2), ("a\r\nb", 3, 2, 1),
    ("a\rb", 2, 2, 1), ("\n\n", 1, 2, 1), ("a\n", 1, 1, 2), ("a\r\n", 2, 1, 2),
    // é is two bytes, 日 three, the flag eight bytes and one character.
    ("é: 3", 4, 1, 4), ("日本: x", 8, 1, 5), ("🇩🇪x", 8, 1, 2), ("e\u{301}x", 3, 1, 2),
  ])
  func placesCountCharactersFromOne(text: String, offset: Int, line: Int, column: Int) {
    let position = file(text).position(at: offset)
    #expect(position.line == line)
    #expect(position.column == column)
  }

  @Test func placeInsideACharacterIsTheCharacters() {
    let text = file("aé")
    #expect(text.position(at: 2) == text.position(at: 1))
  }

  @Test func placesOutsideTheTextAreMovedToItsEnds() {
    let text = file("ab\nc")
    #expect(text.position(at: -5) == text.position(at: 0))
    #expect(text.position(at: 99) == text.position(at: 4))
  }

  /// Against a line table made by splitting characters, over every offset of texts with all kinds of line breaks.
  @Test func placesAgreeWithSplitting() {
    for text in ["a\nbé\r\n\r日x\n\n", "\r\r\n\n\r", "x", "\n", "é\r\né"] {
      let source = file(text)
      var line = 1
      var column = 1
      var offset = 0
      for character in text {
        let position = source.position(at: offset)
        #expect([position.line, position.column] == [line, column], "\(text.debugDescription) \(offset)")
        offset += character.utf8.count
        if ["\n", "\r", "\r\n"].contains(character) {
          line += 1
          column = 1
        } else {
          column += 1
        }
      }
      let end = source.position(at: offset)
      #expect([end.line, end.column] == [line, column])
      #expect(source.lineCount == line)
    }
  }

  @Test func lineContentsHaveNoLineBreaks() {
    let source = file("ab\r\nc\rd\n\ne")
    let lines = (1...source.lineCount).map { line in
      String(decoding: source.bytes[source.contentRange(ofLine: line)], as: UTF8.self)
    }
    #expect(lines == ["ab", "c", "d", "", "e"])
  }

  @Test func notUTF8IsPlacedToo() {
    let source = SourceFile(id: SourceFileID(index: 0), label: "x", bytes: [0x61, 0xFF, 0x62])
    #expect(source.position(at: 2).column == 3)
  }
}

@Suite struct SourceReadingTests {
  @Test func missingFilesAndFoldersHaveTheirOwnErrors() {
    #expect(throws: SourceReadError.notFound) { try readSource(path: "/nonexistent/net.yaml", limit: 10) }
    #expect(throws: SourceReadError.isDirectory) { try readSource(path: "/tmp", limit: 10) }
  }

  @Test func readsNoMoreThanTheLimit() throws {
    #expect(try readSource(path: "/dev/zero", limit: 100_000).count == 100_000)
    #expect(try readSource(path: #filePath, limit: 6) == Array("import".utf8))
  }
}
