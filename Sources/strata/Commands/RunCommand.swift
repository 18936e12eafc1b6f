internal import Artifacts
internal import Base
internal import Datasets
internal import Execution
internal import Kernels
internal import Planning
internal import SpecLanguage
internal import Terminal
internal import Text

/// `strata run SPEC|PLAN [-o DIR] ...`, `strata run DIR --resume`
struct RunCommand: Command {
  static let output = ValueOption(
    "output", short: "o", .path("DIR", completion: .folders),
    "the run's folder; one that holds a run is refused",
    default: "runs/NAME-1, -2, ...")
  static let dryRun = Flag("dry-run", "print the plan and stop before the data set is read")
  static let strictMemory = Flag(
    "strict-memory", "fail (exit 1) if the peak is further from the planned one than 5% or 4 MiB")
  static let resume = Flag("resume", "go on with the run in DIR, from its last checkpoint")
  static let extend = ValueOption(
    "extend", .integer(in: 1...1_000_000_000),
    "with --resume: train a finished run for so many epochs more, optimizer state kept")
  static let checkpointEvery = ValueOption(
    "checkpoint-every", .time,
    "within an epoch, write a checkpoint whenever so much time has passed: 90s, 10m, 2h",
    default: "10m, and fifty times what one takes")

  static let profile = Flag(
    "profile",
    "tell at the end where the time has gone: by operation, by module, and how near to the roofline"
  )

  static let tensorboard = Flag(
    "tensorboard", "write the figures of every epoch into the run's folder for TensorBoard as well")

  static let logEvery = ValueOption(
    "log-every", .time,
    "write a line of training figures into metrics.jsonl whenever so much time has passed: 30s, 5m")

  static let seeds = ValueOption(
    "seeds", .integer(in: 1...1000),
    "train so many times, from the spec's seed and those that follow it, each in a folder of its own")

  static let spec = CommandSpec(
    "run", group: CommandGroup.runs, summary: "train, from a spec or from a plan",
    discussion: """
      Executes a plan and keeps plan, metrics, checkpoints and weights in a folder. A spec is compiled first; a plan \
      whose spec has changed since is refused.

      Checkpoints are written at the end of every stage, at the ends of epochs, and within long epochs; the last two \
      are kept. ^C or SIGTERM finishes the step, writes one, and exits with 6; a second signal ends the run at once. \
      '--resume' goes on from the last checkpoint that is whole, after whatever interruption, and comes to the same \
      weights as a run that was never interrupted. The number of threads changes the time and the scratch memory, \
      never the weights.

      At the end a page, report.html, is in the folder too: curves, memory planned and measured, and the plan. With \
      '--seeds' the runs are compared when the last one is done, as by 'strata compare'; -o DIR puts them into \
      DIR/seed-1, DIR/seed-2, and so on. A seed whose loss is no number any more does not keep the others from being \
      trained; the exit code is 1 then. The same line with '--resume' goes on: finished runs of the spec stay as they \
      are, interrupted ones go on from their last checkpoint, missing ones are trained. Without -o the runs are looked \
      for among runs/NAME-1, -2, ...

      '--resume --extend EPOCHS' goes on behind the end of a finished run in which all modules learn side by side, or end to \
      end: weights, optimizer state and figures stay, the plan and the spec in the folder get the new number of epochs, and \
      the learning rate goes on as the schedule has it for that number (a cosine, which ends at the last epoch, rises again).

      '--profile' takes the time of every operation, of all stages, of training, evaluation, features and ranking, and \
      prints it by operation and by module; 'summary.json' and report.html have it too. The share of the roofline is what \
      the operations that really run (Winograd's products, not those it saves) would take at the rate of plain products \
      (SGEMM), or the bytes moved at that of a plain sweep over memory, over the time that they took. The rates are those of \
      'strata bench --calibrate', or else measured before the training. Weights stay the same, to the bit.

      '--tensorboard' adds a file of events, events.out.tfevents..., for 'tensorboard --logdir': loss and accuracy of every \
      module by split, learning rates, images a second and memory, a point an epoch. A resumed run begins another one.
      """,
    operands: OperandSpec(
      "SPEC|PLAN|DIR", 1...1,
      "an architecture spec (YAML), a plan (JSON), or with --resume the folder of a run",
      completion: CommonOperands.specOrPlanFiles),
    options: [
      output.spec, CommonOptions.budget.spec, CommonOptions.data.spec, CommonOptions.threads.spec,
      CommonOptions.set.spec, checkpointEvery.spec, logEvery.spec, extend.spec, seeds.spec, profile.spec,
      tensorboard.spec, dryRun.spec,
      strictMemory.spec,
      CommonOptions.strict.spec, resume.spec,
    ],
    synopses: [
      "[options] SPEC|PLAN", "DIR --resume [--extend EPOCHS] [--threads N]",
      "[options] SPEC --seeds N [-o DIR] [--resume]",
    ],
    exitCodes: [.failed, .overBudget, .stalePlan, .faultyData, .interrupted],
    examples: [
      .init("strata run net.yaml -o runs/first", "compile and train"),
      .init("strata run net.plan.json --threads 4", "execute a plan that was kept, with more workers"),
      .init("strata run net.yaml --seeds 3", "three runs; mean and deviation of every module"),
      .init("strata run net.yaml --seeds 3 --resume", "what of these three is still to be done"),
      .init("strata run runs/first --resume", "go on after an interruption"),
      .init("strata run runs/first --resume --extend 10", "ten epochs more"),
    ])

