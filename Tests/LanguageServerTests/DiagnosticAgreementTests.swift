import CompilerSupport
import Foundation
import Testing

/// Diagnostics as `strata check` gives them, at the right UTF-16 places.
@Suite("The language server's diagnostics")
struct DiagnosticAgreementTests {
  private let folder: EditorFolder
  private let client: EditorClient

  init() throws {
    folder = try EditorFolder()
    client = try EditorClient(capabilities: EditorClient.capabilities, cache: folder.url)
  }

  /// What decides: code, severity, both ends, message, and the places of notes.
  private struct Finding: Hashable, CustomStringConvertible {
    var code, message: String
    var severity: Int
    var start, end: [String: Int]
    var notes: [[String: Int]]
    var description: String {
      let places = ([start, end] + notes).map { "\($0["line"] ?? -1):\($0["character"] ?? -1)" }
      return "\(code) \(places.joined(separator: " ")) \(message)"
    }
  }

  /// Of one command for all files: by file name.
  private func checked(_ names: [String]) throws -> [String: [Finding]] {
    let report = try #require(
      try JSONSerialization.jsonObject(with: try folder.strata(["check", "--json"] + names)) as? [String: Any]
    )
    var findings: [String: [Finding]] = [:]
    for object in report["diagnostics"] as? [[String: Any]] ?? [] {
      // A warning of the plan's memory has no place, and depends on the machine.
      guard let file = object["file"] as? String else { continue }
      let text = String(decoding: try Data(contentsOf: folder.url.appending(path: file)), as: UTF8.self)
      func place(_ object: [String: Any], _ key: String) throws -> [String: Int] {
        utf16Position(text, byte: try #require(object[key] as? Int))
      }
      findings[file, default: []].append(
        Finding(
          code: object["code"] as? String ?? "", message: object["message"] as? String ?? "",
          severity: object["severity"] as? String == "error" ? 1 : 2, start: try place(object, "startByte"),
          end: try place(object, "endByte"),
          notes: try (object["notes"] as? [[String: Any]] ?? []).map { try place($0, "startByte") }))
    }
    return findings
  }

  private func findings(_ diagnostics: [[String: Any]]) -> [Finding] {
    diagnostics.compactMap { diagnostic in
      guard diagnostic["source"] as? String == "strata", let code = diagnostic["code"] as? String,
        code != "W005",
        let range = diagnostic["range"] as? [String: [String: Int]]
      else { return nil }
      let notes = diagnostic["relatedInformation"] as? [[String: Any]] ?? []
      return Finding(
        code: code,
        message: String((diagnostic["message"] as? String ?? "").split(separator: "\n")[0]),
        severity: diagnostic["severity"] as? Int ?? 0, start: range["start"] ?? [:], end: range["end"] ?? [:],
        notes: notes.compactMap {
          (($0["location"] as? [String: Any])?["range"] as? [String: [String: Int]])?["start"]
        })
    }
  }

  private func expectSame(_ found: [Finding], _ wanted: [Finding], _ comment: String) {
    func sorted(_ findings: [Finding]) -> [Finding] { findings.sorted { $0.description < $1.description } }
    let (found, wanted) = (sorted(found), sorted(wanted))
    #expect(found.count == wanted.count, "\(comment): \(found) instead of \(wanted)")
    for (one, other) in zip(found, wanted) {
      var shortened = one
      // The label is behind the message.
      if one.message.hasPrefix(other.message) { shortened.message = other.message }
      #expect(shortened == other, "\(comment)")
    }
  }

  /// Types a text behind what is there, a character a message.
  private func type(_ text: String, into uri: String, behind start: String, version: inout Int) {
    var written = start
    for character in text {
      let place = utf16Position(written, byte: written.utf8.count)
      version += 1
      client.change(
        uri, version: version, [["range": ["start": place, "end": place], "text": String(character)]])
      written.append(character)
    }
  }

