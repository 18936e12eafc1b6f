import Foundation
import TestSupport
import Testing

@Suite struct GoldenTests {
  private let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("strata-golden-\(ProcessInfo.processInfo.globallyUniqueString)")

  @Test func equalTextsHaveNoDifference() {
    #expect(firstDifference(expected: "a\nb\n", actual: "a\nb\n") == nil)
  }

  @Test(arguments: [
    ("a\nb\nc", "a\nx\nc", "line 2:\n  expected: |b|\n  actual:   |x|"),
    ("a\n", "a", "line 2:\n  expected: ||\n  actual:   end of text"),
    ("a", "a\nb", "line 2:\n  expected: end of text\n  actual:   |b|"),
    ("é", "e\u{301}", "line 1:\n  expected: |é|\n  actual:   |e\u{301}|"),  // equal as strings, not as bytes
    ("a\r\nb", "a\r\nc", "line 2:\n  expected: |b|\n  actual:   |c|"),
  ])
  func firstDifferingLineIsNamed(expected: String, actual: String, difference: String) throws {
    let found = try #require(firstDifference(expected: expected, actual: actual))
    #expect(found.utf8.elementsEqual(difference.utf8))
  }

  @Test func recordingFailsAndComparingThenPasses() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let missing = try #require(compareWithGolden("one\n", name: "a.txt", folder: folder, update: false))
    #expect(missing.contains("does not exist"))
    let recorded = try #require(compareWithGolden("one\n", name: "a.txt", folder: folder, update: true))
    #expect(recorded.contains("recorded"))
    #expect(compareWithGolden("one\n", name: "a.txt", folder: folder, update: false) == nil)
    let differing = try #require(compareWithGolden("two\n", name: "a.txt", folder: folder, update: false))
    #expect(differing.contains("line 1") && differing.contains("|one|") && differing.contains("|two|"))
  }

  @Test func differenceBecomesAnIssueOfTheCallingTest() {
    defer { try? FileManager.default.removeItem(at: folder) }
    withKnownIssue {
      expectGolden("text", "a.txt", testFile: folder.appendingPathComponent("Tests.swift").path)
    } matching: {
      $0.comments.contains { $0.rawValue.contains("does not exist") || $0.rawValue.contains("recorded") }
    }
  }
}
