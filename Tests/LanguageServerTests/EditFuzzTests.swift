import Foundation
import TestSupport
import Testing

/// A day of edits, right and wrong, as fast as they go: the server answers, and says of the last text what a fresh one says.
@Suite("Random edits")
struct EditFuzzTests {
  private let folder: EditorFolder

  init() throws { folder = try EditorFolder() }

  private static let words = [
    "strata: 1\n", "name: a\n", "network:\n  family: vgg\n  widths: [8, 8]\n", "training: {}\n",
    "training:\n", "  ",
    "{", "}", "[", "]", ":", ",", "\n", "\r\n", "\r", "\"", "'", "- ", "#", "|\n", "é", "😀", "\u{2028}", "\t",
    "\u{0}",
    "epochs: 3", "batch: 64", "kind: cnn", "downsampling: {before: [2]}\n", "memory: {budget: 64MiB}\n", "64",
    "128, ",
    "stages:\n    - {blocks: 2, width: 8}\n", "family: resnet\n", "strategy: sequential\n", "&a", "*a", "!t",
    "\u{FFFD}",
  ]

  /// The text as the editor has it, in UTF-16 as the protocol counts.
  private struct Buffer {
    var units: [UInt16]

    init(_ text: String) { units = Array(text.utf16) }

    var text: String { String(decoding: units, as: UTF16.self) }

    /// A place between characters.
    func place(_ random: inout SplitMix64) -> Int {
      var place = Int.random(in: 0...units.count, using: &random)
      if place > 0, place < units.count, (0xDC00..<0xE000).contains(units[place]) { place -= 1 }
      return place
    }

    func position(_ place: Int) -> [String: Int] {
      var (line, start) = (0, 0)
      var index = 0
      while index < place {
        if units[index] == 0x0D, index + 1 < units.count, units[index + 1] == 0x0A {
          // Between the two units of a line's end there is no place: it is the end of the line.
          if index + 1 == place { return ["line": line, "character": index - start] }
          index += 1
        }
        if units[index] == 0x0A || units[index] == 0x0D { (line, start) = (line + 1, index + 1) }
        index += 1
      }
      return ["line": line, "character": place - start]
    }

    /// Where such a position is.
    func snapped(_ place: Int) -> Int {
      place > 0 && place < units.count && units[place - 1] == 0x0D && units[place] == 0x0A ? place - 1 : place
    }
  }

  private func edit(_ buffer: inout Buffer, _ random: inout SplitMix64) -> [String: Any] {
    if Int.random(in: 0..<150, using: &random) == 0 {
      let name = EditorSpecs.names[Int.random(in: 0..<EditorSpecs.names.count, using: &random)]
      let text = (try? EditorSpecs.text(name)) ?? ""
      buffer = Buffer(text)
      return ["text": text]
    }
    var start = buffer.snapped(buffer.place(&random))
    var end = start
    switch Int.random(in: 0..<4, using: &random) {
    case 0:
      end = min(buffer.units.count, start + Int.random(in: 1...20, using: &random))
      if end < buffer.units.count, (0xDC00..<0xE000).contains(buffer.units[end]) { end += 1 }
      end = max(start, buffer.snapped(end))
    case 1:
      let other = buffer.snapped(buffer.place(&random))
      if abs(other - start) < 200 { (start, end) = (min(start, other), max(start, other)) }
    case _: break
    }
    var word = Self.words[Int.random(in: 0..<Self.words.count, using: &random)]
    if start < end, Bool.random(using: &random) { word = "" }
    let range = ["start": buffer.position(start), "end": buffer.position(end)]
    buffer.units.replaceSubrange(start..<end, with: Array(word.utf16))
    return ["range": range, "text": word]
  }

  private func poke(_ client: EditorClient, _ uri: String, _ buffer: Buffer, _ random: inout SplitMix64) {
    let position = buffer.position(buffer.place(&random))
    let methods = [
      "textDocument/hover", "textDocument/completion", "textDocument/definition",
      "textDocument/documentSymbol",
      "textDocument/codeLens", "textDocument/inlayHint", "textDocument/codeAction",
    ]
    let id = client.ask(
      methods[Int.random(in: 0..<methods.count, using: &random)],
      [
        "textDocument": ["uri": uri], "position": position, "range": ["start": position, "end": position],
        "context": ["diagnostics": [] as [Any]],
      ])
    if Int.random(in: 0..<8, using: &random) == 0 { client.notify("$/cancelRequest", ["id": id]) }
  }

  /// What an editor shows of a text: faults, hints where it is sound.
  private func state(_ client: EditorClient, _ uri: String, version: Int) throws -> (
    faults: String, hints: String
  ) {
    func words(_ value: Any) throws -> String {
      String(
        decoding: try JSONSerialization.data(
          withJSONObject: value, options: [.sortedKeys, .withoutEscapingSlashes]), as: UTF8.self)
    }
    let diagnostics = try client.diagnostics(uri, version: version).filter {
      $0["source"] as? String == "strata" && $0["code"] as? String != "W005"
    }
    let faults = try words(diagnostics).replacing(uri, with: "")
    let hints = try client.hints(uri)
    return (faults, try words(hints))
  }

  @Test("no crash, no hang, and the last answer is a fresh start's")
  func edits() throws {
    let uri = folder.uri("edited.yaml")
    var client = try EditorClient(capabilities: EditorClient.capabilities, cache: folder.url)
    var buffer = Buffer(try EditorSpecs.text("digits.yaml"))
    client.open(uri, buffer.text)
    _ = try client.diagnostics(uri, version: 1)
    var (version, freshCount, soundCount) = (1, 0, 0)
    _ = try FuzzCampaign("edits", usualCount: 1000).run { seed, random in
      version += 1
      let change = edit(&buffer, &random)
      client.change(uri, version: version, [change])
      if Int.random(in: 0..<10, using: &random) == 0 { poke(client, uri, buffer, &random) }
      guard seed % 50 == 0 else { return true }
      // Texts without a spec's mark have no diagnostics.
      version += 1
      let head: [String: Any] = ["start": ["line": 0, "character": 0], "end": ["line": 0, "character": 0]]
      client.change(uri, version: version, [["range": head, "text": EditorSpecs.modeline]])
      buffer.units.insert(contentsOf: Array(EditorSpecs.modeline.utf16), at: 0)
      let found = try state(client, uri, version: version)
      let fresh = folder.uri("fresh-\(seed).yaml")
      client.open(fresh, buffer.text)
      let wanted = try state(client, fresh, version: 1)
      client.close(fresh)
      freshCount += 1
      #expect(found.faults == wanted.faults, "seed \(seed): \(buffer.text.debugDescription)")
      // A text with faults keeps what it had.
      if !found.hints.contains("(old)") {
        soundCount += 1
        #expect(found.hints == wanted.hints, "seed \(seed): \(buffer.text.debugDescription)")
      }
      client.forgetNotices()
      if seed % 500 == 0 {
        #expect(try client.end() == 0)
        client = try EditorClient(capabilities: EditorClient.capabilities, cache: folder.url)
        buffer = Buffer(try EditorSpecs.text(EditorSpecs.names[Int(seed / 500) % EditorSpecs.names.count]))
        version = 1
        client.open(uri, buffer.text)
        _ = try client.diagnostics(uri, version: 1)
      }
      return true
    }
    #expect(freshCount > 0)
    #expect(try client.end() == 0)
  }
}
