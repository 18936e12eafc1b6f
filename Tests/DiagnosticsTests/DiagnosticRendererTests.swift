import Diagnostics
import Testing

/// Texts and spans found by what stands in them.
private struct Sample {
  var texts = SourceTexts()

  init(_ text: String, label: String = "net.yaml") {
    texts.add(label: label, text: text)
  }

  /// The span of the n-th occurrence of some text, from 1.
  func span(_ needle: String, occurrence: Int = 1, file: Int = 0) -> SourceSpan {
    let bytes = texts.files[file].bytes
    let wanted = Array(needle.utf8)
    let starts = bytes.indices.filter { bytes[$0...].starts(with: wanted) }
    let start = starts[occurrence - 1]
    return SourceSpan(file: SourceFileID(index: file), utf8: start..<start + wanted.count)
  }

  func render(_ diagnostic: Diagnostic, colour: Bool = false) -> String {
    DiagnosticRenderer(texts: texts, colour: colour).render(diagnostic)
  }
}

@Suite struct DiagnosticRendererTests {
  @Test func errorWithHelp() {
    let sample = Sample(String(repeating: "#\n", count: 10) + "downsmpling:\n")
    let diagnostic = Diagnostic(
      code: "E021", message: "unknown key 'downsmpling'", primary: sample.span("downsmpling"),
      label: "not a key of a spec", help: "did you mean 'downsampling'?")
    #expect(
      sample.render(diagnostic) == """
        error[E021]: unknown key 'downsmpling'
          --> net.yaml:11:1
           |
        11 | downsmpling:
           | ^^^^^^^^^^^ not a key of a spec
           = help: did you mean 'downsampling'?

        """)
  }

  @Test func notesInOtherLinesStandInTheirPlace() {
    let sample = Sample("a: 1\nb: 2\nc: 3\na: 4\n")
    let diagnostic = Diagnostic(
      code: "E020", message: "key 'a' is written twice", primary: sample.span("a", occurrence: 2),
      label: "written again",
      notes: [.init(span: sample.span("b"), label: "next"), .init(span: sample.span("a"), label: "first")])
    #expect(
      sample.render(diagnostic) == """
        error[E020]: key 'a' is written twice
         --> net.yaml:4:1
          |
        1 | a: 1
          | - first
        2 | b: 2
          | - next
        ...
        4 | a: 4
          | ^ written again

        """)
  }

  @Test func notesInAnotherTextStandBehind() {
    var sample = Sample("strata: 1\nkind: adam\n")
    sample.texts.add(label: "--set", text: "a.b=2")
    let diagnostic = Diagnostic(
      code: "E1", severity: .warning, message: "m", primary: sample.span("2", file: 1), label: "here",
      notes: [.init(span: sample.span("adam"), label: "there")])
    #expect(
      sample.render(diagnostic) == """
        warning[E1]: m
         --> --set:1:5
          |
        1 | a.b=2
          |     ^ here
         ::: net.yaml:2:7
          |
        2 | kind: adam
          |       ---- there

        """)
  }

  @Test func caretsFollowWideAndCombinedCharacters() {
    let sample = Sample("日本é e\u{301}: wrong\n")
    let diagnostic = Diagnostic(code: "E1", message: "m", primary: sample.span("wrong"), label: "x")
    #expect(
      sample.render(diagnostic) == """
        error[E1]: m
         --> net.yaml:1:8
          |
        1 | 日本é e\u{301}: wrong
          |          ^^^^^ x

        """)
  }

  @Test func twoMarksOfOneLineHaveTheirOwnRows() {
    let sample = Sample("{before: 1, schedule: 2}")
    let diagnostic = Diagnostic(
      code: "E1", message: "m", primary: sample.span("schedule"), label: "this",
      notes: [.init(span: sample.span("before"), label: "and this")])
    #expect(
      sample.render(diagnostic) == """
        error[E1]: m
         --> net.yaml:1:13
          |
        1 | {before: 1, schedule: 2}
          |             ^^^^^^^^ this
          |  ------ and this

        """)
  }

  @Test func emptySpansHaveOneCaret() {
    let sample = Sample("")
    let diagnostic = Diagnostic(
      code: "E1", message: "m", primary: SourceSpan(file: SourceFileID(index: 0), utf8: 0..<0), label: "")
    #expect(sample.render(diagnostic) == "error[E1]: m\n --> net.yaml:1:1\n  |\n1 |\n  | ^\n")
  }

  @Test func spansOverSeveralLinesEndWithTheFirst() {
    let sample = Sample("a: [1,\n  2]\n")
    let diagnostic = Diagnostic(code: "E1", message: "m", primary: sample.span("[1,\n  2]"), label: "x")
    #expect(sample.render(diagnostic).contains("1 | a: [1,\n  |    ^^^ x\n"))
  }

  @Test func controlCharactersCannotSteerTheTerminal() {
    let sample = Sample("a\tb\u{1B}[31m: x\n", label: "net\u{1B}.yaml")
    let diagnostic = Diagnostic(
      code: "E1", message: "m\u{1B}[2J", primary: sample.span("x"), label: "l\u{7}", help: "h\u{202E}")
    #expect(
      sample.render(diagnostic) == """
        error[E1]: m\\u{1B}[2J
         --> net\\u{1B}.yaml:1:11
          |
        1 | a b\u{FFFD}[31m: x
          |           ^ l\\u{7}
          = help: h\\u{202E}

        """)
  }

  @Test func longLinesAreCutAroundTheMark() throws {
    for (before, after) in [(5000, 5000), (0, 5000), (5000, 0), (300, 2), (100, 100)] {
      let text = String(repeating: "é", count: before) + "X" + String(repeating: "b", count: after)
      let sample = Sample(text)
      let diagnostic = Diagnostic(code: "E1", message: "m", primary: sample.span("X"), label: "here")
      let lines = sample.render(diagnostic).split(separator: "\n")
      let source = try #require(lines.first { $0.hasPrefix("1 |") })
      let carets = try #require(lines.last)
      #expect(source.count <= 170)
      let column = try #require(source.firstIndex(of: "X"))
      let caret = try #require(carets.firstIndex(of: "^"))
      #expect(
        source.distance(from: source.startIndex, to: column)
          == carets.distance(from: carets.startIndex, to: caret))
    }
  }

  @Test func coloursAreOnlyThereWhenAskedFor() {
    let sample = Sample("a: 1\n")
    let diagnostic = Diagnostic(code: "E1", message: "m", primary: sample.span("1"), label: "x", help: "h")
    let coloured = sample.render(diagnostic, colour: true)
    #expect(coloured.hasPrefix("\u{1B}[1;31merror[E1]\u{1B}[0m\u{1B}[1m: m\u{1B}[0m\n"))
    let plain = coloured.replacing(/\u{1B}\[[0-9;]*m/, with: "")
    #expect(plain == sample.render(diagnostic))
  }

  @Test func severalAreSetApart() {
    let sample = Sample("a: 1\n")
    let diagnostic = Diagnostic(code: "E1", message: "m", primary: sample.span("1"), label: "x")
    let one = sample.render(diagnostic)
    #expect(DiagnosticRenderer(texts: sample.texts).render([diagnostic, diagnostic]) == one + "\n" + one)
    #expect(DiagnosticRenderer(texts: sample.texts).render([]) == "")
  }
}
