internal import Artifacts
internal import Datasets
internal import Execution
internal import Planning
internal import Terminal
internal import Text

/// `strata evaluate DIR`
struct EvaluateCommand: Command {
  static let spec = CommandSpec(
    "evaluate", group: CommandGroup.runs, summary: "accuracy of every module of a run, and of their ensemble",
    discussion: """
      Loads the weights of a finished run and classifies the test pictures with every module's auxiliary, with the \
      head, and with the ensemble of them all.
      """,
    operands: CommonOperands.runFolder, options: [CommonOptions.data.spec],
    exitCodes: [.failed, .stalePlan, .faultyData],
    examples: [.init("strata evaluate runs/digits-1", "loss and accuracy, a line each module")])

  static func run(_ arguments: Arguments, _ console: Console) throws(CommandFailure) -> ExitCode {
    let json = arguments[CommandSpec.json]
    let path = arguments.operands[0]
    guard RunDirectory.holdsRun(path) else {
      throw CommandFailure(.faultyInput, "\(path): there is no run in this folder")
    }
    let ready = try ReadyPlan(
      run: path, threads: nil, dataPath: arguments[CommonOptions.data],
      withFingerprint: false, console, json: json)
    try RunWeights.requireWhole(in: path, to: "evaluate")
    let dataset = try ready.openData()
    let engine = try Engine.make(ready.plan)
    do {
      try ModelFile(ready.plan).read(into: engine, from: "\(path)/\(RunDirectory.modelName)")
    } catch {
      throw CommandFailure(error)
    }
    let sums = Evaluator(engine: engine, pictures: PicturePreparer(dataset, plan: ready.plan)).run(
      ready.plan.evaluation)
    if let failure = dataset.takeReadFailure() { throw CommandFailure(.faultyData, failure.message) }
    // What the run measured before its modules lost channels; the weights of then are gone.
    let lines = (try? RunHistory(folder: path))?.texts ?? []
    report(
      sums, of: ready.plan, CompressionFigures(ready.plan, metricsLines: lines), json: json, console)
    return .done
  }

  private static func report(
    _ sums: [MetricSums], of plan: Plan, _ compression: CompressionFigures?, json: Bool, _ console: Console
  ) {
    let hasTop5 = plan.classes > 10
    if json {
      func figures(_ sum: MetricSums) -> [(key: String, value: JSON)] {
        [("testLoss", .number(sum.meanLoss)), ("testTop1", .number(sum.top1))]
          + (hasTop5 ? [("testTop5", .number(sum.top5))] : [])
      }
      let modules = sums.filter { $0.module > 0 }.map {
        JSON.object([("index", .integer($0.module))] + figures($0))
      }
      let ensemble = sums.first { $0.module == 0 }
      console.output.write(
        JSONWriter.document(
          .object(
            [
              ("schema", "strata.evaluation/1"), ("name", .string(plan.name)), ("modules", .array(modules)),
              ("ensembleTop1", .optional(ensemble) { .number($0.top1) }),
            ] + (compression.map { [("compression", $0.json)] } ?? []))))
      return
    }
    var table = Table(
      [.right("module"), .left("made of"), .right("test loss"), .right("test top1")]
        + (hasTop5 ? [.right("top5")] : []))
    for sum in sums {
      let name = sum.module == 0 ? "ensemble" : plan.modules[sum.module - 1].name
      table.add(
        [
          sum.module == 0 ? "" : "\(sum.module)", name, fixed(sum.meanLoss, decimals: 4),
          percentage(sum.top1),
        ]
          + (hasTop5 ? [percentage(sum.top5)] : []))
    }
    console.output.write(table.text(console.output.style))
    if let compression {
      console.output.writeLine("")
      console.output.write(compression.text(console.output.style))
    }
  }
}
