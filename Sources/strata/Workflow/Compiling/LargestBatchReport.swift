internal import Diagnostics
internal import Pipeline
internal import Planning
internal import SpecLanguage
internal import Terminal
internal import Text

/// `strata plan --largest-batch`: the largest batch of each strategy within a budget.
enum LargestBatchReport {
  static func run(
    _ loaded: LoadedSpec, threads: Int, budget: MemorySize?, dataPath: String?, _ console: Console, json: Bool
  ) throws(CommandFailure) -> ExitCode {
    guard let budget = Budget(budget, spec: loaded.spec, threads: threads) else {
      throw CommandFailure(
        .faultyInput, "'--largest-batch' needs a budget",
        help: "pass --budget SIZE, or set memory.budget in the spec")
    }
    budget.tell(console)
    let facts = try loaded.facts(dataPath: dataPath, withFingerprint: false, console, json: json)
    try console.requireNoWarnings(json: json)
    let start = try loaded.checked(console, json: json) { _ throws(CompilationFailed) in
      try loaded.readStart()
    }
    let options = CompileOptions(threads: threads, facts: facts, specText: loaded.text, start: start)
    let found = try loaded.checked(console, json: json) { spec throws(CompilationFailed) in
      try LargestBatch.all(of: spec, options: options, budgetBytes: budget.byteCount)
    }
    if json {
      console.output.write(JSONWriter.document(document(found, loaded, budget)))
    } else {
      console.output.write(
        text(found, loaded, budget, trainCount: facts.trainCount, console.output.style))
    }
    return found.contains { $0.batch != nil } ? .done : .overBudget
  }

  /// Of the batch of end-to-end training; nil where pictures, not memory, bound one of both.
  private static func ratio(_ figure: LargestBatch, _ all: [LargestBatch]) -> Double? {
    guard let base = all.first(where: { $0.strategy == .endToEnd }), !base.isAllPictures,
      !figure.isAllPictures,
      let batch = figure.batch, let baseBatch = base.batch
    else { return nil }
    return Double(batch) / Double(baseBatch)
  }

  private static func text(
    _ found: [LargestBatch], _ loaded: LoadedSpec, _ budget: Budget, trainCount: Int, _ style: TextStyle
  ) -> String {
    var table = Table([
      .left("strategy"), .right("largest batch"), .right("peak"), .right("times end-to-end's"),
    ])
    for figure in found {
      table.add([
        figure.strategy.rawValue,
        figure.batch.map { grouped($0) + (figure.isAllPictures ? " (all pictures)" : "") } ?? "none",
        figure.peakBytes.map { byteSize($0) } ?? "-",
        ratio(figure, found).map { fixed($0, decimals: 2) } ?? "-",
      ])
    }
    let note =
      found.contains(where: \.isAllPictures)
      ? "all pictures: no batch is larger than the \(grouped(trainCount)) training pictures\n" : ""
    return style.bold(loaded.spec.name.value) + ": within \(byteSize(budget.byteCount))\n"
      + table.text(style) + note
  }

  private static func document(_ found: [LargestBatch], _ loaded: LoadedSpec, _ budget: Budget) -> JSON {
    .object([
      ("schema", "strata.largest-batch/1"), ("name", .string(loaded.spec.name.value)),
      ("budgetBytes", .integer(budget.byteCount)),
      (
        "strategies",
        .array(
          found.map { figure in
            .object([
              ("strategy", .string(figure.strategy.rawValue)),
              ("batch", .optional(figure.batch, JSON.integer)),
              ("peakBytes", .optional(figure.peakBytes, JSON.integer)),
              ("isAllPictures", .bool(figure.isAllPictures)),
              ("ratio", .optional(ratio(figure, found)) { .number($0) }),
            ])
          })
      ),
    ])
  }
}
