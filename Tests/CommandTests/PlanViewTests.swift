import Foundation
import Testing

@Suite("Looking at plans")
struct PlanViewTests {
  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try workspace.write(digitsSpec, to: "net.yaml")
  }

  private func json(_ arguments: String...) throws -> [String: Any] {
    let result = try StrataProcess(arguments + ["--json"], in: workspace.url)
    #expect(result.exitCode == 0, "\(result.diagnostics)")
    return try #require(
      try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
  }

  @Test("what is live at the peak adds up to the plan's figures, for a spec and for its plan")
  func peak() throws {
    #expect(try workspace.strata("plan", "net.yaml", "-o", "net.plan.json").exitCode == 0)
    let plan = try json("show", "net.plan.json")
    let memory = try #require(plan["memory"] as? [String: Any])
    for path in ["net.yaml", "net.plan.json"] {
      let moment = try json("show", path, "--at", "peak")
      let blocks = try #require(moment["blocks"] as? [[String: Any]])
      let bytes = blocks.compactMap { $0["bytes"] as? Int }.reduce(0, +)
      #expect(bytes == memory["lowerBoundBytes"] as? Int)
      #expect(bytes == moment["liveBytes"] as? Int)
      let shares = try #require(moment["attribution"] as? [[String: Any]])
      #expect(shares.compactMap { $0["bytes"] as? Int }.reduce(0, +) == memory["peakBytes"] as? Int)
      // The plan's spec is unchanged beside it: places are the file's.
      let places = shares.compactMap { $0["place"] as? String }
      #expect(!places.isEmpty && places.allSatisfy { $0.contains("net.yaml:") })
    }
  }

  @Test("moments by module, line, step and stage; what is not there is a fault")
  func moments() throws {
    for at in ["module=2", "line=4", "step=1", "stage=1", "step=3,stage=1", "peak"] {
      let result = try workspace.strata("show", "net.yaml", "--at", at)
      #expect(result.exitCode == 0, "\(at): \(result.diagnostics)")
      #expect(result.output.contains("operation "))
    }
    let module = try workspace.strata("show", "net.yaml", "--at", "module=2")
    #expect(module.output.contains("of module 2"))
    let line = try workspace.strata("show", "net.yaml", "--at", "line=6")
    #expect(line.output.contains("(net.yaml:6)"))
    for (at, words) in [
      ("module=3", "there is no module 3: the plan has 2"), ("line=1", "no operation comes from line 1"),
      ("step=100000", "there is no operation 100000"), ("stage=2", "there is no stage 2: the plan has 1"),
      ("nowhere", "peak, module=N, line=N or step=N"), ("module=0", "peak, module=N"),
      ("module=1,module=2", "peak, module=N"), ("peak,", "peak, module=N"),
    ] {
      let result = try workspace.strata("show", "net.yaml", "--at", at)
      #expect(result.exitCode == 2, "\(at)")
      #expect(result.diagnostics.contains(words), "\(result.diagnostics)")
    }
  }

  @Test("differences: results apart from names, for plans and specs")
  func differences() throws {
    #expect(try workspace.strata("plan", "net.yaml", "-o", "a.plan.json").exitCode == 0)
    let same = try json("diff", "a.plan.json", "net.yaml")
    #expect(same["equal"] as? Bool == true && same["altersResults"] as? Bool == false)
    // Times are this machine's, and in no plan that is kept.
    let printed = try workspace.strata("plan", "net.yaml", "--json")
    try workspace.write(printed.output, to: "printed.json")
    for other in ["net.yaml", "a.plan.json"] {
      #expect(try json("diff", "printed.json", other)["equal"] as? Bool == true)
    }
    try workspace.write(digitsSpec.replacing("name: small", with: "name: other"), to: "renamed.yaml")
    let renamed = try json("diff", "a.plan.json", "renamed.yaml")
    #expect(renamed["equal"] as? Bool == false && renamed["altersResults"] as? Bool == false)
    try workspace.write(
      digitsSpec.replacing("batch: 50", with: "batch: 25").replacing("[8, 16]", with: "[8, 12]"),
      to: "changed.yaml")
    let changed = try json("diff", "a.plan.json", "changed.yaml")
    #expect(changed["altersResults"] as? Bool == true)
    let spec = try #require(changed["spec"] as? [[String: Any]])
    #expect(spec.compactMap { $0["key"] as? String } == ["network.widths", "training.batch"])
    #expect(spec.compactMap { $0["a"] as? String } == ["[8, 16]", "50"])
    #expect(spec.compactMap { $0["b"] as? String } == ["[8, 12]", "25"])
    let text = try workspace.strata("diff", "a.plan.json", "changed.yaml")
    #expect(text.exitCode == 0)
    for words in ["changes the results", "training.batch", "memory", "  peak ", "steps in all"] {
      #expect(text.output.contains(words), "\(text.output)")
    }
    #expect(try workspace.strata("diff", "a.plan.json", "nothing.yaml").exitCode == 2)
    // An old plan is taken as it stands.
    try workspace.write(digitsSpec.replacing("batch: 50", with: "batch: 25"), to: "net.yaml")
    #expect(try workspace.strata("diff", "a.plan.json", "net.yaml").output.contains("training.batch"))
  }

  @Test("a page is written whole, escaped, and again the same")
  func page() throws {
    let name = "a<b>&'\"c.yaml"
    try workspace.write(digitsSpec + "# <script>alert(1)</script>\n", to: name)
    #expect(try workspace.strata("plan", name, "--html", "a.html").exitCode == 0)
    #expect(try workspace.strata("plan", name, "--html", "b.html").exitCode == 0)
    let page = try workspace.text("a.html")
    let isSame = try workspace.text("b.html") == page
    #expect(isSame && page.hasPrefix("<!DOCTYPE html>") && page.hasSuffix("</html>\n"))
    #expect(!page.contains("<script") && page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
    #expect(page.contains("a&lt;b&gt;&amp;&#39;&quot;c.yaml:4"))
    let lost = try workspace.strata("plan", name, "--html", "nowhere/a.html")
    #expect(lost.exitCode == 1 && lost.diagnostics.hasPrefix("error: cannot write the page: "))
    #expect(try workspace.names(in: ".").filter { $0.hasPrefix(".") } == [])
  }
}

