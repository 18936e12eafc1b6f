import CompilerSupport
import Foundation
import Testing

/// Hints equal what `strata show` and `strata plan` say of the saved file.
@Suite("The language server's hints")
struct HintAgreementTests {
  private let folder: EditorFolder
  private let client: EditorClient

  init() throws {
    folder = try EditorFolder()
    client = try EditorClient(capabilities: EditorClient.capabilities, cache: folder.url)
  }

  private func words(_ hint: [String: Any]) -> (line: Int, label: String, details: String) {
    let position = hint["position"] as? [String: Int]
    return (
      position?["line"] ?? -1, hint["label"] as? String ?? "",
      (hint["tooltip"] as? [String: Any])?["value"] as? String ?? ""
    )
  }

  private func grouped(_ number: Int) -> String {
    let digits = Array(String(number))
    return digits.enumerated().map { index, digit in
      (index > 0 && (digits.count - index) % 3 == 0 ? "," : "") + String(digit)
    }.joined()
  }

  /// Holds the hints of a file against the commands' documents.
  private func compare(_ name: String, _ text: String) throws {
    let uri = try folder.write(text, name)
    client.open(uri, text)
    let hints = try client.hints(uri).map(words)
    let lenses = try client.lenses(uri)
    let network = try folder.json("show", name, "--json")
    let plan = try folder.json("plan", name, "--json")

    // Layers that are written, each with its figures.
    let details = hints.map(\.details).joined(separator: "\n")
    for layer in network["layers"] as? [[String: Any]] ?? [] {
      let layerName = layer["name"] as? String ?? ""
      if layerName == "stem", !text.contains("stem") { continue }
      let words =
        "- **\(layerName)**, module \(layer["module"] as? Int ?? 0): \(layer["input"] as? String ?? "") to "
        + "\(layer["output"] as? String ?? ""), \(grouped(layer["parameters"] as? Int ?? -1)) parameters, "
        + "\(grouped(layer["macs"] as? Int ?? -1)) MACs ("
      #expect(details.contains(words), "\(name): \(words)\n\(details)")
    }

    // The share of the peak of each line.
    var shares: [Int: Double] = [:]
    let memory = plan["memory"] as? [String: Any]
    for row in memory?["attribution"] as? [[String: Any]] ?? [] {
      guard let place = row["place"] as? String,
        let line = place.split(separator: ":").last.flatMap({ Int($0) })
      else { continue }
      shares[line - 1, default: 0] += row["share"] as? Double ?? 0
    }
    let shown = hints.filter { $0.label.hasSuffix("%") }
    #expect(Set(shown.map(\.line)) == Set(shares.keys), "\(name)")
    for hint in shown {
      let share = try #require(Double(hint.label.split(separator: " ").last?.dropLast() ?? ""))
      // The document rounds each row to a hundredth of a percent.
      #expect(abs(share / 100 - (shares[hint.line] ?? -1)) <= 0.0011, "\(name): \(hint)")
    }
    let peak = try #require(memory?["peakBytes"] as? Int)
    if let first = shown.first {
      #expect(first.details.contains(" of the peak's "))
      #expect(lenses.first?.hasPrefix("peak ") == true)
    }
    #expect(peak > 0 && lenses.count == 3, "\(name): \(lenses)")
    client.close(uri)
    client.forgetNotices()
  }

  @Test("of every spec that comes with Strata")
  func specs() throws {
    for name in EditorSpecs.names { try compare(name, try EditorSpecs.text(name)) }
  }

  @Test("of random specs")
  func randomSpecs() throws {
    let count = ProcessInfo.processInfo.environment["STRATA_EDITOR_SPECS"].flatMap { Int($0) } ?? 25
    for seed in 1...count {
      let random = RandomSpec(seed: seed)
      // As many images as the spec is drawn for: no last batch of a single one.
      let text = random.text.replacing(
        "data: {source: synthetic}",
        with: "data: {source: synthetic, limit: {train: \(random.images), test: \(random.images)}}")
      let start = text.hasPrefix("strata") ? "" : EditorSpecs.modeline
      try compare("random-\(seed).yaml", start + text)
    }
  }

