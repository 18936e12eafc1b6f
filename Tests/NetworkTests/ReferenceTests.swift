import Foundation
import SpecLanguage
import TestSupport
import Testing

/// `specs/README.md` is written by hand, but for the table of keys; here it is held against the program.
@Suite("The language's reference")
struct ReferenceTests {
  private static let begin = "<!-- keys: strata's own table, held by a test -->\n"
  private static let end = "<!-- end of keys -->\n"

  private let text: String

  init() throws {
    text = try String(contentsOf: SpecFolder.url.appendingPathComponent("README.md"), encoding: .utf8)
  }

  private func section(_ title: String) throws -> Substring {
    let start = try #require(text.range(of: "\n## \(title)\n"))
    let rest = text[start.upperBound...]
    return rest[..<(rest.range(of: "\n## ")?.lowerBound ?? rest.endIndex)]
  }

  @Test("has the table of keys that specs are read by; UPDATE_GOLDENS=1 puts it in")
  func keyTable() throws {
    let start = try #require(text.range(of: Self.begin)?.upperBound)
    let end = try #require(text.range(of: Self.end)?.lowerBound)
    if ProcessInfo.processInfo.environment["UPDATE_GOLDENS"] == "1" {
      let updated = text[..<start] + referenceTable() + text[end...]
      try Data(String(updated).utf8).write(to: SpecFolder.url.appendingPathComponent("README.md"))
      Issue.record("the table was put in; run again without UPDATE_GOLDENS to check it")
      return
    }
    let difference = firstDifference(expected: referenceTable(), actual: String(text[start..<end]))
    #expect(difference == nil, "\(difference ?? "")")
  }

  @Test("names the source of every key's idea")
  func sources() throws {
    let sources = try section("Sources")
    for row in referenceTable().split(separator: "\n").dropFirst(2) {
      let cell = try #require(row.split(separator: "|").last).trimmingCharacters(in: .whitespaces)
      for source in cell.split(separator: ", ") where source != "our reading" {
        let name = source == "PyTorch 1.1" ? "PyTorch" : source
        #expect(sources.contains("\n| \(name) | "), "\(row)")
      }
    }
  }

  @Test("lists every spec of the folder, and no other")
  func specs() throws {
    let listed = try section("The specs in this folder").matches(of: /\[([a-z0-9-]+)\]\(\1\.yaml\)/)
    #expect(listed.map { String($0.1) }.sorted() == SpecFolder.names)
  }

  @Test("has examples that are specs")
  func examples() throws {
    let blocks = text.components(separatedBy: "```yaml\n").dropFirst()
      .compactMap { $0.components(separatedBy: "```").first }
    #expect(!blocks.isEmpty)
    for block in blocks { #expect(CheckedText(block).codes == []) }
  }

  @Test("names what is refused, and nothing else")
  func unsupported() throws {
    let refused = DataSource.allCases.map { "source: \($0.rawValue)" }.filter { source in
      let text = """
        strata: 1
        name: net
        data: {\(source), path: there}
        network: {family: vgg, input: 3x32x32, classes: 10, widths: [8]}
        training: {}

        """
      return CheckedText(text).codes.contains("E090")
    }
    let named = Set(try section("Not supported yet").matches(of: /`([^`]+)`/).map { String($0.1) })
    #expect(Set(refused) == named)
  }
}
