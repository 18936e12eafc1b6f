internal import Artifacts
internal import Diagnostics
internal import Glibc
internal import Pipeline
internal import Planning
internal import SpecLanguage
internal import Terminal
internal import Text

/// `strata show SPEC|PLAN|DIR [--resolved] [--layout] [--at WHERE]`
struct ShowCommand: Command {
  static let resolved = Flag("resolved", "print every value of the spec with where it came from")
  static let layout = Flag("layout", "list the offset and size of every value in the arena")
  static let at = ValueOption(
    "at",
    ValueForm<MomentQuery>(
      "peak|module=N|line=N|step=N[,stage=N]", completion: .words(["peak", "module=1", "line=1", "step=1"])
    ) { text in
      MomentQuery(text).map { .success($0) }
        ?? .failure(
          ValueFault(
            expected: "peak, module=N, line=N or step=N, with ',stage=N' behind it or not",
            help: "all count from 1; step=17 is the 17th operation of a training step"))
    }, "list what is in memory at a moment, with the operations it lives between and the spec's lines")

  static let spec = CommandSpec(
    "show", group: CommandGroup.specs, summary: "print a spec, a plan or a run as text",
    discussion: """
      A spec is printed with its network, a plan with its stages and memory, a run with its figures so far. \
      '--resolved' tells each value of the spec and its origin: a line of the file, a default, derived, or '--set'. \
      '--layout' lists the memory layout of a plan. '--at' lists all that is live at one moment: at the peak, at the \
      fullest moment of a module or of a line of the spec, or during one operation of a step; in a stage of your \
      choice with ',stage=N'. Where a spec is planned for that, '--budget', '--threads' and '--data' are those of \
      'strata plan'. Of a plan for ranks '--rank' shows one: its buffers, programs and memory, or with '--layout' or '--at' its \
      arena; of a spec, with '--ranks' as of 'strata plan'.

      A stale plan is printed as its own text of the spec has it, with a note on standard error that says why it is stale; \
      'strata run' refuses it.
      """,
    operands: OperandSpec(
      "SPEC|PLAN|DIR", 1...1, "an architecture spec (YAML), a plan (JSON), or the folder of a run",
      completion: CommonOperands.specOrPlanFiles),
    options: [
      resolved.spec, layout.spec, at.spec, RankOptions.ranks.spec, RankOptions.rank.spec,
      CommonOptions.budget.spec, CommonOptions.threads.spec,
      CommonOptions.data.spec, CommonOptions.set.spec, CommonOptions.strict.spec,
    ],
    exitCodes: [.failed, .overBudget, .stalePlan, .faultyData],
    examples: [
      .init("strata show net.yaml", "layers, shapes, parameters, and what trains each module"),
      .init("strata show net.yaml --resolved", "what the defaults fill in"),
      .init("strata show net.plan.json --layout", "where every value lies, and when"),
      .init("strata show net.yaml --at peak --budget 1GiB", "who holds the memory when the most is live"),
      .init("strata show net.plan.json --rank 1", "one of the ranks that the plan is for"),
      .init("strata show runs/digits-1", "how far a run has come"),
    ])

  static func run(_ arguments: Arguments, _ session: Session) throws(CommandFailure) -> ExitCode {
    let path = arguments.operands[0]
    let views = [
      (arguments[resolved], "--resolved"), (arguments[layout], "--layout"), (arguments[at] != nil, "--at"),
    ].filter(\.0)
    if views.count > 1 {
      throw CommandFailure(.faultyInput, "'\(views[0].1)' and '\(views[1].1)' exclude each other")
    }
    if arguments[RankOptions.rank] != nil, arguments[resolved] {
      throw CommandFailure(.faultyInput, "'--rank' and '--resolved' exclude each other")
    }
    let isFolder = unsafe access("\(path)/.", F_OK) == 0
    if isFolder { try RunFolder.require(path) }
    let input = isFolder ? nil : try InputFile(path)
    let isSpec = input?.kind == .spec
    // Where nothing is planned, no data is asked for.
    let isPlanned =
      !(isSpec || isFolder && views.isEmpty) || arguments[layout] || arguments[at] != nil
      || arguments[RankOptions.ranks] != nil || arguments[RankOptions.rank] != nil
    let planning = [
      (arguments[CommonOptions.data] != nil, "--data"),
      (arguments[CommonOptions.threads] != nil, "--threads"),
      (arguments[CommonOptions.budget] != nil, "--budget"),
    ].filter(\.0)
    if let option = planning.first?.1, !isPlanned {
      throw CommandFailure(.faultyInput, "'\(option)' goes with a plan, or with '--layout' or '--at'")
    }
    if let input, isSpec {
      let loaded = try LoadedSpec(
        path: path, bytes: input.bytes, set: arguments[CommonOptions.set],
        dataPath: arguments[CommonOptions.data], session)
      try show(loaded, arguments, session)
      return .done
    }
    guard arguments[CommonOptions.set].isEmpty else {
      throw CommandFailure(
        .faultyInput, "'--set' does not go with a plan: its spec is settled", help: "show the spec with --set"
      )
    }
    guard arguments[CommonOptions.budget] == nil else {
      throw CommandFailure(
        .faultyInput, "'--budget' does not go with a plan: its memory is settled",
        help: "show the spec with --budget")
    }
    guard arguments[RankOptions.ranks] == nil else {
      throw CommandFailure(
        .faultyInput, "'--ranks' does not go with a plan: its ranks are settled",
        help: "plan again with --ranks")
    }
    if isFolder, views.isEmpty, arguments[RankOptions.rank] == nil {
      try showRun(path, session)
      return .done
    }
    let ready: LoadedPlan
    if let input {
      ready = try LoadedPlan(
        plan: input, threads: arguments[CommonOptions.threads], dataPath: arguments[CommonOptions.data],
        withFingerprint: false, allowsStale: true, session)
    } else {
      ready = try LoadedPlan(
        run: path, threads: arguments[CommonOptions.threads], dataPath: arguments[CommonOptions.data],
        withFingerprint: false, allowsStale: true, session)
    }
    try session.requireNoWarnings()
    ready.staleness.tell(session)
    if arguments[resolved] {
      // A plan keeps the text with all defaults filled in: where they came from is gone.
      if session.json {
        showResolved(ready.loaded, session)
      } else {
        session.output.write(ready.loaded.text)
      }
    } else if try !showPlanned(ready.plan, ready.loaded, arguments, session) {
      PlanFile.print(ready, session)
    }
    return .done
  }

