import Foundation
import Testing

private struct Compression: Decodable {
  struct Size: Decodable, Equatable { var parameters, macs: Int }
  struct Network: Decodable { var before, after: Size }
  struct Module: Decodable {
    var index, channels, width: Int
    var before, after: Size
    var trainedTestTop1, cutTestTop1, tunedTestTop1: Double?
    var kept: [Int]?
  }
  var network: Network
  var modules: [Module]
}

private struct Summary: Decodable {
  struct Module: Decodable { var testTop1: Double? }
  var status: String
  var modules: [Module]
  var compression: Compression?
}

private struct Evaluation: Decodable {
  struct Module: Decodable { var testTop1: Double }
  var modules: [Module]
  var compression: Compression?
}

private struct CompiledPlan: Decodable {
  struct Size: Decodable { var parameters, macs: Int }
  struct Network: Decodable {
    var parameters, macs: Int
    var before: Size?
  }
  struct Stage: Decodable {
    var modules: [Int]
    var epochs: Int
    var purpose: String?
  }
  var network: Network
  var stages: [Stage]
}

@Suite("Compression, from the command line")
struct CompressionCommandTests {
  private let workspace: Workspace

  /// Two layers, of which the first loses half of its channels and the second two.
  private static let spec = """
    strata: 1
    name: narrow
    data: {source: digits, limit: {train: 200, test: 100}}
    network: {family: vgg, widths: [12, 8], head: {kind: cnn, k: 2, width: 6}}
    auxiliary: {kind: cnn, k: 2, width: 10}
    training: {strategy: sequential, epochs: 3, batch: 50, optimizer: {learning-rate: 0.05}}
    compression: {width: [6, 6], epochs: 2}

    """

  init() throws {
    workspace = try Workspace()
    try workspace.write(Self.spec, to: "net.yaml")
  }

  @Test("sizes in the plan, accuracies in every report, and weights of the narrow network")
  func wholeRun() throws {
    let plan = try workspace.strata("plan", "net.yaml", "-o", "net.plan.json")
    #expect(plan.exitCode == 0, "\(plan.diagnostics)")
    #expect(plan.output.contains("compression: 2 of 2 layers, ranked by taylor over 200 images"))
    let compiled = try workspace.decode(CompiledPlan.self, "net.plan.json")
    // By hand: a 3x3 filter of each input channel with bias, batch norm's scale and shift; the head reads six channels.
    #expect(compiled.network.parameters == 6 * 12 + (6 * 9 + 3) * 6 + (6 * 9 + 2) * 6 + 2 * 6 + 24 * 10 + 10)
    #expect(
      compiled.network.before?.parameters
        == 12 * 12 + (12 * 9 + 3) * 8 + (8 * 9 + 2) * 6 + 2 * 6 + 24 * 10 + 10)
    #expect(compiled.stages.map(\.modules) == [[1], [1], [2], [2]])
    #expect(compiled.stages.map(\.epochs) == [3, 2, 3, 2])
    #expect(compiled.stages.map(\.purpose) == ["training", "fine-tuning", "training", "fine-tuning"])

