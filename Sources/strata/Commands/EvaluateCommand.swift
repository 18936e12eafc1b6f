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
      Loads the weights of a finished run and classifies the test images with every module's auxiliary, with the \
      head, and with the ensemble of the modules up to each depth. Of the last module's answers precision and recall of \
      every class are told, and which classes are taken for which ('strata predict' tells it of any module).
      """,
    operands: CommonOperands.runFolder, options: [CommonOptions.data.spec, CommonOptions.threads.spec],
    exitCodes: [.failed, .overBudget, .stalePlan, .faultyData],
    examples: [.init("strata evaluate runs/digits-1", "loss and accuracy, a line each module; then by class")]
  )

  static func run(_ arguments: Arguments, _ session: Session) throws(CommandFailure) -> ExitCode {
    let path = arguments.operands[0]
    try RunFolder.require(path)
    let ready = try LoadedPlan(
      run: path, threads: arguments[CommonOptions.threads], dataPath: arguments[CommonOptions.data],
      withFingerprint: false, session)
    try RunWeights.requireWhole(in: path, to: "evaluate")
    // What the run measured before its modules lost channels; the weights of then are gone.
    let compression = try compression(of: ready.plan, in: path)
    try ready.plan.requireMemory(running: [ready.plan.evaluation])
    session.warnOfIdleWorkers(ready.plan.threads)
    let dataset = try ready.openDataToMeasure(session)
    let engine = try Engine.make(ready.plan.memoryMap)
    do {
      try ModelFile(ready.plan).read(into: engine, from: "\(path)/\(RunDirectory.modelName)")
    } catch {
      throw CommandFailure(error)
    }
    let evaluator = Evaluator(engine: engine, images: ImagePreparer(dataset, plan: ready.plan))
    var answers = AnswerCounts(classCount: ready.plan.classes)
    let measured: [MetricSums]?
    do throws(NotFinite) {
      measured = try evaluator.run(ready.plan.evaluation, unless: { false }, counting: &answers)
    } catch {
      if let failure = dataset.takeReadFailure() { throw CommandFailure(.faultyData, failure.message) }
      throw CommandFailure(
        .failed, error.message, help: error.advice(largeImages: dataset.largeImages, ready.plan))
    }
    if let failure = dataset.takeReadFailure() { throw CommandFailure(.faultyData, failure.message) }
    guard let measured else { preconditionFailure("nobody stopped it") }
    report(measured, answers, of: ready.plan, compression, session)
    return .done
  }

  /// Nil where no module has lost channels.
  private static func compression(
    of plan: Plan, in folder: String
  ) throws(CommandFailure) -> CompressionFigures? {
    guard plan.unnarrowed != nil else { return nil }
    do throws(RunStatusError) {
      return try CompressionFigures(plan, in: folder)
    } catch {
      throw CommandFailure(.failed, error.message)
    }
  }

  private static func report(
    _ sums: [MetricSums], _ answers: AnswerCounts, of plan: Plan, _ compression: CompressionFigures?,
    _ session: Session
  ) {
    let byClass = AnswerTexts(answers, classNames: plan.classNames)
    let hasTop5 = plan.classes > 10
    if session.json {
      func figures(_ sum: MetricSums) -> [(key: String, value: JSON)] {
        [("testLoss", .number(sum.meanLoss)), ("testTop1", .number(sum.top1))]
          + (hasTop5 ? [("testTop5", .number(sum.top5))] : [])
      }
      let modules = sums.modules.map { sum in
        JSON.object(
          [("index", .integer(sum.module))] + figures(sum)
            + sums.ensemble(upTo: sum.module).ensembleMembers(withTop5: hasTop5))
      }
      session.output.write(
        JSONWriter.document(
          .object(
            [
              ("schema", "strata.evaluation/1"), ("name", .string(plan.name)), ("modules", .array(modules)),
            ] + sums.ensemble.ensembleMembers(withTop5: hasTop5) + byClass.members
              + (compression.map { [("compression", $0.json)] } ?? []))))
      return
    }
    let hasEnsembles = sums.ensemble != nil
    var table = Table(
      [.right("module"), .left("made of"), .right("test loss"), .right("test top1")]
        + (hasTop5 ? [.right("top5")] : []) + (hasEnsembles ? [.right(EnsembleColumn.title)] : []))
    func add(_ sum: MetricSums, _ module: String, _ name: String, _ ensemble: String) {
      table.add(
        [module, name, fixed(sum.meanLoss, decimals: 4), percentage(sum.top1)]
          + (hasTop5 ? [percentage(sum.top5)] : []) + (hasEnsembles ? [ensemble] : []))
    }
    for sum in sums.modules {
      add(
        sum, "\(sum.module)", plan.modules[sum.module - 1].name,
        EnsembleColumn.text(sums.ensemble(upTo: sum.module)?.top1))
    }
    if let ensemble = sums.ensemble { add(ensemble, "", "ensemble", "") }
    session.output.write(table.text(session.output.style))
    session.output.writeLine("\nby class, the last module:")
    session.output.write(byClass.text(session.output.style))
    if let compression {
      session.output.writeLine("")
      session.output.write(compression.text(session.output.style))
    }
  }
}
