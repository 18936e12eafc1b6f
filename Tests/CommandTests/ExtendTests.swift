import Foundation
import Testing

@Suite("Runs that go on behind their end")
struct ExtendTests {
  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try workspace.write(digitsSpec, to: "net.yaml")
  }

  private func sha(_ folder: String) throws -> String {
    try workspace.text("\(folder)/summary.json").split(separator: "\"weightsSha256\": \"")[1].prefix(64)
      .description
  }

  private func run(_ arguments: String...) throws -> StrataProcess {
    try StrataProcess(["run"] + arguments, in: workspace.url)
  }

  @Test(
    "come to what a run of all epochs at once comes to, momentum and figures included",
    arguments: [
      "parallel", "end-to-end",
    ])
  func same(strategy: String) throws {
    let sets = [
      "--set", "training.strategy=\(strategy)", "--set",
      "training.optimizer={learning-rate: 0.05, momentum: 0.9}",
    ]
    func run(_ arguments: [String]) throws -> StrataProcess {
      try StrataProcess(["run"] + arguments, in: workspace.url)
    }
    try #require(run(["net.yaml", "-o", "short"] + sets).exitCode == 0)
    try #require(run(["net.yaml", "-o", "long", "--set", "training.epochs=5"] + sets).exitCode == 0)
    let first = try run(["short", "--resume", "--extend", "1", "--threads", "1"])
    #expect(first.exitCode == 0, "\(first.diagnostics)")
    #expect(first.diagnostics.contains("2 epochs become 3"))
    #expect(first.diagnostics.contains("learning rate 0.05 in epoch 2, 0.05 in epoch 3"))
    #expect(try sha("short") != sha("long"))
    let second = try run(["short", "--resume", "--extend", "2", "--json"])
    #expect(second.exitCode == 0, "\(second.diagnostics)")
    #expect(try sha("short") == sha("long"))
    func figures(_ folder: String) throws -> [String] {
      try workspace.text("\(folder)/metrics.jsonl").split(separator: "\n").map {
        String($0.prefix { $0 != "s" }) + ($0.split(separator: "\"seconds\"").first ?? "")
      }
    }
    #expect(try figures("short") == figures("long"))
    #expect(try workspace.text("short/spec.yaml").contains("epochs: 5"))
    // What looks at the folder takes it for a run of five epochs.
    #expect(try workspace.strata("evaluate", "short").exitCode == 0)
    #expect(try workspace.strata("show", "short").output.contains("5/5"))
    #expect(try run(["short", "--resume"]).output.contains("the run is finished"))
  }

  @Test("what cannot be extended says why, and nothing changes")
  func refusals() throws {
    try #require(
      try run("net.yaml", "-o", "a", "--set", "training.strategy=sequential", "--set", "training.epochs=1")
        .exitCode == 0)
    let plan = try workspace.text("a/plan.json")
    let sequential = try run("a", "--resume", "--extend", "1")
    #expect(sequential.exitCode == 2 && sequential.diagnostics.contains("frozen when the next one begins"))
    #expect(try workspace.text("a/plan.json") == plan)
    let without = try run("net.yaml", "--extend", "1")
    #expect(without.exitCode == 2 && without.diagnostics.contains("'--extend' goes with '--resume'"))
    try #require(try run("net.yaml", "-o", "b").exitCode == 0)
    try FileManager.default.removeItem(at: workspace.url.appending(path: "b/checkpoints"))
    let bare = try run("b", "--resume", "--extend", "1")
    #expect(bare.exitCode == 1 && bare.diagnostics.contains("goes on from its last checkpoint"))
    #expect(try run("b", "--resume").output.contains("the run is finished"))
  }

  @Test("a process that dies right behind the change leaves a run that goes on")
  func interrupted() throws {
    try #require(try run("net.yaml", "-o", "a").exitCode == 0)
    try #require(try run("net.yaml", "-o", "long", "--set", "training.epochs=3").exitCode == 0)
    try #require(try run("a", "--resume", "--extend", "1").exitCode == 0)
    // As if it had been killed in the added epoch: no summary, the checkpoint of the old end.
    try FileManager.default.removeItem(at: workspace.url.appending(path: "a/summary.json"))
    try FileManager.default.removeItem(
      at: workspace.url.appending(path: "a/checkpoints/stage-1-epoch-4-step-0.safetensors"))
    let again = try run("a", "--resume")
    #expect(again.exitCode == 0, "\(again.diagnostics)")
    #expect(try sha("a") == sha("long"))
  }
}