  @Test("every faulty spec, typed character by character")
  func faultySpecs() throws {
    let own = [
      BadSpec("E021", "# 😀𝒳\ntraining: {⟦é😀rate⟧: 1}\n"), BadSpec("E036", "name: ⟦\"𝒳 naïve\"⟧\n"),
      BadSpec("E021", "\"strata\": 1\r\ntraining: {epochs: 1, ⟦epohcs⟧: 2}\r\n"),
    ]
    var texts: [String: String] = [:]
    for (index, bad) in (badTexts + badKeys + badValues + badRelations + own).enumerated() {
      let name = "bad\(index).yaml"
      texts[name] = EditorSpecs.modeline + bad.marked.text
      try folder.write(texts[name] ?? "", name)
    }
    let names = texts.keys.sorted()
    let wanted = try checked(names)
    for name in names {
      let text = try #require(texts[name])
      let uri = folder.uri(name)
      var version = 1
      client.open(uri, EditorSpecs.modeline)
      type(
        String(text.dropFirst(EditorSpecs.modeline.count)), into: uri, behind: EditorSpecs.modeline,
        version: &version)
      let found = findings(try client.diagnostics(uri, version: version))
      #expect(!found.isEmpty, "\(text.debugDescription)")
      expectSame(found, wanted[name] ?? [], text.debugDescription)
      client.close(uri)
      client.forgetNotices()
    }
    #expect(try client.end() == 0)
  }

  @Test("every spec that comes with Strata, and with faults typed into it")
  func specs() throws {
    let faults = "\ndownsmpling: 1\nmemory: {budget: 2GB, featurs: auto}\n"
    for name in EditorSpecs.names {
      try folder.write(try EditorSpecs.text(name), name)
      try folder.write(try EditorSpecs.text(name) + faults, "bad-\(name)")
    }
    let wanted = try checked(EditorSpecs.names + EditorSpecs.names.map { "bad-\($0)" })
    for name in EditorSpecs.names {
      let text = try EditorSpecs.text(name)
      let uri = folder.uri(name)
      client.open(uri, text)
      expectSame(findings(try client.diagnostics(uri, version: 1)), wanted[name] ?? [], name)
      var version = 1
      type(faults, into: uri, behind: text, version: &version)
      let found = findings(try client.diagnostics(uri, version: version))
      #expect(found.count { $0.severity == 1 } >= 2, "\(name): \(found)")
      expectSame(found, wanted["bad-\(name)"] ?? [], name)
      client.close(uri)
      client.forgetNotices()
    }
  }

  @Test("both lines of a shape fault, its explanation, and help")
  func details() throws {
    let uri = folder.uri("odd.yaml")
    client.open(
      uri,
      """
      strata: 1
      name: odd
      network: {family: vgg, input: 3x12x12, widths: [8, 8, 8]}
      downsampling: {kind: invertible, before: [1, 2, 3]}
      training: {}

      """)
    let diagnostic = try #require(try client.diagnostics(uri, version: 1).first)
    #expect(diagnostic["code"] as? String == "E101")
    let related = try #require(diagnostic["relatedInformation"] as? [[String: Any]])
    let lines = related.compactMap { note -> Int? in
      (((note["location"] as? [String: Any])?["range"] as? [String: Any])?["start"] as? [String: Int])?[
        "line"]
    }
    #expect(Set(lines) == [2, 3])
    #expect((diagnostic["message"] as? String)?.contains("\nhelp: ") == true)
    let href = try #require((diagnostic["codeDescription"] as? [String: Any])?["href"] as? String)
    let explanation = try String(contentsOf: try #require(URL(string: href)), encoding: .utf8)
    #expect(explanation == String(decoding: try folder.strata("explain", "E101"), as: UTF8.self))
  }

  @Test("an editor that counts bytes")
  func bytes() throws {
    let client = try EditorClient(
      capabilities: ["general": ["positionEncodings": ["utf-16", "utf-8"]]], cache: folder.url)
    let uri = folder.uri("bytes.yaml")
    client.open(uri, "strata: 1\nname: x\ntraining: {😀é: 1, ab: 2}\n")
    // Behind the emoji, four bytes long, and the other one, two.
    let place = ["line": 2, "character": 17]
    client.change(uri, version: 2, [["range": ["start": place, "end": place], "text": "ü"]])
    let starts = try client.diagnostics(uri, version: 2).compactMap {
      ($0["range"] as? [String: [String: Int]])?["end"]?["character"]
    }
    #expect(starts.contains(19))
  }
}
