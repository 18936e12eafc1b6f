internal import Diagnostics
internal import Pipeline
internal import Planning
internal import SpecLanguage
internal import Terminal
internal import Text

/// `strata plan --largest-batch`: the largest batch of each strategy within a budget.
enum LargestBatchReport {
  static func run(
    _ loaded: LoadedSpec, threads: Int, budget: MemorySize?, dataPath: String?, _ session: Session
  ) throws(CommandFailure) -> ExitCode {
    guard let budget = Budget(budget, spec: loaded.spec) else {
      throw CommandFailure(
        .faultyInput, "'--largest-batch' needs a budget",
        help: "pass --budget SIZE, or set memory.budget in the spec")
    }
    budget.tell(session)
    let (lowered, facts) = try loaded.prepared(
      dataPath: dataPath, withFingerprint: false, session)
    try session.requireNoWarnings()
    let start = try loaded.checked(session) { _ throws(CompilationFailed) in
      try loaded.readStart()
    }
    let options = CompileOptions(threads: threads, facts: facts, specText: loaded.text, start: start)
    let progress = SearchProgress(on: session.diagnostics)
    let found = try loaded.checked(session) { _ throws(CompilationFailed) in
      try LargestBatch.all(of: lowered, options: options, budgetBytes: budget.usableByteCount) { count in
        progress.note {
          "looking for the largest batches within \(byteSize(budget.byteCount)): \(count) measured"
        }
      }
    }
    progress.finish()
    if session.json {
      session.output.write(JSONWriter.document(document(found, loaded, budget)))
    } else {
      session.output.write(
        text(found, loaded, budget, trainCount: facts.trainCount, session.output.style))
    }
    return found.contains { $0.sameBits != nil || $0.natural != nil } ? .done : .overBudget
  }

  /// Of the batch of end-to-end training; nil where images, not memory, bound one of both.
  private static func ratio(_ figure: LargestBatch, _ all: [LargestBatch]) -> Double? {
    guard let base = all.first(where: { $0.strategy == .endToEnd }), !base.isAllImages,
      !figure.isAllImages,
      let batch = figure.batch, let baseBatch = base.batch
    else { return nil }
    return Double(batch) / Double(baseBatch)
  }

  private static func text(
    _ found: [LargestBatch], _ loaded: LoadedSpec, _ budget: Budget, trainCount: Int, _ style: TextStyle
  ) -> String {
    var table = Table([
      .left("strategy"), .right("as it comes"), .right("peak"), .right("times end-to-end's"),
      .right("same bits"), .right("peak"),
    ])
    for figure in found {
      table.add([
        figure.strategy.rawValue, words(figure.natural), peak(figure.natural),
        ratio(figure, found).map { fixed($0, decimals: 2) } ?? "-",
        figure.choosesModules ? "-" : words(figure.sameBits),
        peak(figure.sameBits),
      ])
    }
    let figures = found.flatMap { [$0.natural, $0.sameBits] }.compactMap(\.self)
    var notes = [
      "as it comes: nothing is chosen for the budget",
      "same bits: with what leaves the training as it is: values computed again, images read for every batch,",
      "  evaluations of fewer images at once. Larger batches pass in pieces: 'strata plan' says what that changes",
    ]
    if figures.contains(where: \.isAllImages) {
      notes.append("all images: no batch is larger than the \(grouped(trainCount)) training images")
    }
    for figure in found where figure.choosesModules {
      notes.append(
        "\(figure.strategy.rawValue): with 'partition: auto' a budget chooses the modules, and other modules are another training;"
      )
      notes.append(
        "  a partition that is written down has a batch of the same bits: --set training.partition=...")
    }
    for figure in found where !figure.keysLeftOut.isEmpty {
      let sets = figure.keysLeftOut.map { " --set \($0)=null" }.joined()
      notes.append(
        "\(figure.strategy.rawValue): without \(figure.keysLeftOut.joined(separator: " and ")), which it does not take:\(sets)"
      )
    }
    for figure in found {
      for case (let name, let figure?) in [("as it comes", figure.natural), ("same bits", figure.sameBits)] {
        guard let larger = figure.batchWithDropLast else { continue }
        notes.append(
          "\(grouped(larger)) with drop-last, \(name): that many leave one of the \(grouped(trainCount)) training "
            + "images, which batch norm can't take alone; training.drop-last leaves it out")
      }
    }
    return style.bold(loaded.spec.name.value) + ": largest batches within \(byteSize(budget.byteCount))\n"
      + table.text(style) + notes.map { $0 + "\n" }.joined()
  }

  private static func words(_ figure: LargestBatch.Figure?) -> String {
    guard let figure else { return "none" }
    return grouped(figure.batch) + (figure.isAllImages ? " (all images)" : "")
      + (figure.batchWithDropLast.map { " (\(grouped($0)) with drop-last)" } ?? "")
  }

  private static func peak(_ figure: LargestBatch.Figure?) -> String {
    figure.map { byteSize($0.peakBytes) } ?? "-"
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
              ("keysLeftOut", .array(figure.keysLeftOut.map { .string($0) })),
              ("batch", .optional(figure.batch, JSON.integer)),
              ("peakBytes", .optional(figure.peakBytes, JSON.integer)),
              ("isAllPictures", .bool(figure.isAllImages)),
              ("ratio", .optional(ratio(figure, found)) { .number($0) }),
              ("batchWithDropLast", .optional(figure.natural?.batchWithDropLast, JSON.integer)),
              (
                "sameBits",
                .optional(figure.sameBits) { sameBits in
                  .object([
                    ("batch", .integer(sameBits.batch)), ("peakBytes", .integer(sameBits.peakBytes)),
                    ("isAllPictures", .bool(sameBits.isAllImages)),
                    ("batchWithDropLast", .optional(sameBits.batchWithDropLast, JSON.integer)),
                  ])
                }
              ),
            ])
          })
      ),
    ])
  }
}
