internal import Artifacts
internal import Planning
internal import SpecLanguage
internal import Terminal
internal import Text

/// `strata run SPEC --seeds N [-o DIR] [--resume]`
extension RunCommand {
  static func trainFromSeeds(
    _ path: String, count: Int, _ arguments: Arguments, _ session: Session
  ) throws(CommandFailure) -> ExitCode {
    if RunDirectory.holdsRun(path) {
      throw CommandFailure(
        .faultyInput, "'--seeds' goes with a spec, and \(path) is the folder of one run",
        help: "go on with that run: strata run \(shellWord(path)) --resume")
    }
    let file = try InputFile(path)
    let assignments = arguments[CommonOptions.set]
    let seeds = try seedRange(
      file, count: count, set: assignments, dataPath: arguments[CommonOptions.data], session)
    let goOn =
      arguments.commandLine(of: CommandTable.program.name, without: [resume.spec, CommandSpec.json.spec])
      + " --resume"
    if !arguments[resume], let output = arguments[output] {
      try requireNoRuns(in: seeds.map { folder(ofSeed: $0, in: output) }, goOn: goOn)
    }
    var places: [String] = []
    var hasDiverged = false
    for seed in seeds {
      let ready = try ready(
        file, set: assignments + [Assignment(key: "training.seed", value: "\(seed)")], arguments, session)
      let place = arguments[output].map { folder(ofSeed: seed, in: $0) }
      let present = arguments[resume] ? try presentRun(of: ready, seed: seed, at: place) : nil
      let run: (end: RunEnd, place: String)
      if let present {
        if try status(present).state == .finished {
          session.diagnostics.writeLine("\(present): the run is finished")
          places.append(present)
          continue
        }
        run = (
          try continueRun(present, reportsEnd: !session.json, goOn: goOn, arguments, session), present
        )
      } else {
        run = try begin(
          ready, output: place, reportsEnd: !session.json, goOn: goOn, arguments, session)
      }
      switch run.end {
      case .finished: break
      case .interrupted: return .interrupted
      case .diverged(let failure):
        session.diagnostics.write(failure.text(session.diagnostics.style))
        hasDiverged = true
      }
      places.append(run.place)
    }
    if !session.json { session.output.writeLine("") }
    try CompareCommand.compare(
      places, module: nil, page: nil, folder: arguments[output] ?? "runs", session)
    return hasDiverged ? .failed : .done
  }

  /// The spec's seed and those that follow it.
  static func seedRange(
    _ file: InputFile, count: Int, set assignments: [Assignment], dataPath: String?, _ session: Session
  ) throws(CommandFailure) -> ClosedRange<UInt64> {
    switch file.kind {
    case .spec: break
    case .plan:
      throw CommandFailure(
        .faultyInput, "'--seeds' does not go with a plan: its seed is settled", help: "pass the spec")
    }
    let loaded = try LoadedSpec(
      path: file.path, bytes: file.bytes, set: assignments, dataPath: dataPath, session)
    let first = loaded.spec.training.seed.value
    let (last, isTooLarge) = first.addingReportingOverflow(UInt64(count - 1))
    guard !isTooLarge else {
      throw CommandFailure(.faultyInput, "there are no \(count) seeds from \(first) on")
    }
    return first...last
  }

  private static func folder(ofSeed seed: UInt64, in output: String) -> String { "\(output)/seed-\(seed)" }

  /// Before the first of many trainings: the last of them must not find its folder taken.
  private static func requireNoRuns(in folders: [String], goOn: String) throws(CommandFailure) {
    guard let taken = folders.first(where: { RunDirectory.holdsRun($0) }) else { return }
    throw CommandFailure(
      .faultyInput, RunDirectoryError.holdsRun(path: taken).message,
      help: "train what is still to be done: \(goOn)")
  }

  /// The run that a seed has already.
  ///
  /// - Parameter place: where it must be; nil: among `runs/NAME-1`, `-2`, ..., a finished one first, then the last.
  private static func presentRun(
    of ready: LoadedPlan, seed: UInt64, at place: String?
  ) throws(CommandFailure) -> String? {
    let conditions = RunConditions(ready.plan)
    guard let place else {
      var runs: [RunHistory] = []
      // One that can't be read may be this very run: it is not trained a second time unasked.
      for folder in RunDirectory.runs(named: ready.plan.name, in: "runs") {
        let run = try history(folder)
        if run.seed == "\(seed)", run.conditions == conditions { runs.append(run) }
      }
      return (runs.last(where: \.isFinished) ?? runs.last)?.folder
    }
    guard RunDirectory.holdsRun(place) else { return nil }
    try RunFolder.require(place)
    let present = try history(place)
    let changes =
      conditions.difference(from: present.conditions)
      + (present.seed == "\(seed)" ? [] : ["training.seed: \(present.seed) -> \(seed)"])
    guard changes.isEmpty else {
      throw CommandFailure(
        .faultyInput, "\(place): the run in this folder is another one: \(changes.joined(separator: ", "))",
        help: "name another folder with -o DIR")
    }
    return place
  }

  private static func history(_ folder: String) throws(CommandFailure) -> RunHistory {
    do throws(RunStatusError) {
      return try RunHistory(folder: folder)
    } catch {
      throw CommandFailure(.failed, error.message)
    }
  }
}
