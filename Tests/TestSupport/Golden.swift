import Foundation
import Testing

/// Expects `text` to equal the recorded file `Goldens/NAME` beside the calling test file.
///
/// On a difference the first differing line is shown, with what was expected and what came. With `UPDATE_GOLDENS=1` in
/// the environment the file is rewritten and the test fails all the same, so recording never passes as checking.
package func expectGolden(
  _ text: String, _ name: String, testFile: String = #filePath,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let folder = URL(fileURLWithPath: testFile).deletingLastPathComponent().appendingPathComponent("Goldens")
  let update = ProcessInfo.processInfo.environment["UPDATE_GOLDENS"] == "1"
  if let failure = compareWithGolden(text, name: name, folder: folder, update: update) {
    Issue.record(Comment(rawValue: failure), sourceLocation: sourceLocation)
  }
}

/// What `expectGolden` does, as a function: nil when the texts agree and nothing was to be recorded.
package func compareWithGolden(_ text: String, name: String, folder: URL, update: Bool) -> String? {
  let file = folder.appendingPathComponent(name)
  if update {
    do {
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file, options: .atomic)
    } catch {
      return "golden \(name) could not be recorded: \(error)"
    }
    return "golden \(name) recorded; run again without UPDATE_GOLDENS to check it"
  }
  guard let data = try? Data(contentsOf: file) else {
    return "golden \(name) does not exist; UPDATE_GOLDENS=1 records it. The text is:\n\(text)"
  }
  let expected = String(decoding: data, as: UTF8.self)
  return firstDifference(expected: expected, actual: text).map { "golden \(name) differs at \($0)" }
}

/// The first line in which two texts differ, worded for a person; nil when they are equal.
package func firstDifference(expected: String, actual: String) -> String? {
  if expected.utf8.elementsEqual(actual.utf8) { return nil }
  let expectedLines = lines(of: expected)
  let actualLines = lines(of: actual)
  for index in 0..<max(expectedLines.count, actualLines.count) {
    let expectedLine = index < expectedLines.count ? expectedLines[index] : nil
    let actualLine = index < actualLines.count ? actualLines[index] : nil
    if let expectedLine, let actualLine, expectedLine.utf8.elementsEqual(actualLine.utf8) { continue }
    return """
      line \(index + 1):
        expected: \(expectedLine.map { "|\($0)|" } ?? "end of text")
        actual:   \(actualLine.map { "|\($0)|" } ?? "end of text")
      """
  }
  return nil
}

/// Split at bytes 10 alone: Swift's own idea of a character would take a carriage return and a line feed as one.
private func lines(of text: String) -> [String] {
  text.utf8.split(separator: 10, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
}
