internal import Artifacts
internal import Base
internal import Planning
internal import SpecLanguage
internal import Terminal

/// `strata plan SPEC [-o PLAN] [--budget SIZE] [--threads N]`
struct PlanCommand: Command {
  static let output = ValueOption(
    "output", short: "o", .path("PLAN", completion: .files(extensions: ["json"])),
    "write the plan to this file; of those that are there, only a plan is replaced")
  static let largestBatch = Flag(
    "largest-batch",
    "print the largest batch of each strategy within the budget, as it comes and with choices that keep the bits, "
      + "and plan nothing else")

  static let html = ValueOption(
    "html", .path("FILE", completion: .files(extensions: ["html"])),
    "write the plan as a page: memory over a step, who holds the peak, schedule, strategies")
  static let stages = Flag("stages", "list each stage of every strategy in the comparison")

  static let spec = CommandSpec(
    "plan", group: CommandGroup.plans, summary: "compile a spec and print its training plan",
    discussion: """
      Prints modules, stages and the memory of each stage: the arena to the byte, what makes the peak, which lines of \
      the spec hold it, and what the other strategies would need for the same network, batch and data. Nothing is \
      trained. With -o the plan is written as a file that 'strata run' executes as it stands; it is pinned to the \
      spec by a hash, and keeps what '--set' laid over it. What was written, and the peak of the plan that it replaced, is \
      reported on standard error. With a budget the plan is chosen so that the peak fits: what frozen modules give kept in memory, \
      in a file or not at all, evaluation on fewer images at once, images read from their files for every batch, \
      values computed again instead of kept, batches in pieces; each choice is printed with what it costs. Where nothing fits, the smallest budget that would do is named, and changes of the spec that would fit.

      With '--ranks' the modules of parallel training are cut into consecutive groups, one a rank, such that the dearest group \
      costs the least: by this machine's speeds where it was measured ('strata bench --calibrate'), else by multiply-adds. Each rank \
      gets programs and an arena of its own, with two buffers to receive and two to send. Printed are its peak, what it receives and \
      sends in a step, its share of the dearest rank's work, and the speed-up that balance and, with '--link', the links allow. The \
      budget is each rank's, and nothing is chosen for it: where a rank does not fit, the smallest number of ranks that does is \
      named. What a library for messages takes in the process is not counted. 'strata run' trains in one process and \
      refuses such a plan.
      """,
    operands: CommonOperands.spec,
    options: [
      output.spec, CommonOptions.budget.spec, largestBatch.spec, CommonOptions.threads.spec,
      RankOptions.ranks.spec, RankOptions.link.spec, CommonOptions.data.spec, html.spec, stages.spec,
      WatchedFiles.option.spec, CommonOptions.set.spec,
      CommonOptions.strict.spec,
    ],
    exitCodes: [.failed, .overBudget, .faultyData],
    examples: [
      .init("strata plan net.yaml", "a dry run: what the training would need"),
      .init("strata plan net.yaml --html net.html", "the same to look at, in a page that needs nothing else"),
      .init("strata plan net.yaml --budget 1GiB -o net.plan.json", "find a plan that fits, and keep it"),
      .init("strata plan net.yaml --ranks 4 --link 10Gbit/s", "four processes: memory and speed-up of each"),
      .init("strata plan net.yaml --largest-batch --budget 2GiB", "what each strategy could take"),
      .init("strata plan net.yaml --watch", "beside an editor: on every save, and what it has changed"),
    ])