  static func run(_ arguments: Arguments, _ session: Session) throws(CommandFailure) -> ExitCode {
    let path = arguments.operands[0]
    guard !arguments[profile] || !arguments[dryRun] else {
      throw CommandFailure(.faultyInput, "'--profile' needs a training, which '--dry-run' leaves out")
    }
    guard arguments[extend] == nil || arguments[resume] && arguments[seeds] == nil else {
      throw CommandFailure(
        .faultyInput, "'--extend' goes with '--resume' and the folder of one run",
        help: "strata run DIR --resume --extend EPOCHS")
    }
    if let count = arguments[seeds], !arguments[dryRun] {
      return try trainFromSeeds(path, count: count, arguments, session)
    }
    if arguments[resume] { return try goOn(path, arguments, session) }
    let file = try InputFile(path)
    let ready = try ready(file, set: arguments[CommonOptions.set], arguments, session)
    if arguments[dryRun] {
      // What the run would refuse before it plans.
      if let count = arguments[seeds] {
        _ = try seedRange(
          file, count: count, set: arguments[CommonOptions.set], dataPath: arguments[CommonOptions.data],
          session)
      } else if let output = arguments[output], RunDirectory.holdsRun(output) {
        throw failure(.holdsRun(path: output))
      }
      ready.plan.warnOfMemory(session)
      session.warnOfIdleWorkers(ready.plan.threads)
      try session.requireNoWarnings()
      PlanFile.print(ready, session)
      return .done
    }
    let run = try begin(ready, output: arguments[output], arguments, session)
    return try exitCode(of: run.end)
  }

  /// Of a command that trains once.
  private static func exitCode(of end: RunEnd) throws(CommandFailure) -> ExitCode {
    switch end {
    case .finished: return .done
    case .interrupted: return .interrupted
    case .diverged(let failure): throw failure
    }
  }

  /// - Parameters:
  ///   - output: the run's folder; nil: the next free one.
  ///   - reportsEnd: print what the run came to.
  ///   - goOn: the command line that goes on after an interruption; nil for the run's own.
  static func begin(
    _ ready: LoadedPlan, output: String?, reportsEnd: Bool = true, goOn: String? = nil,
    _ arguments: Arguments,
    _ session: Session
  ) throws(CommandFailure) -> (end: RunEnd, place: String) {
    var ready = ready
    try ready.plan.requireMemory()
    session.warnOfIdleWorkers(ready.plan.threads)
    try ready.requireStart()
    try Workers.requireStart(ready.plan.threads)
    // From here on a signal waits for the first step, so that it finds a run to go on with.
    Interruption.install()
    let dataset = try ready.openData(session)
    try session.requireNoWarnings()
    try requireRoom(for: ready.plan, at: output ?? "runs", takenByteCount: 0)
    let folder = try makeFolder(ready, output)
    let place = folder.path
    // Whoever reads a document from standard output finds the folder on standard error, from the first line on.
    let stream = reportsEnd && !session.json ? session.output : session.diagnostics
    stream.writeLine("training \(ready.plan.name) in \(place)")
    let end = try train(
      ready, on: dataset, in: folder, resuming: false, reportsEnd: reportsEnd, goOn: goOn, arguments, session)
    return (end, place)
  }

