import Foundation
import Testing

/// Hover, completion, symbols, definitions, quick fixes and commands.
@Suite("The language server's words")
struct WordTests {
  private let folder: EditorFolder
  private let client: EditorClient

  init() throws {
    folder = try EditorFolder()
    client = try EditorClient(capabilities: EditorClient.capabilities, cache: folder.url)
  }

  /// Opens a text whose cursor is marked by `^`.
  private func open(_ marked: String, _ name: String = "net.yaml") throws -> (
    uri: String, position: [String: Int]
  ) {
    let parts = marked.split(separator: "^", maxSplits: 1, omittingEmptySubsequences: false)
    let text = parts.joined()
    let uri = folder.uri(name)
    client.open(uri, text)
    return (uri, utf16Position(text, byte: parts[0].utf8.count))
  }

  private func completions(_ marked: String) throws -> [[String: Any]] {
    let (uri, position) = try open(marked)
    let list = try client.result("textDocument/completion", uri, ["position": position]) as? [String: Any]
    return list?["items"] as? [[String: Any]] ?? []
  }

  private func labels(_ marked: String) throws -> [String] {
    try completions(marked).compactMap { $0["label"] as? String }
  }

  private func newText(_ item: [String: Any]?) -> String? {
    (item?["textEdit"] as? [String: Any])?["newText"] as? String
  }

  private func hover(_ marked: String) throws -> String {
    let (uri, position) = try open(marked)
    let hover = try client.result("textDocument/hover", uri, ["position": position]) as? [String: Any]
    return (hover?["contents"] as? [String: Any])?["value"] as? String ?? ""
  }

  // MARK: - Completion

  @Test("keys that are legal and not there yet, wherever they are typed")
  func keys() throws {
    let head = "strata: 1\nname: a\n"
    let top = try labels(head + "^")
    #expect(top.contains("network") && top.contains("training") && !top.contains("name"))
    #expect(try labels(head + "tr^\nnetwork: {}\n").contains("training"))
    #expect(try !labels(head + "tr^\nnetwork: {}\n").contains("network"))
    #expect(try labels("\(head)training:\n  ^\n  epochs: 3\n").contains("batch"))
    #expect(try !labels("\(head)training:\n  ^\n  epochs: 3\n").contains("epochs"))
    #expect(try labels("\(head)training: {epochs: 3, ^}\n").contains("batch"))
    #expect(try labels("\(head)training: {epochs: 3, ba^\nnetwork: {}\n").contains("batch"))
    // Keys of a kind.
    let vgg = try labels("\(head)network: {family: vgg, ^}\n")
    #expect(vgg.contains("widths") && !vgg.contains("stages"))
    let resnet = try labels("\(head)network:\n  ^\n  family: resnet\n")
    #expect(resnet.contains("stages") && !resnet.contains("widths"))
    let adam = try labels("\(head)training: {optimizer: {kind: adam, ^}}\n")
    #expect(adam.contains("beta1") && !adam.contains("momentum"))
    #expect(try labels("\(head)training: {optimizer: {^}}\n").contains("momentum"))
    // One of two that exclude each other.
    #expect(try !labels("\(head)downsampling: {before: [2], ^}\n").contains("schedule"))
    // Entries of lists.
    #expect(try labels("\(head)network:\n  stages:\n    - ^\n").contains("blocks"))
    #expect(try labels("\(head)network:\n  stages:\n    - blocks: 1\n      ^\n").contains("width"))
    #expect(try labels("\(head)network:\n  stages:\n  - {blocks: 1, ^}\n").contains("width"))
    // Entries take the section's kind.
    let entry = try labels("\(head)auxiliary:\n  kind: cnn\n  overrides:\n    - module: 1\n      ^\n")
    #expect(entry.contains("k") && !entry.contains("hidden"))
    // In a comment there is nothing.
    #expect(try labels("\(head)# ^\n").isEmpty)
  }

