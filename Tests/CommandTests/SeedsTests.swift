import Foundation
import Testing

/// `strata run SPEC --seeds N`, interrupted, taken up and diverging.
@Suite("A run a seed")
struct SeedsTests {
  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try workspace.write(digitsSpec, to: "net.yaml")
  }

  private struct Comparison: Decodable {
    struct Run: Decodable {
      var folder, seed, status: String
      var counted: Bool
    }
    struct Group: Decodable { var runs: [Run] }
    var groups: [Group]
  }

  private func log(_ folder: String) throws -> [Substring] {
    try workspace.text("\(folder)/log.txt").split(separator: "\n")
  }

  @Test("the same line does not write over runs; with --resume it trains what is missing")
  func missing() throws {
    let first = try workspace.strata(
      "run", "net.yaml", "--seeds", "1", "-o", "ls", "--set", "training.epochs=1")
    #expect(first.exitCode == 0, "\(first.diagnostics)")
    let before = try log("ls/seed-1")
    let line = ["run", "net.yaml", "--seeds", "2", "-o", "ls", "--set", "training.epochs=1"]
    let refused = try StrataProcess(line, in: workspace.url)
    #expect(refused.exitCode == 2)
    let named = "strata run net.yaml -o ls --set training.epochs=1 --seeds 2 --resume"
    #expect(
      refused.diagnostics.contains("help: train what is still to be done: \(named)\n"),
      "\(refused.diagnostics)")
    #expect(try workspace.names(in: "ls") == ["seed-1"])

    let resumed = try StrataProcess(
      named.split(separator: " ").dropFirst().map { String($0) } + ["--json"], in: workspace.url)
    #expect(resumed.exitCode == 0, "\(resumed.diagnostics)")
    #expect(resumed.diagnostics.contains("ls/seed-1: the run is finished\n"))
    let comparison = try JSONDecoder().decode(Comparison.self, from: Data(resumed.output.utf8))
    #expect(comparison.groups.map { $0.runs.map(\.folder) } == [["ls/seed-1", "ls/seed-2"]])
    #expect(comparison.groups[0].runs.map(\.counted) == [true, true])
    #expect(try log("ls/seed-1") == before)

    let other = try workspace.strata(
      "run", "net.yaml", "--seeds", "2", "-o", "ls", "--resume", "--set", "training.epochs=1", "--set",
      "training.batch=25")
    #expect(other.exitCode == 2)
    #expect(
      other.diagnostics.contains(
        "ls/seed-1: the run in this folder is another one: training.batch: 50 -> 25"),
      "\(other.diagnostics)")
    #expect(try log("ls/seed-1") == before)
  }

  @Test("without a folder, the runs of the spec are found among those that are numbered")
  func numbered() throws {
    let one = ["run", "net.yaml", "--set", "training.epochs=1"]
    // Of another spec, under the same name.
    #expect(try StrataProcess(one + ["--set", "training.batch=25"], in: workspace.url).exitCode == 0)
    #expect(try StrataProcess(one + ["--seeds", "1"], in: workspace.url).exitCode == 0)
    let resumed = try StrataProcess(one + ["--seeds", "2", "--resume", "--json"], in: workspace.url)
    #expect(resumed.exitCode == 0, "\(resumed.diagnostics)")
    let comparison = try JSONDecoder().decode(Comparison.self, from: Data(resumed.output.utf8))
    #expect(comparison.groups.map { $0.runs.map(\.folder) } == [["runs/small-2", "runs/small-3"]])
    #expect(try workspace.names(in: "runs") == ["small-1", "small-2", "small-3"])
  }

  @Test("a run that can't be read is told, and not trained a second time")
  func unreadable() throws {
    let line = ["run", "net.yaml", "--set", "training.epochs=1"]
    try #require(try StrataProcess(line, in: workspace.url).exitCode == 0)
    try workspace.write("no metrics\n", to: "runs/small-1/metrics.jsonl")
    let resumed = try StrataProcess(line + ["--seeds", "1", "--resume"], in: workspace.url)
    #expect(resumed.exitCode == 1)
    #expect(resumed.diagnostics.contains("runs/small-1/metrics.jsonl, line 1: "), "\(resumed.diagnostics)")
    #expect(try workspace.names(in: "runs") == ["small-1"])
  }

  @Test("the line that an interrupted seed names finishes them all")
  func interrupted() throws {
    let checkpoints = workspace.url.appending(path: "ls/seed-1/checkpoints")
    let (epochs, end) = try workspace.signalled(
      "ls", SIGINT, epochs: 100, once: { FileManager.default.fileExists(atPath: checkpoints.path) },
      arguments: { ["run", "net.yaml", "--seeds", "2", "-o", "ls", "--set", "training.epochs=\($0)"] })
    try #require(end.exitCode == 6, "\(end)")
    let hint = try #require(end.output.split(separator: "\n").last)
    #expect(hint == "go on: strata run net.yaml -o ls --set training.epochs=\(epochs) --seeds 2 --resume")
    let resumed = try StrataProcess(
      hint.split(separator: " ").dropFirst(3).map { String($0) } + ["--json"], in: workspace.url)
    #expect(resumed.exitCode == 0, "\(resumed.diagnostics)")
    #expect(resumed.diagnostics.contains(/ls\/seed-[12]: training small goes on behind/))
    let comparison = try JSONDecoder().decode(Comparison.self, from: Data(resumed.output.utf8))
    #expect(comparison.groups[0].runs.map(\.status) == ["finished", "finished"])
  }

  @Test("a seed that diverges does not keep the others from being trained and compared")
  func diverging() throws {
    let result = try workspace.strata(
      "run", "net.yaml", "--seeds", "2", "-o", "ls", "--set", "training.optimizer.learning-rate=1e6", "--set",
      "training.epochs=50", "--set", "network.batch-norm=false", "--json")
    #expect(result.exitCode == 1)
    #expect(result.diagnostics.matches(of: /are not finite in epoch/).count == 2, "\(result.diagnostics)")
    let comparison = try JSONDecoder().decode(Comparison.self, from: Data(result.output.utf8))
    #expect(comparison.groups[0].runs.map(\.status) == ["failed", "failed"])
    #expect(try workspace.text("ls/seed-1/report.html").contains("failed:"))
  }

  @Test("seeds go with a spec, not with a run's folder")
  func folder() throws {
    #expect(
      try workspace.strata("run", "net.yaml", "-o", "one", "--set", "training.epochs=1").exitCode == 0)
    let result = try workspace.strata("run", "one", "--seeds", "2", "--resume")
    #expect(result.exitCode == 2 && result.diagnostics.contains("strata run one --resume"))
  }
}