  private static func goOn(
    _ path: String, _ arguments: Arguments, _ session: Session
  ) throws(CommandFailure) -> ExitCode {
    if !arguments[CommonOptions.set].isEmpty, RunDirectory.holdsRun(path) {
      try RunFolder.require(path)
      throw try unchangeable(path, set: arguments[CommonOptions.set])
    }
    guard arguments[output] == nil, arguments[CommonOptions.set].isEmpty, !arguments[dryRun],
      arguments[CommonOptions.budget] == nil
    else {
      throw CommandFailure(
        .faultyInput, "'--resume' goes with neither '-o', '--set', '--budget' nor '--dry-run'")
    }
    try RunFolder.require(path)
    if let count = arguments[extend] { try extend(path, by: count, arguments, session) }
    let status = try status(path)
    if status.state == .finished {
      if session.json {
        // The document that the run ended with.
        do {
          session.output.write(
            JSONWriter.document(try RunDirectory.summary(in: path).with("folder", .string(path))))
        } catch {
          throw CommandFailure(.failed, error.message)
        }
      } else {
        session.output.writeLine("\(path): the run is finished")
      }
      return .done
    }
    return try exitCode(of: try continueRun(path, arguments, session))
  }

  /// What '--set' with '--resume' comes to: a run stays what it began as, and another one may begin with its weights.
  private static func unchangeable(
    _ path: String, set assignments: [Assignment]
  ) throws(CommandFailure) -> CommandFailure {
    let isFinished = try status(path).state == .finished
    let message =
      "the run in \(path) \(isFinished ? "is finished" : "goes on as it began"): '--resume' takes no '--set'"
    let place = RunDirectory.withoutTrailingSlashes(path)
    let sets = ([Assignment(key: "network.from", value: place)] + assignments).map {
      " --set \(shellWord($0.text))"
    }.joined()
    // As the run had it opened: the spec in its folder has the path from where it lay.
    let kept = try? PlanLock(path: "\(place)/\(RunDirectory.planName)")
    let data = kept?.dataPath.map { $0.hasPrefix("/") ? " --data \(shellWord($0))" : "" } ?? ""
    let line = "strata run \(shellWord("\(place)/\(RunDirectory.specName)"))\(sets)\(data)"
    return CommandFailure(
      .faultyInput, message,
      help: (isFinished ? "" : "finish it first: strata run \(shellWord(path)) --resume; then ")
        + "train on from its weights with 'network.from', as a run of its own, whose momentum and schedule begin anew: "
        + line)
  }

  /// Goes on from the last checkpoint of a run that is not finished.
  ///
  /// - Parameters: as of `begin`.
  static func continueRun(
    _ path: String, reportsEnd: Bool = true, goOn: String? = nil, _ arguments: Arguments, _ session: Session
  ) throws(CommandFailure) -> RunEnd {
    try RunFolder.require(path)
    let folder: RunDirectory
    do {
      folder = try RunDirectory.open(path)
    } catch {
      throw failure(error)
    }
    Interruption.install()
    var ready = try LoadedPlan(
      run: folder.path, threads: arguments[CommonOptions.threads],
      dataPath: arguments[CommonOptions.data], withFingerprint: false, reportsWarnings: true, session)
    try ready.plan.requireMemory()
    session.warnOfIdleWorkers(ready.plan.threads)
    try Workers.requireStart(ready.plan.threads)
    let dataset = try ready.openData(session)
    try session.requireNoWarnings()
    let takenByteCount: Int
    do {
      takenByteCount = try folder.checkpointByteCount()
    } catch {
      throw CommandFailure(.failed, error.message)
    }
    // A checkpoint has what became of the weights so far. What is still to be read of them is known once it is restored.
    if takenByteCount == 0 { try ready.requireStart() }
    try requireRoom(for: ready.plan, at: path, takenByteCount: takenByteCount)
    return try train(
      ready, on: dataset, in: folder, resuming: true, reportsEnd: reportsEnd, goOn: goOn, arguments, session)
  }

