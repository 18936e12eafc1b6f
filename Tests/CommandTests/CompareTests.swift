import Foundation
import Testing

@Suite("Runs side by side")
struct CompareTests {
  private struct Comparison: Decodable {
    struct Spread: Decodable {
      var mean, deviation: Double
      var count: Int
    }
    struct Module: Decodable {
      var index: Int
      var testTop1, trainTop1, testLoss, trainLoss: Spread?
    }
    struct Run: Decodable {
      var folder, name, strategy, seed, status: String
      var measuredPeakBytes: Int?
    }
    struct Group: Decodable {
      var name: String
      var runs: [Run]
      var modules: [Module]
      var ensembleTop1: Spread?
    }
    var schema: String
    var groups: [Group]
  }

  private struct Summary: Decodable {
    struct Module: Decodable { var trainLoss, trainTop1, testTop1: Double }
    var modules: [Module]
    var ensembleTop1: Double?
  }

  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try workspace.write(digitsSpec, to: "net.yaml")
  }

  private func train(_ name: String, _ sets: String...) throws {
    let arguments = ["run", "net.yaml", "-o", name] + sets.flatMap { ["--set", $0] }
    let result = try StrataProcess(arguments, in: workspace.url)
    #expect(result.exitCode == 0, "\(result.diagnostics)")
  }

  private func compare(_ arguments: String...) throws -> Comparison {
    let result = try StrataProcess(["compare", "--json"] + arguments, in: workspace.url)
    #expect(result.exitCode == 0, "\(result.diagnostics)")
    return try JSONDecoder().decode(Comparison.self, from: Data(result.output.utf8))
  }

  @Test("runs that differ in their seed are one group, with mean and deviation; other specs are others")
  func groups() throws {
    try train("a")
    try train("b", "training.seed=2")
    try train("c", "training.strategy=sequential", "name=other")
    let comparison = try compare("a", "b", "c")
    #expect(comparison.schema == "strata.comparison/1")
    #expect(comparison.groups.map { $0.runs.map(\.folder) } == [["a", "b"], ["c"]])
    #expect(comparison.groups.map(\.name) == ["small (2 runs)", "other"])
    #expect(comparison.groups[0].runs.map(\.seed) == ["1", "2"])
    let summaries = try ["a", "b"].map { try workspace.decode(Summary.self, "\($0)/summary.json") }
    for module in 0..<2 {
      let values = summaries.map { $0.modules[module].testTop1 }
      let mean = (values[0] + values[1]) / 2
      let deviation = abs(values[0] - values[1]) / 2.0.squareRoot()
      let spread = try #require(comparison.groups[0].modules[module].testTop1)
      #expect(spread.count == 2 && abs(spread.mean - mean) < 1e-12)
      #expect(abs(spread.deviation - deviation) < 1e-12)
    }
    #expect(comparison.groups[1].modules[0].trainLoss?.deviation == 0)
    #expect(comparison.groups[0].ensembleTop1?.count == 2)

    let text = try workspace.strata("compare", "a", "b", "c", "--html", "runs.html")
    #expect(text.exitCode == 0)
    for words in [
      "small (2 runs)", "±", "training.strategy", "sequential", "test top1, last module", "by depth",
    ] {
      #expect(text.output.contains(words), "\(words):\n\(text.output)")
    }
    let page = try workspace.text("runs.html")
    #expect(page.hasPrefix("<!DOCTYPE html>") && page.contains("<svg") && page.contains("class=\"band"))
    #expect(!page.contains("<script") && !page.contains("http"))
  }

  @Test("a folder of runs, as seeds leave it, stands for the runs in it, in their order")
  func folders() throws {
    let seeds = try workspace.strata(
      "run", "net.yaml", "--seeds", "10", "-o", "all/a", "--set", "training.epochs=1", "--json")
    #expect(seeds.exitCode == 0, "\(seeds.diagnostics)")
    struct Folder: Decodable { var folder: String }
    #expect(try JSONDecoder().decode(Folder.self, from: Data(seeds.output.utf8)).folder == "all/a")
    try train("all/b", "training.batch=25")
    // What is no run, and what no folder of runs is, are passed over; so is what begins with a dot.
    try workspace.write("", to: "all/notes.txt")
    try workspace.write("{}", to: "all/.hidden/plan.json")
    try FileManager.default.createSymbolicLink(
      atPath: workspace.url.appending(path: "all/round").path, withDestinationPath: "../all")
    let expected = (1...10).map { "all/a/seed-\($0)" }
    #expect(try compare("all/a").groups.map { $0.runs.map(\.folder) } == [expected])
    #expect(try compare("all/").groups.map { $0.runs.map(\.folder) } == [expected, ["all/b"]])
    let text = try workspace.strata("compare", "all/a")
    #expect(text.output.contains("mean ± sample deviation over seeds, n = 10\n"), "\(text.output)")
    let none = try workspace.strata("compare", ".hidden", "all/notes.txt")
    #expect(none.exitCode == 2 && none.output.isEmpty)
  }

  @Test("one spec alone: a curve a module")
  func modules() throws {
    try train("a")
    let text = try workspace.strata("compare", "a")
    #expect(text.exitCode == 0)
    #expect(text.output.contains("o 1 layer 1") && text.output.contains("x 2 layer 2"), "\(text.output)")
    let chosen = try workspace.strata("compare", "a", "--module", "1")
    #expect(chosen.output.contains("test top1, module 1"))
    // Another module is not drawn in the name of one that is not there.
    let beyond = try workspace.strata("compare", "a", "--module", "9")
    #expect(beyond.exitCode == 2 && beyond.output.isEmpty)
    #expect(beyond.diagnostics.contains("there is no module 9 to draw"), "\(beyond.diagnostics)")
    // A folder is one run, however often and by whatever name it is given.
    let twice = try StrataProcess(["compare", "--json", "a", "./a/", "a"], in: workspace.url)
    #expect(twice.exitCode == 0)
    #expect(twice.diagnostics.matches(of: /is the folder 'a' again: counted once/).count == 2)
    let comparison = try JSONDecoder().decode(Comparison.self, from: Data(twice.output.utf8))
    #expect(comparison.groups.map { $0.runs.map(\.folder) } == [["a"]])
    #expect(comparison.groups[0].modules[0].testTop1?.count == 1)
  }

  @Test("a budget that passes batches in pieces makes another experiment")
  func pieces() throws {
    struct Plan: Decodable {
      struct Choices: Decodable { var microBatch: Int? }
      var choices: Choices
    }
    struct Refusal: Decodable { var smallestBudgetBytes: Int }
    try train("a", "training.epochs=1")
    let refused = try workspace.strata(
      "plan", "net.yaml", "--json", "--set", "training.epochs=1", "--budget", "1MiB")
    let smallest = try JSONDecoder().decode(Refusal.self, from: Data(refused.output.utf8)).smallestBudgetBytes
    let tight = try workspace.strata(
      "run", "net.yaml", "-o", "b", "--set", "training.epochs=1", "--set", "training.seed=2", "--budget",
      "\(smallest)")
    #expect(tight.exitCode == 0, "\(tight.diagnostics)")
    let pieces = try #require(try workspace.decode(Plan.self, "b/plan.json").choices.microBatch)
    let comparison = try compare("a", "b")
    #expect(comparison.groups.map { $0.runs.map(\.folder) } == [["a"], ["b"]])
    #expect(
      comparison.groups.map(\.name) == ["no micro-batch", "micro-batch = \(pieces)"],
      "\(comparison.groups.map(\.name))")
  }

  @Test("with more than ten classes the first five guesses stand wherever a run is read")
  func top5() throws {
    try workspace.write(
      """
      strata: 1
      name: twelve
      data: {source: synthetic, limit: {train: 96, test: 48}}
      network: {family: vgg, input: 1x8x8, classes: 12, widths: [4], head: gap}
      training: {epochs: 1, batch: 24}

      """, to: "twelve.yaml")
    let run = try workspace.strata("run", "twelve.yaml", "-o", "out")
    #expect(
      run.exitCode == 0 && run.output.contains(/test top1 +top5\n/), "\(run.output)\(run.diagnostics)")
    #expect(try workspace.text("out/report.html").contains("test top5"))
    #expect(try workspace.strata("show", "out").output.contains("top5"))
    struct Top5: Decodable {
      struct Module: Decodable { var testTop5, trainTop5: Comparison.Spread }
      struct Group: Decodable {
        var modules: [Module]
        var ensembleTop5: Comparison.Spread?
      }
      var groups: [Group]
    }
    struct Summary: Decodable {
      struct Module: Decodable { var trainTop5, testTop5: Double }
      var modules: [Module]
    }
    let json = try workspace.strata("compare", "out", "--json")
    let module = try JSONDecoder().decode(Top5.self, from: Data(json.output.utf8)).groups[0].modules[0]
    let summary = try workspace.decode(Summary.self, "out/summary.json").modules[0]
    #expect(module.testTop5.mean == summary.testTop5 && module.trainTop5.mean == summary.trainTop5)
    #expect(summary.testTop5 > 0)
  }

  @Test("what probes find is kept, drawn in the run's page, and compared")
  func probes() throws {
    try train("a", "training.epochs=1")
    #expect(try workspace.strata("probe", "a", "--learners", "nearest").exitCode == 0)
    let first = try workspace.data("a/probes.json")
    let report = try workspace.text("a/report.html")
    #expect(report.contains("<h2>Separability</h2>") && report.contains("separability, nearest probe"))
    #expect(report.contains("finished: parallel training of 2 modules"))
    // The same probe again, with another number of threads: the same file.
    #expect(try workspace.strata("probe", "a", "--learners", "nearest", "--threads", "3").exitCode == 0)
    #expect(try workspace.data("a/probes.json") == first)
    #expect(try workspace.text("a/report.html") == report)
    let probed = try workspace.strata("probe", "a", "--learners", "nearest", "--features", "full", "--json")
    struct Probe: Decodable {
      struct Depth: Decodable {
        struct Figure: Decodable { var testTop1: Double }
        var module: Int
        var nearest: Figure
      }
      var depths: [Depth]
    }
    let depths = try JSONDecoder().decode(Probe.self, from: Data(probed.output.utf8)).depths
    struct Kept: Decodable {
      struct Record: Decodable {
        struct Depth: Decodable {
          var module: Int
          var testTop1: Double
        }
        var learner, features: String
        var depths: [Depth]
      }
      var probes: [Record]
    }
    let records = try workspace.decode(Kept.self, "a/probes.json").probes
    #expect(records.map(\.features) == ["2x2", "full"])
    #expect(records[1].depths.map(\.module) == depths.map(\.module))
    #expect(records[1].depths.map(\.testTop1) == depths.map(\.nearest.testTop1))
    let text = try workspace.strata("compare", "a").output
    #expect(text.contains("Separability: nearest probe, features 2x2, test top1 by depth"), "\(text)")
    #expect(text.contains("separability, nearest probe, features full"))
  }

  @Test("several seeds: a run each, then the comparison; and a report in every folder")
  func seeds() throws {
    let result = try workspace.strata(
      "run", "net.yaml", "--seeds", "3", "-o", "three", "--set", "training.epochs=1", "--set",
      "training.seed=7", "--json")
    #expect(result.exitCode == 0, "\(result.diagnostics)")
    let comparison = try JSONDecoder().decode(Comparison.self, from: Data(result.output.utf8))
    #expect(comparison.groups.map { $0.runs.map(\.seed) } == [["7", "8", "9"]])
    #expect(comparison.groups[0].runs.map(\.folder) == ["three/seed-7", "three/seed-8", "three/seed-9"])
    #expect(comparison.groups[0].modules[1].testTop1?.count == 3)
    // Each is the run that its seed gives alone.
    try train("alone", "training.epochs=1", "training.seed=8")
    let isSame =
      try workspace.data("alone/model.safetensors") == workspace.data("three/seed-8/model.safetensors")
    #expect(isSame)
    let report = try workspace.text("three/seed-9/report.html")
    #expect(report.hasPrefix("<!DOCTYPE html>") && report.hasSuffix("</html>\n"))
    for words in [
      "finished: parallel training of 2 modules", "seed 9", "Memory, planned and measured",
      "Who holds the peak",
    ] {
      #expect(report.contains(words), "\(words)")
    }
    #expect(!report.contains("<script") && !report.contains("http"))
    #expect(try workspace.strata("plan", "net.yaml", "-o", "net.plan.json").exitCode == 0)
    #expect(try workspace.strata("run", "net.plan.json", "--seeds", "2").exitCode == 2)
    #expect(try workspace.strata("run", "three/seed-7", "--resume", "--seeds", "2").exitCode == 2)
    let last = "training.seed=\(UInt64.max)"
    #expect(try workspace.strata("run", "net.yaml", "--seeds", "2", "--set", last).exitCode == 2)
  }

  @Test("what is to be said of the spec is said once, however many seeds there are")
  func warnings() throws {
    try workspace.write(
      digitsSpec.replacing("source: digits", with: "source: npy, path: images").replacing(
        "widths: [8, 16]", with: "input: 1x8x8, classes: 10, widths: [8, 8]"), to: "files.yaml")
    let run = try workspace.strata(
      "run", "files.yaml", "--seeds", "2", "-o", "two", "--set", "data.source=synthetic", "--set",
      "training.epochs=1")
    #expect(run.exitCode == 0, "\(run.diagnostics)")
    #expect(run.diagnostics.matches(of: /warning\[E022\]/).count == 1, "\(run.diagnostics)")
  }

  @Test("what is no run is a fault, what is spoilt a failure")
  func faults() throws {
    #expect(try workspace.strata("compare", "nowhere").exitCode == 2)
    try train("a")
    let metrics = try workspace.text("a/metrics.jsonl")
    try workspace.write("{\"module\": 1, \n" + metrics, to: "a/metrics.jsonl")
    let spoilt = try workspace.strata("compare", "a")
    #expect(spoilt.exitCode == 1)
    #expect(spoilt.diagnostics.contains("a/metrics.jsonl, line 1"), "\(spoilt.diagnostics)")
  }
}