    let run = try workspace.strata("run", "net.plan.json", "-o", "out")
    #expect(run.exitCode == 0, "\(run.diagnostics)")
    #expect(run.output.contains("compression, before and after"))
    let summary = try workspace.decode(Summary.self, "out/summary.json")
    let compression = try #require(summary.compression)
    #expect(compression.network.before.parameters == compiled.network.before?.parameters)
    #expect(compression.network.after.parameters == compiled.network.parameters)
    #expect(compression.modules.map(\.channels) == [12, 8] && compression.modules.map(\.width) == [6, 6])
    for (module, figures) in zip(compression.modules, summary.modules) {
      let kept = try #require(module.kept)
      #expect(kept == Set(kept).sorted() && kept.count == module.width)
      #expect(kept.allSatisfy { (1...module.channels).contains($0) })
      #expect(module.tunedTestTop1 == figures.testTop1)
      let trained = try #require(module.trainedTestTop1)
      let cut = try #require(module.cutTestTop1)
      #expect(trained > 0.5 && cut > 0.1 && module.after.macs < module.before.macs)
    }
    // Between two epochs there is a line of another kind, and no other reader takes it for an epoch.
    let lines = try workspace.text("out/metrics.jsonl").split(separator: "\n")
    #expect(lines.count == 2 * 2 * 5 + 2)
    #expect(lines.filter { $0.contains("\"split\":\"narrowed\"") }.count == 2)
    let status = try workspace.strata("show", "out")
    #expect(status.output.contains("5/5") && !status.output.contains("3/5"))
    #expect(try workspace.text("out/report.html").contains("Compression, before and after"))
    let comparison = try workspace.strata("compare", "out")
    #expect(comparison.exitCode == 0, "\(comparison.diagnostics)")
    #expect(
      try workspace.text("out/log.txt").contains("frozen modules 1 and the layers of module 2 are unchanged"))

    let evaluated = try workspace.strata("evaluate", "out", "--json")
    #expect(evaluated.exitCode == 0, "\(evaluated.diagnostics)")
    let evaluation = try JSONDecoder().decode(Evaluation.self, from: Data(evaluated.output.utf8))
    #expect(evaluation.modules.map { Optional($0.testTop1) } == summary.modules.map(\.testTop1))
    #expect(
      evaluation.compression?.modules.map(\.trainedTestTop1) == compression.modules.map(\.trainedTestTop1))

    // What the modules did before they were cut is in the metrics alone: spoilt ones are told, not left out.
    let metrics = try workspace.text("out/metrics.jsonl")
    try workspace.write(
      metrics.replacing("\"split\":\"narrowed\"", with: "\"split\":\"cut\""), to: "out/metrics.jsonl")
    let spoilt = try workspace.strata("evaluate", "out")
    #expect(spoilt.exitCode == 1 && spoilt.output == "")
    #expect(spoilt.diagnostics.contains("out/metrics.jsonl, line "), "\(spoilt.diagnostics)")
    try workspace.write(metrics, to: "out/metrics.jsonl")

    let probe = try workspace.strata("probe", "out", "--json")
    #expect(probe.exitCode == 0, "\(probe.diagnostics)")
    // The narrow network's own spec takes the weights, and knows as much without training.
    try workspace.write(
      """
      strata: 1
      name: reloaded
      data: {source: digits, limit: {train: 200, test: 100}}
      network:
        family: vgg
        widths: [6, 6, 8]
        from: out
        frozen: 2
      auxiliary: {kind: cnn, k: 2, width: 10, overrides: [{module: 2, kind: cnn, k: 2, width: 6}]}
      training: {strategy: sequential, batch: 50}

      """, to: "reloaded.yaml")
    let reloaded = try workspace.strata("run", "reloaded.yaml", "-o", "reloaded")
    #expect(reloaded.exitCode == 0, "\(reloaded.diagnostics)")
    let again = try workspace.strata("evaluate", "reloaded", "--json")
    let figures = try JSONDecoder().decode(Evaluation.self, from: Data(again.output.utf8))
    #expect(figures.modules.prefix(2).map(\.testTop1) == evaluation.modules.map(\.testTop1))
  }

  @Test("an interrupted run goes on to the same weights and the same lines")
  func resume() throws {
    func sets(_ epochs: Int) -> [String] {
      ["--set", "training.epochs=6", "--set", "compression.epochs=\(epochs)"]
    }
    let (epochs, end) = try workspace.signalled(
      "out", SIGINT, epochs: 12,
      once: { ((try? workspace.text("out/metrics.jsonl")) ?? "").contains("\"split\":\"narrowed\"") },
      arguments: { ["run", "net.yaml", "-o", "out", "--checkpoint-every", "1ms"] + sets($0) })
    #expect(end.exitCode == 6, "\(end)")
    let whole = try StrataProcess(["run", "net.yaml", "-o", "whole"] + sets(epochs), in: workspace.url)
    try #require(whole.exitCode == 0, "\(whole.diagnostics)")
    #expect(try workspace.decode(Summary.self, "out/summary.json").status == "interrupted")
    let resumed = try workspace.strata("run", "out", "--resume", "--threads", "3")
    #expect(resumed.exitCode == 0, "\(resumed.diagnostics)")
    let isSame = try workspace.data("out/model.safetensors") == workspace.data("whole/model.safetensors")
    #expect(isSame)
    func lines(_ folder: String) throws -> [String] {
      // All but the seconds, which no two runs share.
      try workspace.text("\(folder)/metrics.jsonl").split(separator: "\n").map {
        String($0.replacing(/"seconds":[^,}]*/, with: ""))
      }
    }
    #expect(try lines("out") == lines("whole"))
  }

  @Test("weights that are no numbers any more are told with the key of the rate that made them so")
  func divergence() throws {
    let rate = "training.optimizer.learning-rate"
    // Without batch norm two steps are enough to leave weights that overflow with the next batch.
    let plain = ["--set", "network.batch-norm=false"]
    let sets = plain + ["--set", "training.epochs=1", "--set", "training.batch=100", "--set", "\(rate)=1e6"]
    let first = try StrataProcess(["run", "net.yaml", "-o", "first"] + sets, in: workspace.url)
    let again = try workspace.strata("run", "first", "--resume")
    for run in [first, again] {
      #expect(run.exitCode == 1)
      #expect(run.diagnostics.contains("numbers are not finite in epoch 1"), "\(run.diagnostics)")
      #expect(run.diagnostics.contains("try a lower `\(rate)` (it is 1000000 here)"), "\(run.diagnostics)")
    }
    #expect(try !workspace.text("first/metrics.jsonl").contains("narrowed"))
    let tuned = try StrataProcess(
      ["run", "net.yaml", "-o", "tuned", "--set", "compression.learning-rate=1e6"] + plain, in: workspace.url)
    #expect(tuned.exitCode == 1)
    #expect(
      tuned.diagnostics.contains(/numbers are not finite in epoch [345].* module 1[^0-9]/),
      "\(tuned.diagnostics)")
    #expect(tuned.diagnostics.contains("try a lower `compression.learning-rate`"), "\(tuned.diagnostics)")
    // What was trained before is kept, and is good: the end of the training, or of the first epoch behind the cut, where writing took
    // so little time that there is a checkpoint of it.
    let checkpoint =
      /the last checkpoint with finite weights is (tuned\/checkpoints\/stage-[12]-[a-z0-9-]+\.safetensors)/
    let kept = try #require(tuned.diagnostics.firstMatch(of: checkpoint), "\(tuned.diagnostics)")
    #expect(FileManager.default.fileExists(atPath: workspace.url.appending(path: String(kept.1)).path))
  }

  @Test("shows what stays, tells what does not go together, and mends the strategy")
  func words() throws {
    let show = try workspace.strata("show", "net.yaml")
    #expect(show.output.contains("channels kept"))
    let graph = try workspace.strata("ir", "net.yaml", "--after", "rank")
    #expect(graph.output.contains("# stage 3, ranking") && graph.output.contains("channel_scores[taylor]("))
    let recomputed = try workspace.strata("ir", "net.yaml", "--after", "recompute")
    #expect(
      recomputed.output.contains("# stage 1, training") && recomputed.output.contains("# stage 1, ranking"))
    let parallel = try workspace.strata("plan", "net.yaml", "--set", "training.strategy=parallel")
    #expect(parallel.exitCode == 2 && parallel.diagnostics.contains("error[E051]"))
    let explained = try workspace.strata("explain", "E053")
    #expect(explained.output.contains("compression"))
    let diff = try workspace.strata("plan", "net.yaml", "-o", "a.plan.json")
    #expect(diff.exitCode == 0)
    let other = try workspace.strata(
      "plan", "net.yaml", "-o", "b.plan.json", "--set", "compression.criterion=activation")
    #expect(other.exitCode == 0, "\(other.diagnostics)")
    let difference = try workspace.strata("diff", "a.plan.json", "b.plan.json")
    #expect(difference.output.contains("compression.criterion"))
    #expect(!difference.output.contains("both come to the same weights"))
  }
}