  // MARK: - Specs

  private static func show(
    _ loaded: LoadedSpec, _ arguments: Arguments, _ session: Session
  ) throws(CommandFailure) {
    let isSplit = arguments[RankOptions.ranks] != nil || arguments[RankOptions.rank] != nil
    if arguments[layout] || arguments[at] != nil || isSplit {
      guard arguments[RankOptions.rank] == nil || arguments[RankOptions.ranks] != nil, !arguments[resolved]
      else {
        throw CommandFailure(
          .faultyInput,
          arguments[resolved] ? "'--ranks' goes with a plan" : "of a spec '--rank' goes with '--ranks'")
      }
      let compiled =
        if let count = arguments[RankOptions.ranks] {
          try loaded.plan(
            ranks: count, threads: arguments.threadCount, budget: arguments[CommonOptions.budget],
            dataPath: arguments[CommonOptions.data], withFingerprint: false, session)
        } else {
          try loaded.plan(
            threads: arguments.threadCount, budget: arguments[CommonOptions.budget],
            dataPath: arguments[CommonOptions.data], withFingerprint: false, session)
        }
      try session.requireNoWarnings()
      if try !showPlanned(compiled.plan, loaded, arguments, session) {
        PlanFile.print(compiled.plan, compiled.comparison(withTimes: true), of: loaded, session)
      }
      return
    }
    let (lowered, warnings) = try loaded.checked(session) { spec throws(CompilationFailed) in
      try LoadedSpec.check(spec, in: loaded.folder)
    }
    let outline = NamedOutline(lowered)
    for warning in warnings { loaded.warn(warning, session) }
    try session.requireNoWarnings()
    if arguments[resolved] { return showResolved(loaded, session) }
    let text = NetworkText(
      name: loaded.spec.name.value, classes: loaded.spec.network.classes.value, outline: outline.network,
      rowNames: outline.rowNames, moduleNames: outline.moduleNames, kept: outline.kept)
    session.output.write(session.json ? JSONWriter.document(text.json) : text.text(session.output.style))
  }

  private static func showResolved(_ loaded: LoadedSpec, _ session: Session) {
    guard session.json else {
      return session.output.write(
        resolvedText(loaded.spec, origins: loaded.origins, texts: loaded.texts))
    }
    let resolved =
      resolvedValues(loaded.spec, origins: loaded.origins, texts: loaded.texts)
      + resolvedEntryValues(loaded.spec, origins: loaded.origins, texts: loaded.texts)
    let values = resolved.map {
      JSON.object([("key", .string($0.key)), ("value", .string($0.text)), ("origin", .string($0.origin))])
    }
    session.output.write(
      JSONWriter.document([
        "schema": "strata.spec/1", "name": .string(loaded.spec.name.value), "sha256": .string(loaded.sha256),
        "text": .string(loaded.text), "values": .array(values),
      ]))
  }

  // MARK: - Plans and runs

  /// A layout, a moment or a rank, where one of them is asked for.
  private static func showPlanned(
    _ plan: Plan, _ loaded: LoadedSpec, _ arguments: Arguments, _ session: Session
  ) throws(CommandFailure) -> Bool {
    let rank: RankPlan?
    if let number = arguments[RankOptions.rank] { rank = try plan.rank(number) } else { rank = nil }
    let shown = rank.map(plan.ofRank) ?? plan
    if arguments[layout] {
      showLayout(shown, session)
    } else if let query = arguments[at] {
      try showMoment(query, of: shown, loaded, session)
    } else if let rank {
      let text = RankText(plan, rank, places: loaded.places)
      session.output.write(session.json ? JSONWriter.document(text.json) : text.text(session.output.style))
    } else {
      return false
    }
    return true
  }

  private static func showLayout(_ plan: Plan, _ session: Session) {
    session.output.write(session.json ? JSONWriter.document(plan.layoutJSON) : plan.layoutText)
  }

  private static func showMoment(
    _ query: MomentQuery, of plan: Plan, _ loaded: LoadedSpec, _ session: Session
  ) throws(CommandFailure) {
    let places = loaded.places
    let moment: Moment
    do {
      moment = try Moment(query, in: plan, places: places)
    } catch {
      throw CommandFailure(.faultyInput, error.message)
    }
    let text = MomentText(moment, of: plan, places: places)
    session.output.write(session.json ? JSONWriter.document(text.json) : text.text(session.output.style))
  }

  private static func showRun(_ folder: String, _ session: Session) throws(CommandFailure) {
    let status: RunStatus
    do {
      status = try RunStatus(folder: folder)
    } catch {
      throw CommandFailure(.failed, error.message)
    }
    for warning in status.warnings { session.warnAtWork(code: warning.code, warning.message) }
    let text = RunStatusText(status, folder: folder)
    session.output.write(session.json ? JSONWriter.document(text.json) : text.text(session.output.style))
  }
}
