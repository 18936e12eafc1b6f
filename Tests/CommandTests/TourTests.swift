import Foundation
import Testing

@Suite("The README's tour")
struct TourTests {
  private static let repository = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../..").standardizedFileURL

  /// The command lines, in order, without their comments; what needs an interrupted run aside.
  private static func lines() throws -> [[String]] {
    let text = try String(contentsOf: repository.appending(path: "README.md"), encoding: .utf8)
    let tour = try #require(text.components(separatedBy: "\n## A short tour\n").dropFirst().first)
    let block = try #require(tour.components(separatedBy: "```").dropFirst().first)
    let section = try #require(tour.components(separatedBy: "\n##").first)
    let behind = try #require(section.components(separatedBy: "```").dropFirst(2).first)
    let inline = behind.matches(of: /`(strata [^`]+)`/).map { String($0.1) }
    let lines = block.split(separator: "\n").map { String($0) } + inline
    return lines.filter { !$0.contains("^C") }.map { line in
      line.split(separator: "#")[0].split(separator: " ").map { String($0) }
    }
  }

  @Test("goes through, line by line")
  func goesThrough() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "strata-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let specs = Self.repository.appending(path: "specs")
    try FileManager.default.createSymbolicLink(at: folder.appending(path: "specs"), withDestinationURL: specs)
    let names = try FileManager.default.contentsOfDirectory(atPath: specs.path).sorted()

    let lines = try Self.lines()
    #expect(lines.count >= 17)
    for line in lines {
      #expect(line[0] == "strata")
      let arguments = line.dropFirst().flatMap { word in
        word == "specs/*.yaml" ? names.filter { $0.hasSuffix(".yaml") }.map { "specs/\($0)" } : [word]
      }
      let result = try StrataProcess(arguments, environment: ["XDG_CACHE_HOME": folder.path], in: folder)
      #expect(result.exitCode == 0, "\(line.joined(separator: " ")): \(result.diagnostics)")
      #expect(!result.output.isEmpty)
    }
  }
}