@Suite("Plans that are not what they were")
struct StalePlanTests {
  private let workspace: Workspace
  private let plan: String

  init() throws {
    workspace = try Workspace()
    try workspace.write(digitsSpec, to: "net.yaml")
    let result = try workspace.strata("plan", "net.yaml", "-o", "net.plan.json", "--threads", "2")
    #expect(result.exitCode == 0, "\(result.diagnostics)")
    plan = try workspace.text("net.plan.json")
  }

  /// By `run`; `show` prints a stale plan that can be read, with the same reasons.
  private func expectRefused(
    _ text: String, _ code: Int32, _ words: String..., isReadable: Bool = true,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    try workspace.write(text, to: "net.plan.json")
    for command in [["run", "net.plan.json", "-o", "out"], ["show", "net.plan.json"]] {
      let result = try StrataProcess(command, in: workspace.url)
      let isShown = command[0] == "show" && code == 4 && isReadable
      #expect(
        result.exitCode == (isShown ? 0 : code), "\(result.diagnostics)", sourceLocation: sourceLocation)
      for word in words {
        #expect(result.diagnostics.contains(word), "\(result.diagnostics)", sourceLocation: sourceLocation)
      }
      #expect((result.output == "") == !isShown, sourceLocation: sourceLocation)
    }
    #expect(try workspace.names(in: ".") == ["net.plan.json", "net.yaml"], sourceLocation: sourceLocation)
  }

  @Test("planned twice, the bytes are the same")
  func twice() throws {
    #expect(try workspace.strata("plan", "net.yaml", "-o", "again.plan.json", "--threads", "2").exitCode == 0)
    let isSame = try workspace.text("again.plan.json") == plan
    #expect(isSame)
  }

  @Test("a changed spec: every key that changed, old and new")
  func spec() throws {
    try workspace.write(
      digitsSpec.replacing("batch: 50", with: "batch: 48").replacing("epochs: 2", with: "epochs: 3"),
      to: "net.yaml")
    try expectRefused(plan, 4, "net.yaml has changed: training.epochs: 2 -> 3, training.batch: 50 -> 48")
  }

  @Test("another version of the format is stale, another schema no plan")
  func format() throws {
    try expectRefused(
      plan.replacing("strata.plan/1", with: "strata.plan/2"), 4,
      "'strata.plan/2', this release's is 'strata.plan/1'", isReadable: false)
    try expectRefused(
      plan.replacing("strata.plan/1", with: "strata.run/1"), 2, "its schema is 'strata.run/1'")
  }

  @Test("figures that were edited are refused with what they are and should be")
  func figures() throws {
    for (pattern, key) in [
      (#/"peakBytes": \d+/#, "peakBytes"), (#/"arenaBytes": \d+/#, "arenaBytes"), (#/"macs": \d+/#, "macs"),
      (#/"steps": \d+/#, "steps"), (#/"name": "small"/#, "name"), (#/"batch": 50/#, "batch"),
      (#/"strategy": "parallel"/#, "strategy"),
    ] {
      let found = try #require(plan.firstMatch(of: pattern), "\(key)")
      let replacement =
        key == "name" ? "\"name\": \"tall\"" : key == "strategy" ? "\"strategy\": \"odd\"" : "\"\(key)\": 7"
      try expectRefused(
        plan.replacingCharacters(in: found.range, with: replacement), 4, "the plan is stale", key, " -> ")
    }
    let layout = try #require(plan.firstMatch(of: /"layoutSha256": "([0-9a-f]+)"/)?.1)
    try expectRefused(
      plan.replacing(layout, with: String(repeating: "0", count: 64)), 4, "layout 000000000000 -> ")
    try expectRefused(plan.replacing("batch: 50", with: "batch: 48"), 4, "SHA-256")
  }

  @Test("cut off anywhere, or no text at all, it is no plan")
  func cut() throws {
    for share in [0, 1, 5, 30, 60, 90, 99] {
      let end = plan.utf8.index(plan.startIndex, offsetBy: plan.utf8.count * share / 100)
      try expectRefused(String(plan[..<end]), 2)
    }
    try expectRefused(String(plan.dropLast(2)), 2, "not a plan")
    try expectRefused(plan + "}", 2, "not a plan")
    try expectRefused(plan.replacing("\"threads\": 2,\n", with: ""), 2, "'threads' is missing")
    try expectRefused(plan.replacing("\"threads\": 2", with: "\"threads\": \"two\""), 2, "not a plan")
    // No plan that anyone could tell from a spec.
    try expectRefused("{\u{0}\u{1}", 2, "error[E003]")
  }

  @Test("data that is not what it was planned with")
  func data() throws {
    let fingerprint = String(repeating: "a", count: 64)
    try workspace.write(
      plan.replacing("\"fingerprint\": null", with: "\"fingerprint\": \"\(fingerprint)\""),
      to: "net.plan.json")
    let result = try workspace.strata("run", "net.plan.json", "-o", "out")
    #expect(result.exitCode == 4)
    // Of a plan that nobody edited, another fingerprint is another data set's.
    #expect(result.diagnostics.contains("it was edited since it was made"), "\(result.diagnostics)")
  }
}
