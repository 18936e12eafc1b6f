import Diagnostics
import Foundation
import Testing

@Suite struct DiagnosticJSONTests {
  private static func parse(_ text: String) throws -> Any {
    try JSONSerialization.jsonObject(with: Data(text.utf8))
  }

  @Test func everyFieldIsThere() throws {
    var texts = SourceTexts()
    let file = texts.add(label: "nét.yaml", text: "é: 1\nb: 1e3\n")
    let diagnostic = Diagnostic(
      code: "E032", message: "a \"whole\" number", primary: file.span(9..<12), label: "tab\there",
      notes: [.init(span: file.span(0..<2), label: "first")], help: "write 1000",
      fixIt: .init(span: file.span(9..<12), replacement: "1000"))
    let parsed = try Self.parse(DiagnosticJSON(texts: texts).array([diagnostic]))
    let expected =
      [
        [
          "code": "E032", "severity": "error", "message": "a \"whole\" number", "file": "nét.yaml", "line": 2,
          "column": 4, "endLine": 2, "endColumn": 7, "startByte": 9, "endByte": 12, "label": "tab\there",
          "notes": [
            [
              "file": "nét.yaml", "line": 1, "column": 1, "endLine": 1, "endColumn": 2, "startByte": 0,
              "endByte": 2, "label": "first",
            ] as [String: Any]
          ], "help": "write 1000",
          "fix": [
            "file": "nét.yaml", "line": 2, "column": 4, "endLine": 2, "endColumn": 7, "startByte": 9,
            "endByte": 12, "replacement": "1000",
          ] as [String: Any],
        ] as [String: Any]
      ] as NSArray
    #expect(parsed as? NSArray == expected)
  }

  @Test func absentHelpAndFixAreNull() throws {
    var texts = SourceTexts()
    let file = texts.add(label: "x", text: "a")
    let diagnostic = Diagnostic(code: "E1", message: "m", primary: file.span(0..<1), label: "")
    let parsed = try #require(
      try Self.parse(DiagnosticJSON(texts: texts).object(diagnostic)) as? [String: Any])
    #expect(parsed["help"] is NSNull)
    #expect(parsed["fix"] is NSNull)
    #expect((parsed["notes"] as? [Any])?.isEmpty == true)
  }

  @Test func everyStringSurvives() throws {
    let text =
      String(String.UnicodeScalarView((0...0x17F).compactMap { Unicode.Scalar($0) })) + "🇩🇪\u{2028}\u{FFFD}"
    let parsed = try Self.parse("[\(JSONText.string(text))]") as? [String]
    #expect(parsed == [text])
  }
}

@Suite struct DiagnosticBagTests {
  private static func diagnostic(_ code: String, file: Int, at offset: Int) -> Diagnostic {
    let span = SourceSpan(file: SourceFileID(index: file), utf8: offset..<offset + 1)
    return Diagnostic(code: code, message: "m", primary: span, label: "")
  }

  @Test func orderIsThatOfTheTexts() {
    var bag = DiagnosticBag()
    bag.add(Self.diagnostic("E5", file: 1, at: 0))
    bag.add(Self.diagnostic("E3", file: 0, at: 9))
    bag.add(Self.diagnostic("E1", file: 0, at: 2))
    bag.add(Self.diagnostic("E4", file: 0, at: 9))
    #expect(bag.inSourceOrder.map(\.code) == ["E1", "E3", "E4", "E5"])
  }

  @Test func thereIsAnEnd() {
    var bag = DiagnosticBag()
    for offset in 0..<DiagnosticBag.limit + 7 { bag.add(Self.diagnostic("E1", file: 0, at: offset)) }
    #expect(bag.diagnostics.count == DiagnosticBag.limit)
    #expect(bag.droppedCount == 7)
  }

  @Test func throwsAllAtOnceOrNothing() throws {
    var bag = DiagnosticBag()
    try bag.throwIfAny()
    bag.add(Self.diagnostic("E2", file: 0, at: 4))
    bag.add(Self.diagnostic("E1", file: 0, at: 2))
    let error = #expect(throws: CompilationFailed.self) { try bag.throwIfAny() }
    #expect(error?.diagnostics.map(\.code) == ["E1", "E2"])
  }
}
