import Foundation
import Testing

@Suite("Folders of runs, and what is wrong in them")
struct RunFolderTests {
  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try workspace.write(digitsSpec, to: "net.yaml")
  }

  private func path(_ name: String) -> String { workspace.url.appending(path: name).path }

  @Test("the current folder is used where it is empty, and stays what it is")
  func here() throws {
    for (name, output) in [("dot", "."), ("other", "../other")] {
      try FileManager.default.createDirectory(atPath: path(name), withIntermediateDirectories: false)
      let folder = workspace.url.appending(path: name)
      func number() throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path(name))[.systemFileNumber] as? Int
      }
      let before = try number()
      let run = try StrataProcess(["run", "../net.yaml", "-o", output], in: folder)
      #expect(run.exitCode == 0, "\(run)")
      #expect(try number() == before)
      #expect(try workspace.names(in: name).contains("model.safetensors"))
      #expect(try StrataProcess(["run", "../net.yaml", "-o", output], in: folder).exitCode == 2)
    }
    #expect(try workspace.names(in: ".") == ["dot", "net.yaml", "other"])
  }

  @Test("weights that are not the run's are refused, by both sums")
  func otherWeights() throws {
    for (folder, seed) in [("one", 1), ("two", 2)] {
      let run = try workspace.strata("run", "net.yaml", "-o", folder, "--set", "training.seed=\(seed)")
      #expect(run.exitCode == 0, "\(run.diagnostics)")
    }
    try workspace.data("two/model.safetensors").write(
      to: workspace.url.appending(path: "one/model.safetensors"))
    for command in ["evaluate", "probe"] {
      let end = try workspace.strata(command, "one")
      #expect(end.exitCode == 1 && end.output == "")
      for folder in ["one", "two"] {
        let sum = try #require(
          try workspace.text("\(folder)/summary.json").firstMatch(of: /"weightsSha256": "([0-9a-f]{12})/)
        ).1
        #expect(end.diagnostics.contains(sum), "\(command) \(folder): \(end.diagnostics)")
      }
      #expect(!end.diagnostics.contains("has finished"))
    }
    try FileManager.default.removeItem(atPath: path("one/model.safetensors"))
    for command in ["evaluate", "probe"] {
      let end = try workspace.strata(command, "one")
      #expect(end.exitCode == 1 && end.diagnostics.contains("only a run that has finished has weights"))
    }
  }

  @Test("what is to be typed can be typed, whatever a folder is called")
  func quotes() throws {
    let line = ["run", "net.yaml", "-o", "a run", "--set", "training.epochs=1"]
    #expect(try StrataProcess(line, in: workspace.url).exitCode == 0)
    for arguments in [line, ["run", "a run"], ["run", "a run", "--seeds", "2", "--resume"]] {
      let end = try StrataProcess(arguments, in: workspace.url)
      #expect(
        end.exitCode == 2 && end.diagnostics.contains("strata run 'a run' --resume"),
        "\(arguments): \(end.diagnostics)")
    }
    let plan = try workspace.strata("check", "a run/plan.json")
    #expect(
      plan.diagnostics.contains(
        "strata show 'a run/plan.json' prints it, strata run 'a run/plan.json' executes it"),
      "\(plan.diagnostics)")
  }

  @Test("a damaged plan in a run's folder is the same failure everywhere")
  func damagedPlan() throws {
    #expect(try workspace.strata("run", "net.yaml", "-o", "out").exitCode == 0)
    let text = try workspace.text("out/plan.json")
    try workspace.write(String(text.prefix(text.count / 2)), to: "out/plan.json")
    for command in [
      ["evaluate", "out"], ["probe", "out"], ["show", "out"], ["show", "out", "--layout"],
      ["compare", "out"],
      ["run", "out", "--resume"],
    ] {
      let end = try StrataProcess(command, in: workspace.url)
      #expect(end.exitCode == 1 && end.diagnostics.contains("out/plan.json"), "\(command): \(end)")
    }
  }

  @Test("metrics that were cut off are not a finished run's figures")
  func cutMetrics() throws {
    #expect(try workspace.strata("run", "net.yaml", "-o", "out").exitCode == 0)
    let shown = try workspace.strata("show", "out")
    #expect(shown.exitCode == 0 && shown.diagnostics == "")
    let compared = try workspace.strata("compare", "out", "--json")
    let lines = try workspace.text("out/metrics.jsonl").split(separator: "\n")
    try workspace.write(lines.prefix(lines.count - 2).map { $0 + "\n" }.joined(), to: "out/metrics.jsonl")

    let cut = try workspace.strata("show", "out")
    #expect(cut.exitCode == 0)
    #expect(cut.diagnostics.contains("does not end with what summary.json says"), "\(cut.diagnostics)")
    // But for the test loss, which no summary has.
    for module in 1...2 {
      let row = try #require(shown.output.split(separator: "\n").first { $0.hasPrefix("     \(module)  ") })
      let cells = row.split(separator: " ")
      let found = try #require(cut.output.split(separator: "\n").first { $0.hasPrefix("     \(module)  ") })
      #expect(found.split(separator: " ").last == cells.last)
    }
    let again = try workspace.strata("compare", "out", "--json")
    #expect(again.diagnostics.contains("does not end with what summary.json says"))
    func top1(_ text: String) -> [Substring] {
      text.matches(of: /"testTop1": \{"mean": ([0-9.]+)/).map(\.1)
    }
    #expect(!top1(compared.output).isEmpty && top1(again.output) == top1(compared.output))
  }
}
