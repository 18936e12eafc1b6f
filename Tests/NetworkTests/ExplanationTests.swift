import Diagnostics
import Foundation
import Pipeline
import SpecLanguage
import Testing

@Suite("Explanations of codes")
struct ExplanationTests {
  /// The codes that any source of any target gives a diagnostic; files of explanations aside.
  private static func codesInSources() throws -> Set<String> {
    let sources = SpecFolder.repository.appendingPathComponent("Sources")
    let files = try #require(FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil))
    var codes: Set<String> = []
    for case let file as URL in files
    where file.pathExtension == "swift" && !file.lastPathComponent.contains("Explanations") {
      let text = try String(contentsOf: file, encoding: .utf8)
      for match in text.matches(of: /"([EW][0-9]{3})"/) { codes.insert(String(match.1)) }
    }
    return codes
  }

  @Test("are there for every code, once, rising")
  func everyCode() throws {
    let explained = allExplanations.map(\.code)
    #expect(explained == Set(explained).sorted())
    #expect(Set(explained) == (try Self.codesInSources()))
    #expect(explained.count > 40)
  }

  /// Of files of weights: without the file their examples are specs whose weights are not at hand.
  private static let codesOfFiles = ["E132", "E160", "E161"]

  @Test("have examples that are true", arguments: allExplanations.filter { $0.code.hasPrefix("E1") })
  func examples(explanation: CodeExplanation) throws {
    let isOfFile = Self.codesOfFiles.contains(explanation.code)
    #expect(try codes(explanation.bad) == [isOfFile ? "E132" : explanation.code])
    #expect(try codes(explanation.good) == [])
  }

  @Test(
    "are found by looking at the spec, before its plan is made",
    arguments: allExplanations.filter { $0.code.hasPrefix("E1") })
  func check(explanation: CodeExplanation) {
    // Weights that are not there are no fault of the spec alone.
    let expected = Self.codesOfFiles.contains(explanation.code) ? [] : [explanation.code]
    #expect(CheckedText(completed(explanation.bad)).codes == expected)
  }

  @Test(
    "have examples of warnings that are true",
    arguments: allExplanations.filter { $0.code.hasPrefix("W") && !$0.bad.hasPrefix("strata ") })
  func warned(explanation: CodeExplanation) {
    let (bad, good) = (CheckedText(completed(explanation.bad)), CheckedText(completed(explanation.good)))
    #expect(bad.codes == [] && bad.warnings == [explanation.code])
    #expect(good.codes == [] && good.warnings == [])
  }

  /// Faults of a fragment, completed with the keys that every spec needs.
  private func codes(_ fragment: String) throws -> [String] {
    let checked = CheckedText(completed(fragment))
    guard checked.codes.isEmpty else { return checked.codes }
    do {
      _ = try checked.plan()
      return []
    } catch let error as CompilationFailed {
      return error.diagnostics.map(\.code)
    }
  }

  private func completed(_ fragment: String) -> String {
    let needed = [
      "strata: 1", "name: test", "network: {family: vgg, widths: [8, 8, 8, 8]}", "training: {epochs: 1}",
    ]
    let written = fragment.split(separator: "\n").compactMap { $0.split(separator: ":").first }
    let missing = needed.filter { line in !written.contains { line.hasPrefix($0 + ":") } }
    return (missing + [fragment]).joined(separator: "\n") + "\n"
  }
}
