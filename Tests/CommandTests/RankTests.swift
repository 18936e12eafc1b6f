import Foundation
import Testing

@Suite("Ranks on the command line")
struct RankTests {
  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try workspace.write(digitsSpec.replacing("[8, 16]", with: "[8, 16, 16]"), to: "net.yaml")
  }

  private struct Ranked: Decodable {
    struct Memory: Decodable { var peakBytes, arenaBytes, dataBytes: Int }
    struct Rank: Decodable {
      var rank: Int
      var modules: [Int]
      var memory: Memory
      var sendBytesPerStep, receiveBytesPerStep, macsPerStep: Int
      var share: Double
    }
    struct Pipeline: Decodable {
      var fillSteps: Int
      var speedup: Double
      var budgetBytes: Int?
    }
    struct PipelineTime: Decodable {
      struct Link: Decodable {
        var bitsPerSecond, rank: Int
        var secondsPerStep: Double
      }
      var unit: String
      var link: Link?
    }
    var ranks: [Rank]?
    var pipeline: Pipeline?
    var pipelineTime: PipelineTime?
  }

  private struct OverBudget: Decodable {
    var schema: String
    var budgetBytes, ranks, rank, peakBytes, smallestBudgetBytes: Int
    var fittingRanks: Int?
  }

  private func decoded<Document: Decodable>(_ type: Document.Type, _ result: StrataProcess) throws -> Document
  {
    try JSONDecoder().decode(type, from: Data(result.output.utf8))
  }

  @Test("a plan names modules, memory, bytes and speed-up of each, for people and programs")
  func plan() throws {
    let text = try workspace.strata("plan", "net.yaml", "--ranks", "3", "--link", "1Gbit/s")
    #expect(text.exitCode == 0, "\(text.diagnostics)")
    for words in [
      "3 modules on 3 ranks", "fill: 2 steps", "speed-up by balance: at most", "by multiply-adds",
      "speed-up by link: what rank 0 sends takes", "1Gbit/s", "one process takes",
    ] { #expect(text.output.contains(words), "\(words): \(text.output)") }
    let result = try workspace.strata("plan", "net.yaml", "--ranks", "3", "--link", "1Gbit/s", "--json")
    let plan = try decoded(Ranked.self, result)
    let ranks = try #require(plan.ranks)
    #expect(ranks.map(\.rank) == [0, 1, 2] && ranks.map(\.modules) == [[1], [2], [3]])
    // The digits are 8x8: 50 images of 8 channels, and their labels; then 16 channels of 4x4.
    #expect(ranks.map(\.sendBytesPerStep) == [50 * 4 * (8 * 64 + 1), 50 * 4 * (16 * 16 + 1), 0])
    #expect(ranks.map(\.receiveBytesPerStep) == [0, 50 * 4 * (8 * 64 + 1), 50 * 4 * (16 * 16 + 1)])
    let dearest = try #require(ranks.map(\.macsPerStep).max())
    for rank in ranks {
      #expect(abs(rank.share - Double(rank.macsPerStep) / Double(dearest)) < 1e-4)
    }
    #expect(ranks[0].memory.dataBytes > 0 && ranks[1].memory.dataBytes == 0)
    #expect(plan.pipeline?.fillSteps == 2)
    let speedup = Double(ranks.map(\.macsPerStep).reduce(0, +)) / Double(dearest)
    #expect(abs((plan.pipeline?.speedup ?? 0) - speedup) < 1e-4)
    let link = try #require(plan.pipelineTime?.link)
    #expect(
      plan.pipelineTime?.unit == "multiplyAdds" && link.bitsPerSecond == 1_000_000_000 && link.rank == 0)
    #expect(abs(link.secondsPerStep - 8 * 50 * 4 * 513 / 1e9) < 1e-12)
    let one = try decoded(Ranked.self, try workspace.strata("plan", "net.yaml", "--json"))
    #expect(one.ranks == nil && one.pipeline == nil && one.pipelineTime == nil)
  }

  @Test("a plan that is kept has them, is shown rank by rank, and is run by nobody")
  func kept() throws {
    #expect(try workspace.strata("plan", "net.yaml", "--ranks", "2", "-o", "net.plan.json").exitCode == 0)
    let shown = try workspace.strata("show", "net.plan.json")
    #expect(shown.exitCode == 0 && shown.output.contains("3 modules on 2 ranks"), "\(shown.diagnostics)")
    let rank = try workspace.strata("show", "net.plan.json", "--rank", "1")
    #expect(rank.exitCode == 0 && rank.output.contains("rank 1 of 2"), "\(rank.diagnostics)")
    #expect(rank.output.contains("receive.") && !rank.output.contains("send."))
    let layout = try workspace.strata("show", "net.plan.json", "--rank", "0", "--layout")
    #expect(layout.output.contains("replay send.") && !layout.output.contains("receive."))
    #expect(try workspace.strata("show", "net.plan.json", "--rank", "1", "--at", "peak").exitCode == 0)
    let again = try workspace.strata("show", "net.yaml", "--ranks", "2", "--rank", "1")
    #expect(again.output == rank.output)
    let missing = try workspace.strata("show", "net.plan.json", "--rank", "2")
    #expect(missing.exitCode == 2 && missing.diagnostics.contains("there is no rank 2: the plan has 2"))
    for more in [[], ["--dry-run"]] {
      let run = try StrataProcess(["run", "net.plan.json", "-o", "r"] + more, in: workspace.url)
      #expect(run.exitCode == 2)
      #expect(run.diagnostics.contains("is for 2 ranks, and 'strata run' trains in one process"))
    }
    #expect(try workspace.names(in: ".").contains("r") == false)
    let other = try workspace.strata("show", "net.plan.json", "--threads", "1")
    #expect(other.exitCode == 0 && other.output.contains("1 worker a rank"), "\(other.diagnostics)")
    // One rank is one process.
    #expect(try workspace.strata("plan", "net.yaml", "--ranks", "1", "-o", "one.plan.json").exitCode == 0)
    #expect(try workspace.strata("run", "one.plan.json", "--dry-run").exitCode == 0)
  }

  @Test("a plan whose ranks were edited, or whose spec changed, is stale")
  func stale() throws {
    #expect(try workspace.strata("plan", "net.yaml", "--ranks", "2", "-o", "net.plan.json").exitCode == 0)
    let text = try workspace.text("net.plan.json")
    let start = try #require(text.range(of: "\"modules\": [1"))
    for words in ["\"modules\": [0", "\"modules\": [7", "\"modules\": [\"a\""] {
      try workspace.write(text.replacingCharacters(in: start, with: words), to: "edited.plan.json")
      let run = try workspace.strata("run", "edited.plan.json", "--dry-run")
      #expect(run.exitCode == 4, "\(words): \(run.diagnostics)")
    }
    try workspace.write(
      try workspace.text("net.yaml").replacing("batch: 50", with: "batch: 40"), to: "net.yaml")
    let run = try workspace.strata("run", "net.plan.json")
    #expect(run.exitCode == 4)
    #expect(run.diagnostics.contains("strata plan net.yaml --ranks 2 "), "\(run.diagnostics)")
  }

  @Test("a budget is each rank's; the smallest number of ranks that fits is named")
  func budget() throws {
    // Parameters and the optimizer's state outweigh a step.
    try workspace.write(
      """
      strata: 1
      name: wide
      data: {source: synthetic, limit: {train: 128, test: 64}}
      network: {family: vgg, input: 3x4x4, classes: 10, widths: [256, 256, 256, 256], head: gap}
      training: {strategy: parallel, epochs: 1, batch: 8}
      """, to: "wide.yaml")
    func largest(_ count: Int) throws -> Int {
      let result = try workspace.strata(
        "plan", "wide.yaml", "--ranks", "\(count)", "--threads", "1", "--json")
      return try #require(try decoded(Ranked.self, result).ranks?.map(\.memory.peakBytes).max())
    }
    let peaks = try (1...4).map(largest)
    // Room for what three ranks take, margin included.
    let budget = peaks[2] + peaks[2] / 32
    let expected = try #require(peaks.firstIndex { $0 <= budget - budget / 64 }).advanced(by: 1)
    #expect(peaks[0] > budget && expected > 1)
    let result = try workspace.strata(
      "plan", "wide.yaml", "--ranks", "1", "--threads", "1", "--budget", "\(budget)B")
    #expect(result.exitCode == 3)
    #expect(
      result.diagnostics.contains("the smallest number of ranks that fits: --ranks \(expected),"),
      "\(result.diagnostics)")
    let document = try decoded(
      OverBudget.self,
      try workspace.strata(
        "plan", "wide.yaml", "--ranks", "1", "--threads", "1", "--budget", "\(budget)B", "--json"))
    #expect(document.schema == "strata.over-budget/1" && document.fittingRanks == expected)
    #expect(document.peakBytes == peaks[0] && document.rank == 0 && document.ranks == 1)
    let fits = try workspace.strata(
      "plan", "wide.yaml", "--ranks", "\(expected)", "--threads", "1", "--budget", "\(budget)B", "--json")
    #expect(fits.exitCode == 0)
    #expect(try decoded(Ranked.self, fits).pipeline?.budgetBytes == budget)
    let none = try workspace.strata("plan", "wide.yaml", "--ranks", "2", "--threads", "1", "--budget", "1MiB")
    #expect(none.exitCode == 3 && none.diagnostics.contains("no number of ranks fits"), "\(none.diagnostics)")
  }

  @Test("what does not go together is refused by name")
  func faults() throws {
    for (arguments, code, words) in [
      (["plan", "net.yaml", "--ranks", "4"], 2, "E202"),
      (["plan", "net.yaml", "--ranks", "2", "--set", "training.strategy=sequential"], 2, "E200"),
      (["plan", "net.yaml", "--ranks", "0"], 2, "an integer from 1 to 1,000"),
      (["plan", "net.yaml", "--link", "1Gbit/s"], 2, "'--link' goes with '--ranks'"),
      (["plan", "net.yaml", "--ranks", "2", "--link", "fast"], 2, "a rate like 10Gbit/s"),
      (["plan", "net.yaml", "--ranks", "2", "--html", "a.html"], 2, "does not go with '--html'"),
      (["show", "net.yaml", "--rank", "1"], 2, "'--rank' goes with '--ranks'"),
      (["ir", "net.yaml", "--rank", "1"], 2, "'--ranks' and '--rank' go together"),
      (["ir", "net.yaml", "--ranks", "2", "--rank", "2"], 2, "there is no rank 2"),
    ] as [([String], Int32, String)] {
      let result = try StrataProcess(arguments, in: workspace.url)
      #expect(result.exitCode == code, "\(arguments): \(result.diagnostics)")
      #expect(result.diagnostics.contains(words), "\(arguments): \(result.diagnostics)")
    }
    let ir = try workspace.strata("ir", "net.yaml", "--ranks", "2", "--rank", "1")
    #expect(ir.exitCode == 0 && ir.output.contains("# rank 1, training\n"))
    #expect(ir.output.contains("= receive(receive."))
    let linked = try workspace.strata("ir", "net.yaml", "--ranks", "2", "--rank", "0", "--after", "ranks")
    #expect(linked.output.contains("send(") && !linked.output.contains("receive("))
  }
}