  private static func train(
    _ ready: LoadedPlan, on dataset: Dataset, in folder: consuming RunDirectory, resuming: Bool,
    reportsEnd: Bool,
    goOn: String?, _ arguments: Arguments, _ session: Session
  ) throws(CommandFailure) -> RunEnd {
    let place = folder.path
    if reportsEnd, !session.json {
      if let words = ready.peakWords { session.output.writeLine(words) }
      if ready.plan.budgetBytes != nil {
        for line in ready.plan.budgetLines { session.output.writeLine("budget: \(line)") }
      }
    }
    var run = TrainingRun(
      ready, in: folder, checkpointSeconds: arguments[checkpointEvery], isProfiled: arguments[profile],
      session)
    run.logEvery = arguments[logEvery].map { (seconds: $0, last: monotonicSeconds()) }
    if arguments[tensorboard] {
      do throws(FileError) { run.events = try EventFile(in: place) } catch {
        throw CommandFailure(.failed, error.message)
      }
    }
    let outcome: RunEnd
    do throws(CommandFailure) {
      outcome = try run.run(on: dataset, resuming: resuming)
    } catch {
      RunReport.write(ready, in: place, state: .failed, session)
      throw error
    }
    // Of a run that has diverged too: the curves up to there are what one wants to see.
    RunReport.write(ready, in: place, state: run.summary.status, session)
    switch outcome {
    case .finished:
      let failure = arguments[strictMemory] ? unplannedPeak(run.summary, place: place) : nil
      // Programs get one document: that of the failure, where there is one.
      if reportsEnd, !session.json || failure == nil {
        report(run.summary, of: ready.plan, place: place, session)
      }
      if let failure { throw failure }
    case .interrupted(let position):
      if session.json {
        session.output.write(JSONWriter.document(run.summary.json.with("folder", .string(place))))
      } else {
        let left = run.timeWords(from: position).map { ", \($0) to go" } ?? ""
        if let profile = run.summary.profile { session.output.write(profile.text(session.output.style)) }
        session.output.writeLine("interrupted \(position.words)\(left); a checkpoint is written")
        session.output.writeLine("go on: \(goOn ?? "strata run \(shellWord(place)) --resume")")
      }
    case .diverged: break
    }
    return outcome
  }

  /// What `--strict-memory` does not let pass; nil where all is as planned. The run itself is finished: its weights stay.
  private static func unplannedPeak(_ summary: RunSummary, place: String) -> CommandFailure? {
    guard let deviation = summary.peakDeviationBytes else {
      return CommandFailure(.failed, "the system does not tell the peak, so '--strict-memory' can't hold it")
    }
    guard summary.isPeakAsPlanned != true else { return nil }
    return CommandFailure(
      .failed,
      "the peak is \(byteSize(abs(deviation))) \(deviation > 0 ? "above" : "below") the planned one; "
        + "'--strict-memory' allows \(byteSize(summary.peakToleranceBytes))",
      help: "the run is finished and whole, in \(place); please report the spec: a plan's peak is a promise")
  }

  /// Two checkpoints stay while a third is written, and the weights come at the end.
  private static func requireRoom(
    for plan: Plan, at path: String, takenByteCount: Int
  ) throws(CommandFailure) {
    let checkpoint = plan.checkpointByteCount
    let model = ModelFile(plan).byteCount
    let features = plan.featureFileBytes
    let needed = (RunDirectory.keptCheckpointCount + 1) * checkpoint + model + features - takenByteCount
    guard let free = DiskSpace.freeByteCount(at: path), free < needed else { return }
    throw CommandFailure(
      .failed,
      "\(path): \(byteSize(free)) are free on this disk, \(byteSize(needed)) are needed: "
        + "\(RunDirectory.keptCheckpointCount + 1) checkpoints of \(byteSize(checkpoint)), weights of \(byteSize(model))"
        + (features > 0 ? ", features of \(byteSize(features))" : ""),
      help: "make room, or put the run on another disk with -o DIR")
  }

  static func status(_ path: String) throws(CommandFailure) -> RunStatus {
    do throws(RunStatusError) {
      return try RunStatus(folder: path)
    } catch {
      switch error {
      case .noRun: throw CommandFailure(.faultyInput, error.message)
      case .file, .malformed: throw CommandFailure(.failed, error.message)
      }
    }
  }

