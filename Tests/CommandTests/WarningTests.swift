import Foundation
import Testing

private struct Warned: Decodable {
  struct Warning: Decodable, Equatable {
    var code, message: String
    var place: String?
  }
  var warnings: [Warning]
}

private struct Checked: Decodable {
  struct Diagnostic: Decodable {
    var code, severity: String
    var file: String?
    var line: Int?
  }
  var diagnostics: [Diagnostic]
}

@Suite("Warnings")
struct WarningTests {
  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try workspace.write(digitsSpec.replacing("batch: 50", with: "batch: 500"), to: "net.yaml")
    try workspace.write(digitsSpec, to: "quiet.yaml")
  }

  private let message = "the batch of 500 is larger than the 192 training images: every step has them all"

  private func decode<Value: Decodable>(_ type: Value.Type, _ text: String) throws -> Value {
    try JSONDecoder().decode(type, from: Data(text.utf8))
  }

  @Test("are told once by a command, with their place, and stop nothing")
  func once() throws {
    let check = try workspace.strata("check", "net.yaml", "quiet.yaml")
    #expect(check.exitCode == 0 && check.output == "net.yaml: ok, with a warning\nquiet.yaml: ok\n")
    #expect(
      check.diagnostics == """
        warning[W004]: \(message)
         --> net.yaml:7:50
          |
        7 | training: {strategy: parallel, epochs: 2, batch: 500}
          |                                                  ^^^ there are 192
          = help: set `training.batch: 192` or less

        """)
    for line in [
      ["plan"], ["plan", "--json"], ["show"], ["ir"], ["run", "--dry-run"], ["bench", "--steps", "1"],
      ["run", "-o", "once", "--set", "training.epochs=1"],
      ["run", "--seeds", "2", "-o", "seeds", "--set", "training.epochs=1"],
    ] {
      let result = try StrataProcess(line + ["net.yaml"], in: workspace.url)
      #expect(result.exitCode == 0, "\(line): \(result.diagnostics)")
      #expect(result.diagnostics.matches(of: /warning\[W004\]/).count == 1, "\(line): \(result.diagnostics)")
    }
    #expect(try workspace.strata("explain", "w004").output.hasPrefix("W004: "))
  }

  @Test("are in documents, in a run's summary and in its log")
  func documents() throws {
    let expected = Warned.Warning(code: "W004", message: message, place: "net.yaml:7:50")
    let checked = try decode(Checked.self, try workspace.strata("check", "net.yaml", "--json").output)
    #expect(checked.diagnostics.map(\.severity) == ["warning"] && checked.diagnostics[0].line == 7)
    let plan = try workspace.strata("plan", "net.yaml", "--json", "-o", "net.plan.json")
    #expect(try decode(Warned.self, plan.output).warnings == [expected])
    // A plan that was printed runs, and one that is kept says nothing that hangs on a command.
    try workspace.write(plan.output, to: "printed.json")
    #expect(try workspace.strata("show", "printed.json").exitCode == 0)
    #expect(!(try workspace.text("net.plan.json").contains("\"warnings\"")))
    let run = try workspace.strata("run", "net.yaml", "-o", "out", "--json")
    try #require(run.exitCode == 0)
    #expect(try decode(Warned.self, run.output).warnings == [expected])
    #expect(try workspace.decode(Warned.self, "out/summary.json").warnings == [expected])
    #expect(try workspace.text("out/log.txt").contains("warning[W004]: \(message) (net.yaml:7:50)\n"))
    // Whoever looks at a run is not warned of what it began with.
    #expect(try workspace.strata("evaluate", "out").diagnostics == "")
    let quiet = try workspace.strata("run", "quiet.yaml", "-o", "quiet", "--json")
    #expect(try decode(Warned.self, quiet.output).warnings == [])
  }

  @Test(
    "are faults with --strict, before anything is written",
    arguments: [
      ["check"], ["plan", "-o", "net.plan.json"], ["run", "-o", "out"], ["run", "--dry-run"], ["show"],
      ["ir"],
      ["show", "--resolved"], ["show", "--layout"], ["bench"], ["run", "--seeds", "2", "-o", "out"],
      ["plan", "--largest-batch", "--budget", "1GiB"], ["diff", "quiet.yaml"],
    ])
  func strict(line: [String]) throws {
    for spec in ["net.yaml", "quiet.yaml"] where spec == "net.yaml" || line[0] == "check" {
      let result = try StrataProcess(line + [spec, "--strict"], in: workspace.url)
      #expect(result.exitCode == (spec == "net.yaml" ? 2 : 0), "\(result.diagnostics)")
      guard spec == "net.yaml" else { continue }
      #expect(result.output == "" && result.diagnostics.hasPrefix("error[W004]: \(message)\n"))
      #expect(result.diagnostics.hasSuffix("error: '--strict' makes this warning a fault\n"))
    }
    #expect(try workspace.names(in: ".") == ["net.yaml", "quiet.yaml"])
    let told = try StrataProcess(line + ["net.yaml", "--strict", "--json"], in: workspace.url)
    let document = try decode(Checked.self, told.output)
    #expect(document.diagnostics.map(\.code) == ["W004"] && document.diagnostics[0].severity == "error")
  }

  @Test("stand beside faults, in one document")
  func faults() throws {
    let result = try workspace.strata(
      "check", "net.yaml", "--json", "--set", "downsampling.before=[9]")
    #expect(result.exitCode == 2)
    let document = try decode(Checked.self, result.output)
    #expect(document.diagnostics.map { "\($0.code) \($0.severity)" } == ["W004 warning", "E102 error"])
  }

  @Test("of schedules stand at their keys, and the rates are in metrics, plan and page")
  func rates() throws {
    let schedule = ["--set", "training.schedule={kind: milestones, at: [1, 30], factor: 0.2}"]
    let check = try StrataProcess(["check", "quiet.yaml"] + schedule, in: workspace.url)
    #expect(check.exitCode == 0, "\(check.diagnostics)")
    #expect(
      check.diagnostics.hasPrefix(
        "warning[W002]: milestone 30 does nothing in 2 epochs\n --> --set:1:46\n"), "\(check.diagnostics)")
    #expect(check.diagnostics.contains("quiet.yaml:7:40\n"))
    let run = try StrataProcess(["run", "quiet.yaml", "-o", "out"] + schedule, in: workspace.url)
    #expect(run.exitCode == 0, "\(run.diagnostics)")
    let lines = try workspace.text("out/metrics.jsonl").split(separator: "\n")
    func has(_ rate: String, _ part: String) -> Int {
      lines.filter { $0.contains("\"split\":\"\(part)\"") && $0.contains("\"learningRate\":\(rate),") }.count
    }
    #expect(has("0.1", "train") == 2 && has("0.02", "train") == 2)
    #expect(!lines.contains { $0.contains("test") && $0.contains("learningRate") })
    #expect(try workspace.text("out/log.txt").contains("learning rate 0.02, "))
    let plan = try StrataProcess(
      ["plan", "quiet.yaml", "--json", "--html", "plan.html"] + schedule, in: workspace.url)
    struct Course: Decodable {
      var modules, epochs: [Int]
      var rates: [Double]
      var of: Int
    }
    struct Document: Decodable { var learningRates: [Course] }
    let courses = try decode(Document.self, plan.output).learningRates
    #expect(courses.map(\.modules) == [[1, 2]] && courses.map(\.of) == [2])
    #expect(courses[0].epochs == [1, 2] && courses[0].rates == [0.1, 0.02])
    let page = try workspace.text("plan.html")
    #expect(page.contains("<h2>Learning rate</h2>") && page.contains(">modules 1-2<"))
  }

  @Test("a rate in a failure is the one that was written")
  func failure() throws {
    let run = try workspace.strata(
      "run", "quiet.yaml", "-o", "out", "--set", "training.optimizer.learning-rate=1e5", "--set",
      "network.batch-norm=false", "--set", "training.epochs=4")
    #expect(run.exitCode == 1 && run.diagnostics.contains("(it is 100000 here)"), "\(run.diagnostics)")
  }

  @Test("a plan for more memory than there is, or than any machine has, is told by check and plan")
  func memory() throws {
    try workspace.write(
      """
      strata: 1
      name: huge
      data: {source: synthetic, limit: {train: 32, test: 16}}
      network: {family: vgg, input: 3x32x32, classes: 4, widths: [{width: 1024, repeat: 4}]}
      auxiliary: {kind: cnn, k: 64, width: 8192}
      training: {batch: 8192}

      """, to: "huge.yaml")
    let check = try workspace.strata("check", "huge.yaml", "quiet.yaml")
    #expect(check.exitCode == 0 && check.output.hasPrefix("huge.yaml: ok, with 2 warnings\n"))
    #expect(
      check.diagnostics.contains(/warning\[W005\]: huge.yaml: the plan's peak is [0-9.]+ TiB/),
      "\(check.diagnostics)")
    let plan = try workspace.strata("plan", "huge.yaml")
    #expect(plan.exitCode == 0 && plan.diagnostics.contains("warning[W005]: the plan's peak is "))
    #expect(try workspace.strata("check", "huge.yaml", "--strict").exitCode == 2)
    let document = try decode(Checked.self, try workspace.strata("check", "huge.yaml", "--json").output)
    #expect(document.diagnostics.map(\.code) == ["W004", "W005"] && document.diagnostics[1].file == nil)
    // With a budget the plan is another one.
    let budget = try workspace.strata("check", "huge.yaml", "--set", "memory.budget=1GiB")
    #expect(!budget.diagnostics.contains("W005"))
  }
}