  static func run(_ arguments: Arguments, _ session: Session) throws(CommandFailure) -> ExitCode {
    if arguments[largestBatch] { try requireNothingOfAPlan(arguments) }
    try requireRanks(arguments)
    if arguments[WatchedFiles.option] { try watch(arguments, session) }
    var loaded = try LoadedSpec(
      path: arguments.operands[0], set: arguments[CommonOptions.set],
      dataPath: arguments[CommonOptions.data], session)
    if let path = arguments[output], Paths.isStream(loaded.path),
      FilePath.real(FilePath.folder(of: path)) != FilePath.real(".")
    {
      loaded.makePathsAbsolute()
    }
    try OutputFile.requireFree(
      [
        arguments[output].map { OutputFile(option: "-o", path: $0, kind: .plan) },
        arguments[html].map { OutputFile(option: "--html", path: $0, kind: .page) },
      ].compactMap(\.self), inputs: [loaded.path])
    if arguments[largestBatch] {
      return try LargestBatchReport.run(
        loaded, threads: arguments.threadCount, budget: arguments[CommonOptions.budget],
        dataPath: arguments[CommonOptions.data], session)
    }
    let readsFiles = loaded.spec.data.source.value.readsFiles
    let withFingerprint =
      arguments[CommonOptions.data] != nil
      || (readsFiles && (session.json || arguments[output] != nil))
    let compiled =
      if let count = arguments[RankOptions.ranks] {
        try loaded.plan(
          ranks: count, threads: arguments.threadCount, budget: arguments[CommonOptions.budget],
          dataPath: arguments[CommonOptions.data], withFingerprint: withFingerprint, session)
      } else {
        try loaded.plan(
          threads: arguments.threadCount, budget: arguments[CommonOptions.budget],
          dataPath: arguments[CommonOptions.data], withFingerprint: withFingerprint, session)
      }
    let plan = compiled.plan
    // Ranks run on machines of their own.
    if plan.ranks == nil { plan.warnOfMemory(session) }
    try session.requireNoWarnings()
    if readsFiles, arguments[output] != nil, plan.data.facts.fingerprint == nil {
      session.diagnostics.writeLine(
        "note: the data is not there, so the plan is not pinned to it: it runs on any data of this shape")
    }
    let comparison = compiled.comparison(withTimes: true)
    if let path = arguments[output] {
      let options = PlanOptions(
        budget: arguments.text(of: CommonOptions.budget), threads: arguments.text(of: CommonOptions.threads),
        data: arguments[CommonOptions.data])
      try PlanFile.write(plan, comparison, of: loaded, options: options, to: path, session)
    }
    if let path = arguments[html] {
      try PlanFile.writePage(plan, comparison, of: loaded, to: path, session)
    }
    PlanFile.print(
      plan, comparison, of: loaded, listsStages: arguments[stages], link: arguments[RankOptions.link], session
    )
    return .done
  }

  /// What '--ranks' does not go with, and what goes with nothing else.
  private static func requireRanks(_ arguments: Arguments) throws(CommandFailure) {
    guard arguments[RankOptions.ranks] != nil else {
      guard arguments[RankOptions.link] == nil else {
        throw CommandFailure(.faultyInput, "'--link' goes with '--ranks'")
      }
      return
    }
    let given = [
      (arguments[WatchedFiles.option], "--watch"), (arguments[html] != nil, "--html"),
      (arguments[largestBatch], "--largest-batch"), (arguments[stages], "--stages"),
    ].first(where: \.0)
    if let given { throw CommandFailure(.faultyInput, "'--ranks' does not go with '\(given.1)'") }
  }

  private static func watch(_ arguments: Arguments, _ session: Session) throws(CommandFailure) -> Never {
    let given = [
      (arguments[output] != nil, "-o"), (arguments[html] != nil, "--html"),
      (arguments[largestBatch], "--largest-batch"), (session.json, "--json"),
    ].first(where: \.0)
    if let given {
      throw CommandFailure(.faultyInput, "'--watch' prints plans, and does not go with '\(given.1)'")
    }
    var saved = SavedPlans()
    try WatchedFiles.run(arguments.operands, session) { (session) throws(CommandFailure) in
      let loaded = try LoadedSpec(
        path: arguments.operands[0], set: arguments[CommonOptions.set],
        dataPath: arguments[CommonOptions.data], session)
      let compiled = try loaded.plan(
        threads: arguments.threadCount, budget: arguments[CommonOptions.budget],
        dataPath: arguments[CommonOptions.data], withFingerprint: false, session)
      compiled.plan.warnOfMemory(session)
      try session.requireNoWarnings()
      PlanFile.print(
        compiled.plan, compiled.comparison(withTimes: true), of: loaded, listsStages: arguments[stages],
        session)
      if let words = saved.note(compiled.plan) { session.output.writeLine("\n" + words) }
    }
  }

  /// Options that mean nothing without a plan are not passed over in silence.
  private static func requireNothingOfAPlan(_ arguments: Arguments) throws(CommandFailure) {
    let given = [
      (arguments[output] != nil, "-o"), (arguments[html] != nil, "--html"), (arguments[stages], "--stages"),
    ].filter(\.0).map { "'\($0.1)'" }
    guard given.isEmpty else {
      throw CommandFailure(
        .faultyInput, "'--largest-batch' makes no plan for \(given.joined(separator: ", "))")
    }
  }
}
