import Foundation
import Testing

private struct BudgetedPlan: Decodable {
  struct Choices: Decodable, Equatable {
    var microBatch, recomputeAboveBytes, forwardBatch: Int?
    var data, scratch: String
  }
  struct Memory: Decodable {
    var peakBytes, arenaBytes, runtimeBytes: Int
    var budgetBytes: Int?
  }
  struct Effect: Decodable { var choice, words, results: String }
  var threads: Int
  var layoutSha256: String
  var choices: Choices
  var choiceEffects: [Effect]
  var memory: Memory
}

private struct OverBudget: Decodable {
  struct Change: Decodable {
    var set: [String]
    var peakBytes: Int
  }
  var schema: String
  var budgetBytes, smallestBudgetBytes: Int
  var changes: [Change]
}

private struct LargestBatches: Decodable {
  struct Figure: Decodable {
    var strategy: String
    var keysLeftOut: [String]
    struct SameBits: Decodable { var batch, peakBytes: Int }
    var batch, peakBytes, batchWithDropLast: Int?
    var ratio: Double?
    var sameBits: SameBits?
  }
  var schema: String
  var strategies: [Figure]
}

private struct Summary: Decodable {
  struct Module: Decodable { var trainLoss: Double }
  struct Memory: Decodable { var plannedPeakBytes, measuredPeakBytes: Int }
  var status, weightsSha256: String
  var modules: [Module]
  var memory: Memory
}

@Suite("Budgets on the command line")
struct BudgetTests {
  private let workspace: Workspace

  /// Activations outweigh parameters and program.
  private static let spec = """
    strata: 1
    name: wide
    data: {source: synthetic, limit: {train: 128, test: 64}}
    network: {family: vgg, input: 3x32x32, widths: [64, 64, 32]}
    downsampling: {kind: max-pool, before: [3]}
    auxiliary: {kind: mlp-sr, convolutions: 1, hidden: 1}
    training: {strategy: parallel, partition: {cuts: [3]}, epochs: 1, batch: 64}

    """

  init() throws {
    workspace = try Workspace()
    try workspace.write(Self.spec, to: "net.yaml")
  }

  private func plan(_ arguments: String...) throws -> BudgetedPlan {
    let result = try StrataProcess(["plan", "net.yaml", "--json"] + arguments, in: workspace.url)
    #expect(result.exitCode == 0, "\(result.diagnostics)")
    return try JSONDecoder().decode(BudgetedPlan.self, from: Data(result.output.utf8))
  }

  @Test("a plan within a budget runs as it was planned, to the same weights where only memory changed")
  func sameBits() throws {
    let natural = try plan()
    #expect(natural.choiceEffects.isEmpty && natural.memory.budgetBytes == nil)
    let budget = natural.memory.peakBytes - natural.memory.arenaBytes / 4
    let tight = try plan("--budget", "\(budget)")
    #expect(tight.memory.peakBytes <= budget && tight.memory.budgetBytes == budget)
    #expect(tight.choices.recomputeAboveBytes != nil && tight.choices.microBatch == nil)
    #expect(tight.choiceEffects.map(\.results) == ["same bits"])

    let kept = try workspace.strata("plan", "net.yaml", "--budget", "\(budget)", "-o", "tight.json")
    #expect(kept.exitCode == 0 && kept.output.contains("\nbudget\n"))
    #expect(try workspace.decode(BudgetedPlan.self, "tight.json").layoutSha256 == tight.layoutSha256)
    for (input, folder) in [("net.yaml", "a"), ("tight.json", "b")] {
      let run = try workspace.strata("run", input, "-o", folder)
      #expect(run.exitCode == 0, "\(run.diagnostics)")
    }
    let summaries = try ["a", "b"].map { try workspace.decode(Summary.self, "\($0)/summary.json") }
    #expect(summaries[0].weightsSha256 == summaries[1].weightsSha256)
    #expect(summaries[1].memory.plannedPeakBytes == tight.memory.peakBytes)
    // What the tests' coverage and debug code take is not the release's.
    #expect(summaries[1].memory.measuredPeakBytes < summaries[0].memory.measuredPeakBytes)
  }