  @Test("a text that is broken keeps the last hints, moved along and marked as old")
  func age() throws {
    let text = """
      strata: 1
      name: aged
      network: {family: vgg, input: 3x8x8, classes: 3, widths: [8, 16]}
      training: {epochs: 1}

      """
    let uri = folder.uri("aged.yaml")
    client.open(uri, text)
    let fresh = try client.hints(uri).map(words)
    #expect(fresh.contains { $0.label.hasPrefix("16x8x8 ") && $0.line == 2 })
    let top = ["line": 1, "character": 0]
    client.change(uri, version: 2, [["range": ["start": top, "end": top], "text": "nonsense: 1\n"]])
    let old = try client.hints(uri).map(words)
    #expect(old.map(\.label) == fresh.map { $0.label + " (old)" })
    #expect(old.map(\.line) == fresh.map { $0.line + ($0.line > 0 ? 1 : 0) })
    #expect(old.allSatisfy { $0.details.hasPrefix("as planned 1 edit ago\n") })
    #expect(try client.lenses(uri)[0].hasSuffix("(as planned 1 edit ago: the text has faults)"))
    client.change(uri, version: 3, [["text": text]])
    #expect(try client.hints(uri).map(words).map(\.label) == fresh.map(\.label))
  }

  @Test("the image in the README has these hints")
  func image() throws {
    let uri = folder.uri("digits.yaml")
    client.open(uri, try EditorSpecs.text("digits.yaml"))
    let image = try String(contentsOf: EditorSpecs.folder.appending(path: "editor.svg"), encoding: .utf8)
    // Shares of the peak depend on the machine's number of processors.
    for hint in try client.hints(uri).map(words) where !hint.label.hasSuffix("%") {
      #expect(image.contains(">\(hint.label)<"), "Tests/editor-picture.py draws it anew")
    }
  }

  @Test("switched off and on, at the start and later")
  func settings() throws {
    let off: [String: Any] = ["hints": ["shapes": false], "lens": false]
    let client = try EditorClient(capabilities: EditorClient.capabilities, options: off, cache: folder.url)
    let uri = folder.uri("switched.yaml")
    client.open(uri, try EditorSpecs.text("digits.yaml"))
    #expect(try client.hints(uri).map(words).allSatisfy { $0.label.hasSuffix("%") })
    #expect(try client.lenses(uri).isEmpty)
    client.notify(
      "workspace/didChangeConfiguration",
      ["settings": ["strata": ["hints": ["shapes": true, "memory": false], "lens": true]]])
    let hints = try client.hints(uri).map(words)
    #expect(hints.count == 3 && !hints.contains { $0.label.hasSuffix("%") })
    #expect(try client.lenses(uri).count == 3)
  }

  @Test("a budget that is met, and one that is missed, with changes that fit")
  func budgets() throws {
    func spec(_ budget: String) -> String {
      """
      strata: 1
      name: tight
      data: {source: digits}
      network: {family: vgg, widths: [64, 64]}
      training:
        batch: 512
      memory: {budget: \(budget)}

      """
    }
    let uri = folder.uri("tight.yaml")
    client.open(uri, spec("2GiB"))
    #expect(try client.lenses(uri)[0].contains("budget 2.0 GiB met"))
    client.change(uri, version: 2, [["text": spec("1MiB")]])
    #expect(try client.lenses(uri)[0].contains("budget 1.0 MiB missed"))
    let last = try client.diagnostics(uri, version: 2)
    let missed = try last.isEmpty ? client.diagnostics(uri, version: 2) : last
    #expect(missed.map { $0["source"] as? String } == ["strata plan"])
  }
}