  static func failure(_ error: RunDirectoryError) -> CommandFailure {
    switch error {
    case .holdsRun(let path):
      CommandFailure(
        .faultyInput, error.message, help: "go on with it: strata run \(shellWord(path)) --resume")
    case .notEmpty, .notAFolder, .locked, .holdsNoRun: CommandFailure(.faultyInput, error.message)
    case .file: CommandFailure(.failed, error.message)
    }
  }

  static func ready(
    _ file: InputFile, set assignments: [Assignment], _ arguments: Arguments, _ session: Session
  ) throws(CommandFailure) -> LoadedPlan {
    // The run itself hashes what it reads; here it is needed to tell this run from others.
    let needsFingerprint = arguments[seeds] != nil && arguments[resume]
    switch file.kind {
    case .spec:
      return try LoadedPlan(
        spec: file, set: assignments, threads: arguments.threadCount,
        budget: arguments[CommonOptions.budget], dataPath: arguments[CommonOptions.data],
        withFingerprint: needsFingerprint, session)
    case .plan:
      guard arguments[CommonOptions.set].isEmpty else {
        throw CommandFailure(
          .faultyInput, "'--set' does not go with a plan: its spec is settled", help: "plan again with --set")
      }
      guard arguments[CommonOptions.budget] == nil else {
        throw CommandFailure(
          .faultyInput, "'--budget' does not go with a plan: its memory is settled",
          help: "plan again with --budget")
      }
      let ready = try LoadedPlan(
        plan: file, threads: arguments[CommonOptions.threads], dataPath: arguments[CommonOptions.data],
        withFingerprint: false, session)
      try ready.plan.requireOneProcess()
      return ready
    }
  }

  private static func makeFolder(_ ready: LoadedPlan, _ path: String?) throws(CommandFailure) -> RunDirectory
  {
    let files = [
      RunDirectory.FirstFile(name: RunDirectory.planName, text: PlanFile.textForRun(ready)),
      RunDirectory.FirstFile(name: RunDirectory.specName, text: ready.plan.specText),
    ]
    do {
      if let path { return try RunDirectory.create(at: path, files: files) }
      return try RunDirectory.create(named: ready.plan.name, in: "runs", files: files)
    } catch {
      throw failure(error)
    }
  }

  private static func report(
    _ summary: RunSummary, of plan: Plan, place: String, _ session: Session
  ) {
    if session.json {
      session.output.write(JSONWriter.document(summary.json.with("folder", .string(place))))
      return
    }
    let (hasTop5, hasEnsembles) = (plan.classes > 10, summary.ensemble != nil)
    var table = Table(
      [.right("module"), .left("made of"), .right("train loss"), .right("train top1"), .right("test top1")]
        + (hasTop5 ? [.right("top5")] : []) + (hasEnsembles ? [.right(EnsembleColumn.title)] : []))
    for (module, figures) in zip(plan.modules, summary.modules) {
      table.add(
        [
          "\(module.index)", module.name, figures.train.map { fixed($0.loss, decimals: 4) } ?? "-",
          figures.train.map { percentage($0.top1) } ?? "-", figures.testTop1.map { percentage($0) } ?? "-",
        ] + (hasTop5 ? [figures.testTop5.map { percentage($0) } ?? "-"] : [])
          + (hasEnsembles ? [EnsembleColumn.text(figures.ensemble?.top1)] : []))
    }
    if let ensemble = summary.ensemble {
      table.add(
        ["", "ensemble", "", "", percentage(ensemble.top1)] + (hasTop5 ? [percentage(ensemble.top5)] : [])
          + [""])
    }
    session.output.write(table.text(session.output.style))
    if let compression = summary.compression { session.output.write(compression.text(session.output.style)) }
    let rate = summary.imagesPerSecond.map { ", \(fixed($0, decimals: 0)) images/s in training" } ?? ""
    session.output.writeLine("\(summary.timeLine)\(rate)")
    session.output.writeLine(summary.memoryLine)
    if let profile = summary.profile { session.output.write(profile.text(session.output.style)) }
    session.output.writeLine("weights, metrics and plan are in \(place)")
  }
}