  @Test("a tighter one passes batches in pieces, from a spec's own budget too")
  func pieces() throws {
    let natural = try plan()
    let budget = natural.memory.peakBytes - natural.memory.arenaBytes * 7 / 10
    let tight = try plan("--budget", "\(budget)")
    #expect(tight.choices.microBatch != nil && tight.memory.peakBytes <= budget)
    let own = try plan("--set", "memory.budget=\(budget)B")
    #expect(own.choices.microBatch == tight.choices.microBatch)
    let run = try workspace.strata("run", "net.yaml", "--budget", "\(budget)", "-o", "run")
    #expect(run.exitCode == 0, "\(run.diagnostics)")
    #expect(try workspace.decode(Summary.self, "run/summary.json").status == "finished")
  }

  @Test("no number of threads changes what a budget chooses, or breaks the budget")
  func threads() throws {
    let natural = try plan()
    let budget = natural.memory.peakBytes - natural.memory.arenaBytes * 45 / 100
    let plans = try [1, 2, 3, 8, 64].map { try plan("--budget", "\(budget)", "--threads", "\($0)") }
    for (plan, asked) in zip(plans, [1, 2, 3, 8, 64]) {
      #expect(plan.memory.peakBytes <= budget && plan.threads <= asked)
      #expect(plan.choices == plans[0].choices)
    }
    #expect(plans[4].threads < 64)
    let told = try workspace.strata(
      "plan", "net.yaml", "--budget", "\(budget)", "--threads", "64", "-o", "p.json")
    #expect(told.exitCode == 0 && told.diagnostics.contains("has no room for 64 threads: the plan is for"))
    var hashes: Set<String> = []
    for (input, threads) in [("net.yaml", 1), ("net.yaml", 2), ("net.yaml", 8), ("p.json", 64)] {
      let options = input == "net.yaml" ? ["--budget", "\(budget)"] : []
      let folder = "run-\(input)-\(threads)"
      let run = try StrataProcess(
        ["run", input, "--threads", "\(threads)", "-o", folder] + options, in: workspace.url)
      #expect(run.exitCode == 0, "\(run.diagnostics)")
      let summary = try workspace.decode(Summary.self, "\(folder)/summary.json")
      hashes.insert(summary.weightsSha256)
      #expect(summary.memory.plannedPeakBytes <= budget)
    }
    #expect(hashes.count == 1)
    // A kept plan has its budget with it.
    _ = try workspace.strata("plan", "net.yaml", "--budget", "\(budget)", "-o", "two.json")
    let more = try workspace.strata("run", "two.json", "--threads", "64", "-o", "more")
    #expect(
      more.exitCode == 0 && more.diagnostics.contains("has no room for 64 threads"), "\(more.diagnostics)")
    #expect(try workspace.decode(Summary.self, "more/summary.json").memory.plannedPeakBytes <= budget)
  }

  @Test("a run tells what it does for its budget, and keeps it")
  func told() throws {
    let natural = try plan()
    let budget = natural.memory.peakBytes - natural.memory.arenaBytes / 4
    let tight = try plan("--budget", "\(budget)")
    let words = try #require(tight.choiceEffects.first?.words)
    let run = try workspace.strata("run", "net.yaml", "--budget", "\(budget)", "-o", "run")
    #expect(run.exitCode == 0 && run.output.contains("budget: \(words) (same bits)\n"), "\(run.output)")
    #expect(try workspace.text("run/log.txt").contains("budget: \(words) (same bits)\n"))
    let shown = try workspace.strata("show", "run")
    #expect(shown.output.contains("  \(words) (same bits)\n"), "\(shown.output)")
    let plain = try workspace.strata("run", "net.yaml", "-o", "plain")
    #expect(!plain.output.contains("budget:") && plain.exitCode == 0)
  }

  @Test("where nothing fits, what would is named, and holds")
  func overBudget() throws {
    let people = try workspace.strata("plan", "net.yaml", "--budget", "1MiB")
    #expect(people.exitCode == 3 && people.output.isEmpty)
    #expect(people.diagnostics.contains("the smallest budget that would do"))
    let natural = try plan()
    let budget = natural.memory.runtimeBytes + natural.memory.arenaBytes / 64
    let programs = try StrataProcess(
      ["plan", "net.yaml", "--json", "--budget", "\(budget)"], in: workspace.url)
    #expect(programs.exitCode == 3)
    let report = try JSONDecoder().decode(OverBudget.self, from: Data(programs.output.utf8))
    #expect(report.schema == "strata.over-budget/1" && report.budgetBytes == budget)
    #expect(report.smallestBudgetBytes > budget)
    #expect(
      try plan("--budget", "\(report.smallestBudgetBytes)").memory.peakBytes <= report.smallestBudgetBytes)
    #expect(!report.changes.isEmpty && report.changes.count <= 3)
    for change in report.changes {
      let sets = change.set.flatMap { ["--set", $0] }
      let result = try StrataProcess(
        ["plan", "net.yaml", "--json", "--budget", "\(budget)"] + sets, in: workspace.url)
      #expect(result.exitCode == 0, "\(change.set)")
    }
    #expect(try workspace.strata("run", "net.yaml", "--budget", "1MiB").exitCode == 3)
  }

  @Test("a budget that the smallest one rounds to is told in bytes")
  func closeCall() throws {
    let programs = try StrataProcess(["plan", "net.yaml", "--json", "--budget", "1MiB"], in: workspace.url)
    let smallest = try JSONDecoder().decode(OverBudget.self, from: Data(programs.output.utf8))
      .smallestBudgetBytes
    let short = try workspace.strata("plan", "net.yaml", "--budget", "\(smallest - 1)B")
    #expect(short.exitCode == 3)
    let figures = (smallest - 1).formatted(.number.grouping(.automatic).locale(Locale(identifier: "en_US")))
    #expect(
      short.diagnostics.contains(
        "stays within \(figures) bytes: the smallest budget that would do: --budget \(smallest)B (1 byte more)"
      ),
      "\(short.diagnostics)")
    #expect(
      try workspace.strata("plan", "net.yaml", "--budget", "0%").diagnostics.contains(
        "above 0% and at most 100%"))
  }

  @Test("a share is of the tightest limit, which is named")
  func shares() throws {
    let result = try workspace.strata("plan", "net.yaml", "--budget", "80%")
    #expect(result.exitCode == 0, "\(result.diagnostics)")
    #expect(result.diagnostics.contains("budget: ") && result.diagnostics.contains("80% of "))
  }

  @Test("the largest batch of each strategy")
  func largestBatch() throws {
    let result = try workspace.strata("plan", "net.yaml", "--largest-batch", "--budget", "200MiB", "--json")
    #expect(result.exitCode == 0, "\(result.diagnostics)")
    let report = try JSONDecoder().decode(LargestBatches.self, from: Data(result.output.utf8))
    #expect(report.schema == "strata.largest-batch/1")
    #expect(report.strategies.map(\.strategy) == ["end-to-end", "parallel", "sequential"])
    #expect(report.strategies.allSatisfy { ($0.peakBytes ?? .max) <= 200 << 20 && ($0.batch ?? 0) > 0 })
    #expect(report.strategies.allSatisfy { ($0.sameBits?.batch ?? 0) >= ($0.batch ?? 0) })
    #expect(try workspace.strata("plan", "net.yaml", "--largest-batch").exitCode == 2)
    #expect(
      try workspace.strata("plan", "net.yaml", "--largest-batch", "--budget", "1MiB").exitCode == 3)
    // What is of a plan is not passed over in silence.
    for (options, words) in [
      (["-o", "p.json"], "'-o'"), (["--html", "p.html"], "'--html'"), (["--stages"], "'--stages'"),
      (["--stages", "--html", "p.html"], "'--html', '--stages'"),
    ] {
      let refused = try StrataProcess(
        ["plan", "net.yaml", "--largest-batch", "--budget", "200MiB"] + options, in: workspace.url)
      #expect(refused.exitCode == 2 && refused.output == "")
      #expect(
        refused.diagnostics == "error: '--largest-batch' makes no plan for \(words)\n",
        "\(refused.diagnostics)")
    }
  }

  @Test("a batch that leaves one image over is named as one with drop-last")
  func lastBatchOfOne() throws {
    let images = ["--set", "data.limit.train=905", "--threads", "2"]
    func planned(_ batch: Int, _ more: String...) throws -> StrataProcess {
      try StrataProcess(
        ["plan", "net.yaml", "--json", "--set", "training.batch=\(batch)"] + images + more,
        in: workspace.url)
    }
    let peak = try JSONDecoder().decode(
      BudgetedPlan.self, from: Data(planned(452, "--set", "training.drop-last=true").output.utf8)
    ).memory.peakBytes
    // With the margin of one part in 64.
    let budget = ["--budget", "\(peak + peak / 63 + 1)B"]
    let result = try StrataProcess(
      ["plan", "net.yaml", "--json", "--largest-batch"] + budget + images, in: workspace.url)
    let report = try JSONDecoder().decode(LargestBatches.self, from: Data(result.output.utf8))
    let parallel = try #require(report.strategies.first { $0.strategy == "parallel" })
    #expect(parallel.batch == 451 && parallel.batchWithDropLast == 452)
    #expect(try planned(451, budget[0], budget[1]).exitCode == 0)
    let refused = try planned(452, budget[0], budget[1])
    #expect(refused.exitCode == 2 && refused.diagnostics.contains("error[E117]"), "\(refused.diagnostics)")
    let people = try StrataProcess(
      ["plan", "net.yaml", "--largest-batch"] + budget + images, in: workspace.url)
    #expect(people.output.contains("451 (452 with drop-last)"), "\(people.output)")
    // All that is named is planned with the same budget, nothing but the strategy and the batch set.
    for figure in report.strategies {
      for batch in [figure.batch, figure.sameBits?.batch].compactMap(\.self) {
        let plan = try planned(batch, budget[0], budget[1], "--set", "training.strategy=\(figure.strategy)")
        #expect(plan.exitCode == 0, "\(figure.strategy) \(batch): \(plan.diagnostics)")
      }
    }
  }

  @Test("where a budget chooses the modules, no batch of the same bits is named")
  func largestBatchOfOpenPartitions() throws {
    let arguments = [
      "plan", "net.yaml", "--largest-batch", "--budget", "200MiB", "--set", "training.partition=auto",
    ]
    let result = try StrataProcess(arguments + ["--json"], in: workspace.url)
    #expect(result.exitCode == 0, "\(result.diagnostics)")
    let report = try JSONDecoder().decode(LargestBatches.self, from: Data(result.output.utf8))
    for figure in report.strategies {
      #expect(figure.batch != nil)
      #expect((figure.sameBits == nil) == (figure.strategy != "end-to-end"), "\(figure.strategy)")
    }
    let people = try StrataProcess(arguments, in: workspace.url)
    #expect(people.output.contains("parallel: with 'partition: auto' a budget chooses the modules"))
  }

  /// Where the way to a small peak computes logits again, the loss reads the copy, and so does what its metric is of.
  @Test("logits that are computed again are no fault, and change no weight")
  func logitsComputedAgain() throws {
    try workspace.write(
      """
      strata: 1
      name: matching
      data: {source: synthetic, limit: {train: 64, test: 32}}
      network:
        {family: vgg, input: 3x8x8, classes: 30, widths: [16, 16], head: {kind: mlp, hidden: [4, 7]}}
      auxiliary: {kind: mlp, hidden: 3, loss: predsim}
      training: {strategy: sequential, epochs: 1, batch: 32}
      numerics: strict
      """, to: "matching.yaml")
    let line = ["matching.yaml", "--threads", "2"]
    let plan = try StrataProcess(["plan", "--json"] + line, in: workspace.url)
    let peak = try JSONDecoder().decode(BudgetedPlan.self, from: Data(plan.output.utf8)).memory.peakBytes
    func budget(_ permille: Int) -> [String] { ["--budget", "\(peak * permille / 1000)B"] }
    for permille in [970, 940, 900] {
      let refused = try StrataProcess(["plan"] + line + budget(permille), in: workspace.url)
      #expect(refused.exitCode == 3, "\(permille): \(refused)")
    }
    let within = try StrataProcess(["plan"] + line + budget(1014), in: workspace.url)
    #expect(within.exitCode == 0 && within.output.contains("computed again"), "\(within)")
    for (folder, options) in [("plain", []), ("again", budget(1014))] {
      #expect(try StrataProcess(["run", "-o", folder] + line + options, in: workspace.url).exitCode == 0)
    }
    let isSame = try workspace.data("plain/model.safetensors") == workspace.data("again/model.safetensors")
    #expect(isSame)
  }

  @Test("a strategy that does not take a key of the spec says so, and is planned without it")
  func largestBatchWithoutKeys() throws {
    let line = [
      "plan", "net.yaml", "--budget", "200MiB", "--threads", "2", "--set", "training.start={every: 1}",
    ]
    let result = try StrataProcess(line + ["--largest-batch", "--json"], in: workspace.url)
    let report = try JSONDecoder().decode(LargestBatches.self, from: Data(result.output.utf8))
    let sequential = try #require(report.strategies.first { $0.strategy == "sequential" })
    #expect(sequential.keysLeftOut == ["training.start"])
    #expect(report.strategies.filter { $0.strategy != "sequential" }.allSatisfy { $0.keysLeftOut == [] })
    let people = try StrataProcess(line + ["--largest-batch"], in: workspace.url)
    #expect(
      people.output.contains(
        "sequential: without training.start, which it does not take: --set training.start=null\n"),
      "\(people.output)")
    let sets = ["training.strategy=sequential", "training.batch=\(try #require(sequential.batch))"]
    func planned(_ sets: [String]) throws -> Int32 {
      try StrataProcess(line + sets.flatMap { ["--set", $0] }, in: workspace.url).exitCode
    }
    #expect(try planned(sets) == 2)
    #expect(try planned(sets + ["training.start=null"]) == 0)
  }

  @Test("stored weights to start from change no batch, and where they do not fit that is the fault")
  func largestBatchFromWeights() throws {
    try workspace.write(
      Self.spec.replacing("train: 128", with: "train: 64").replacing("[64, 64, 32]", with: "[8, 8, 8]"),
      to: "narrow.yaml")
    let run = try workspace.strata("run", "narrow.yaml", "-o", "first")
    try #require(run.exitCode == 0, "\(run.diagnostics)")
    func batches(_ sets: String...) throws -> StrataProcess {
      try StrataProcess(
        ["plan", "narrow.yaml", "--largest-batch", "--budget", "60MiB", "--json"]
          + sets.flatMap { ["--set", $0] }, in: workspace.url)
    }
    let drawn = try batches()
    #expect(drawn.exitCode == 0 && drawn.output.contains("\"batch\": "), "\(drawn.diagnostics)")
    let stored = try batches("network.from=first")
    #expect(stored.exitCode == 0, "\(stored.diagnostics)")
    #expect(stored.output == drawn.output)
    let frozen = try batches("network.from=first", "network.frozen=1")
    #expect(frozen.exitCode == 0, "\(frozen.diagnostics)")
    let report = try JSONDecoder().decode(LargestBatches.self, from: Data(frozen.output.utf8))
    #expect(report.strategies.map(\.strategy) == ["end-to-end", "parallel", "sequential"])
    #expect(report.strategies.allSatisfy { ($0.batch ?? 0) > 0 })
    for sets in [
      ("network.from=nowhere", "training.seed=1"), ("network.from=first", "network.widths=[9, 8, 8]"),
    ] {
      let fault = try batches(sets.0, sets.1)
      #expect(fault.exitCode == 2 && fault.diagnostics.contains("error[E132]"), "\(fault.diagnostics)")
    }
  }

  @Test("the passes of a budget can be looked at, and a plan takes no other budget")
  func commands() throws {
    let natural = try plan()
    let budget = natural.memory.peakBytes - natural.memory.arenaBytes / 4
    let graph = try workspace.strata("ir", "net.yaml", "--budget", "\(budget)", "--after", "recompute")
    #expect(graph.exitCode == 0 && graph.output.contains("recomputed"))
    _ = try workspace.strata("plan", "net.yaml", "-o", "net.json")
    #expect(try workspace.strata("run", "net.json", "--budget", "1GiB").exitCode == 2)
    // A plan file whose choices can't be is refused, whatever is in it.
    let text = try workspace.text("net.json")
    for (old, new) in [("\"microBatch\": null", "\"microBatch\": 0"), ("\"fast\"", "\"huge\"")] {
      try workspace.write(text.replacingOccurrences(of: old, with: new), to: "spoiled.json")
      #expect(try workspace.strata("run", "spoiled.json", "--dry-run").exitCode == 2, "\(new)")
    }
    for (old, new) in [
      ("\"modules\": null", "\"modules\": 9"), ("\"microBatch\": null", "\"microBatch\": 7"),
    ] {
      try workspace.write(text.replacingOccurrences(of: old, with: new), to: "spoiled.json")
      // Choices that this spec's plan does not make: its figures say otherwise.
      #expect(try workspace.strata("run", "spoiled.json", "--dry-run").exitCode == 4, "\(new)")
    }
  }
}