  @Test("values, with their documentation")
  func values() throws {
    let head = "strata: 1\nname: a\n"
    #expect(
      try labels("\(head)training:\n  strategy: ^\n") == [
        "sequential", "parallel", "asynchronous", "end-to-end",
      ])
    #expect(try labels("\(head)training: {strategy: par^, epochs: 1}\n").contains("parallel"))
    #expect(try labels("\(head)training: {drop-last: ^}\n") == ["true", "false"])
    #expect(try labels("\(head)training:\n  schedule: ^\n").contains("cosine"))
    let item = try completions("\(head)training:\n  strategy: par^\n").first {
      $0["label"] as? String == "parallel"
    }
    let documentation = (item?["documentation"] as? [String: Any])?["value"] as? String
    #expect(documentation?.contains("`training.strategy`") == true)
  }

  @Test("snippets for sections, and plain words for editors without them")
  func snippets() throws {
    let head = "strata: 1\nname: a\n"
    let block = try completions("\(head)training:\n  opt^\n").first { $0["label"] as? String == "optimizer" }
    #expect(newText(block) == "optimizer:\n    kind: ${1|sgd,adam,adamw|}")
    let flow = try completions("\(head)training: {opt^}\n").first { $0["label"] as? String == "optimizer" }
    #expect(newText(flow) == "optimizer: {kind: ${1|sgd,adam,adamw|}}")
    // A key that has its colon is written over.
    let (uri, position) = try open("\(head)trai^ning: {}\n")
    let list = try client.result("textDocument/completion", uri, ["position": position]) as? [String: Any]
    let renamed = (list?["items"] as? [[String: Any]])?.first { $0["label"] as? String == "network" }
    #expect(newText(renamed) == "network")
    let plain = try EditorClient(capabilities: [:], cache: folder.url)
    plain.open(uri, "\(head)training:\n  opt\n")
    let end: [String: Any] = ["position": ["line": 3, "character": 5]]
    let items = (try plain.result("textDocument/completion", uri, end) as? [String: Any])?["items"]
    #expect(
      newText((items as? [[String: Any]])?.first { $0["label"] as? String == "optimizer" }) == "optimizer: ")
  }

  @Test("templates in an empty file, each of them sound")
  func templates() throws {
    for empty in ["", "\n\n", "# a comment\n"] {
      let items = try completions("^" + empty)
      #expect(
        items.map { $0["label"] as? String } == ["minimal", "digits", "vgg-greedy", "vgg-dgl", "resnet-dgl"])
      #expect(newText(items[0]) == String(decoding: try folder.strata("new", "minimal"), as: UTF8.self))
    }
    #expect(try labels("a: 1\n^").isEmpty)
  }

  @Test("runs and weights for network.from, folders for data.path")
  func paths() throws {
    for name in ["runs/first-1", "runs/second-1", "data/cifar"] {
      try FileManager.default.createDirectory(
        at: folder.url.appending(path: name), withIntermediateDirectories: true)
    }
    try folder.write("", "weights.safetensors")
    let head = "strata: 1\nname: a\n"
    let offered = try labels("\(head)network: {family: vgg, from: ^}\n")
    #expect(offered.contains("runs/first-1") && offered.contains("weights.safetensors"))
    #expect(try labels("\(head)network: {from: runs/se^}\n").contains("runs/second-1"))
    #expect(try labels("\(head)data: {path: data/^}\n") == ["data/cifar"])
  }

  // MARK: - Hover

  @Test("a key's meaning, default, unit and source, and a value with its origin")
  func hovers() throws {
    let text =
      "strata: 1\nname: a\ndata: {source: digits}\nnetwork: {family: vgg, widths: [8, 8]}\ntraining:\n"
    let batch = try hover(text + "  ba^tch: 32\n")
    for words in [
      "`training.batch`: ", "- default: `128`", "- unit: ", "- source: ", "`training.batch: 32` (net.yaml:6)",
    ] {
      #expect(batch.contains(words), "\(words): \(batch)")
    }
    #expect(try hover(text + "  batch: 3^2\n").contains("`training.batch: 32` (net.yaml:6)"))
    // Of a default there is no line.
    #expect(try hover("# \(EditorSpecs.modeline)x: ^1\n").isEmpty)
    // Broken texts have keys, too.
    #expect(try hover(text + "  batch: [\n  epo^chs: 3\n").contains("`training.epochs`"))
    let (uri, position) = try open(text + "  strat^egy: parallel\n")
    _ = try client.hints(uri)
    let strategy = try client.result("textDocument/hover", uri, ["position": position]) as? [String: Any]
    let words = (strategy?["contents"] as? [String: Any])?["value"] as? String ?? ""
    #expect(words.contains("comparison, same network, batch and data") && words.contains("end-to-end"))
    #expect(
      try hover(
        "strata: 1\nname: a\ndata: {sour^ce: digits}\n"
          + text.split(separator: "\n").dropFirst(3).joined(separator: "\n") + " {}\n"
      ).contains("1,437 training and 360 test images"))
  }

  // MARK: - Symbols and definitions

  @Test("sections, modules and layers")
  func symbols() throws {
    let uri = folder.uri("digits.yaml")
    client.open(uri, try EditorSpecs.text("digits.yaml"))
    let symbols = try client.result("textDocument/documentSymbol", uri) as? [[String: Any]] ?? []
    #expect(symbols.compactMap { $0["name"] as? String }.contains("network"))
    let network = symbols.first { $0["name"] as? String == "network" }
    let children = network?["children"] as? [[String: Any]] ?? []
    let modules = children.filter { $0["kind"] as? Int == 2 }
    #expect(modules.map { $0["name"] as? String } == ["module 1", "module 2", "module 3"])
    let layer = (modules.last?["children"] as? [[String: Any]])?.first
    #expect(layer?["name"] as? String == "layer 3")
    #expect((layer?["detail"] as? String)?.hasPrefix("96x4x4, ") == true)
    let flat = try EditorClient(capabilities: [:], cache: folder.url)
    flat.open(uri, try EditorSpecs.text("digits.yaml"))
    let list = try flat.result("textDocument/documentSymbol", uri) as? [[String: Any]] ?? []
    #expect(list.contains { $0["containerName"] as? String == "module 3" && $0["location"] != nil })
  }

  @Test("the way to the run that network.from names")
  func definition() throws {
    let run = folder.url.appending(path: "runs/first-1")
    try FileManager.default.createDirectory(at: run, withIntermediateDirectories: true)
    try Data("strata: 1\n".utf8).write(to: run.appending(path: "spec.yaml"))
    let (uri, position) = try open("strata: 1\nname: a\nnetwork: {family: vgg, from: runs/fir^st-1}\n")
    let place = try client.result("textDocument/definition", uri, ["position": position]) as? [String: Any]
    #expect((place?["uri"] as? String)?.hasSuffix("/runs/first-1/spec.yaml") == true)
    let (other, elsewhere) = try open("strata: 1\nna^me: a\nnetwork: {from: runs/none}\n")
    #expect(try client.result("textDocument/definition", other, ["position": elsewhere]) is NSNull)
  }

  // MARK: - Quick fixes and commands

  private func fixes(_ uri: String, _ position: [String: Int]) throws -> [[String: Any]] {
    try client.result(
      "textDocument/codeAction", uri,
      ["range": ["start": position, "end": position], "context": ["diagnostics": [] as [Any]]])
      as? [[String: Any]] ?? []
  }

  /// The text with a fix's edits in it; ASCII alone.
  private func applied(_ fix: [String: Any], _ uri: String, to text: String) throws -> String {
    let changes = (fix["edit"] as? [String: Any])?["changes"] as? [String: Any]
    let edits = try #require(changes?[uri] as? [[String: Any]])
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    for edit in edits.reversed() {
      let range = try #require(edit["range"] as? [String: [String: Int]])
      func place(_ key: String) -> (Int, Int) { (range[key]?["line"] ?? 0, range[key]?["character"] ?? 0) }
      let ((firstLine, first), (lastLine, last)) = (place("start"), place("end"))
      let joined =
        lines[firstLine].prefix(first) + (edit["newText"] as? String ?? "") + lines[lastLine].dropFirst(last)
      lines.replaceSubrange(firstLine...lastLine, with: [String(joined)])
    }
    return lines.joined(separator: "\n")
  }

  @Test(
    "fixes of the compiler's, each of which leaves a spec without that fault",
    arguments: [
      ("strata: 1\nname: a\nnetwork: {family: vgg, widths: [8]}\ntraining: {epo^hcs: 1}\n", "epochs"),
      (
        "strata: 1\nname: a\nnetwork: {family: vgg, widths: [8]}\ntraining: {}\nmemory: {budget: 512^MB}\n",
        "512MiB"
      ),
      (
        "strata: 1\nname: a\nnetwork: {family: vgg, input: 3x7x7, widths: [8, 8]}\n"
          + "downsampling: {kind: invert^ible, before: [1]}\ntraining: {}\n", "stride"
      ),
    ])
  func compilerFixes(marked: String, word: String) throws {
    let (uri, position) = try open(marked)
    let fix = try #require(try fixes(uri, position).first)
    #expect((fix["title"] as? String)?.contains("'\(word)'") == true)
    client.change(uri, version: 2, [["text": try applied(fix, uri, to: marked.replacing("^", with: ""))]])
    #expect(try client.diagnostics(uri, version: 2).isEmpty)
  }

  @Test("changes that make a plan fit its budget, each of them planned")
  func budgetFixes() throws {
    let text = """
      strata: 1
      name: tight
      data: {source: digits}
      network: {family: vgg, widths: [256, 256, 256]}
      training:
        batch: 512
        strategy: end-to-end
      memory:
        budget: 34MiB

      """
    let (uri, position) = try open(text.replacing("34MiB", with: "34^MiB"))
    #expect(try client.lenses(uri)[0].contains("missed"))
    let found = try fixes(uri, position)
    #expect(!found.isEmpty)
    for (index, fix) in found.enumerated() {
      let name = "fixed-\(index).yaml"
      let mended = try applied(fix, uri, to: text)
      #expect((fix["title"] as? String)?.contains("(peak ") == true)
      try folder.write(mended, name)
      let plan = try folder.json("plan", name, "--json")
      #expect((plan["memory"] as? [String: Any])?["peakBytes"] is Int, "\(mended)\n\(plan)")
    }
  }

  @Test("the plan's page, and the line that runs the spec")
  func commands() throws {
    let uri = folder.uri("digits.yaml")
    client.open(uri, try EditorSpecs.text("digits.yaml"))
    let page = try client.request(
      "workspace/executeCommand", ["command": "strata.planPage", "arguments": [uri]])
    let place = (page["result"] as? [String: Any])?["uri"] as? String
    let text = try String(contentsOf: try #require(URL(string: place ?? "")), encoding: .utf8)
    #expect(text.contains("Who holds the peak"))
    let run = try client.request(
      "workspace/executeCommand", ["command": "strata.runCommand", "arguments": [uri]])
    #expect(
      ((run["result"] as? [String: Any])?["command"] as? String)?.hasPrefix("strata run ") == true)
    for command in ["strata.planPage", "strata.other"] {
      let answer = try client.request(
        "workspace/executeCommand",
        ["command": command, "arguments": command == "strata.other" ? [uri] : ["file:///x"]])
      #expect(answer["error"] != nil)
    }
  }
}
