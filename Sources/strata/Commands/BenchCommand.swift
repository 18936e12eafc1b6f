internal import Artifacts
internal import Datasets
internal import Execution
internal import Planning
internal import Terminal
internal import Text

/// What `strata bench SPEC` measures.
enum BenchMode: Hashable, Sendable {
  /// A training step of the whole plan.
  case step
  /// A training step of one stage, counted from 1.
  case stage(Int)

  static let form = ValueForm<BenchMode>("step|stage:N", completion: .words(["step", "stage:1"])) { text in
    if text == "step" { return .success(.step) }
    if text.hasPrefix("stage:"), let stage = Int(text.dropFirst("stage:".count)), stage >= 1 {
      return .success(.stage(stage))
    }
    return .failure(ValueFault(expected: "step or stage:N", help: "stages count from 1"))
  }
}

/// `strata bench [SPEC] [--threads N] [--steps N] [--mode step|stage:N]`
struct BenchCommand: Command {
  static let steps = ValueOption(
    "steps", .integer(in: 1...1_000_000), "training steps to time, of each stage", default: "20")
  static let calibrate = Flag(
    "calibrate", "measure this machine, so that plans tell times; takes some ten seconds")
  static let profile = Flag(
    "profile", "tell where the time goes: by operation, by module, and how near to the roofline")
  static let mode = ValueOption(
    "mode", BenchMode.form, "what is measured: a step of every stage, or of one in sequential training",
    default: "step")

  static let spec = CommandSpec(
    "bench", group: CommandGroup.runs, summary: "measure the kernels, or one training step of a spec",
    discussion: """
      Without a spec the kernels are timed one by one; 'of SGEMM' compares with plain products what the plain algorithm's \
      operations come to, 'executed' those that really run, which Winograd has fewer of. With '--calibrate' every kind of work \
      is measured and kept as this machine's profile in $XDG_CACHE_HOME/strata (or ~/.cache/strata); 'strata plan' then tells \
      how long a step, an epoch and a run take, and 'strata run' holds that against what they took.

      With a spec a training step is timed: preparation of the batch, forward, loss, backward and update of every module. \
      Sequential training has a step of its own in every stage, and each is measured, a line for each. The images are made \
      up; the data set is not read.
      """,
    operands: OperandSpec("SPEC", 0...1, "an architecture spec (YAML)", completion: CommonOperands.specFiles),
    options: [
      CommonOptions.threads.spec, steps.spec, mode.spec, calibrate.spec, profile.spec, CommonOptions.set.spec,
      CommonOptions.strict.spec,
    ],
    exitCodes: [.failed, .overBudget],
    examples: [
      .init("strata bench", "the kernels on this machine"),
      .init("strata bench net.yaml --steps 50", "time and memory of a training step"),
      .init("strata bench net.yaml --mode stage:3 --profile", "module 3 behind its frozen prefix, in detail"),
    ])

  static func run(_ arguments: Arguments, _ session: Session) throws(CommandFailure) -> ExitCode {
    let threads = arguments.threadCount
    session.warnOfIdleWorkers(threads)
    if arguments[calibrate], !arguments.operands.isEmpty {
      throw CommandFailure(.faultyInput, "'--calibrate' measures the machine, not a spec")
    }
    guard let path = arguments.operands.first else {
      try requireNothingOfASpec(arguments)
      if arguments[calibrate] {
        try Calibration.run(threads: threads, session)
      } else {
        try KernelBench.run(threads: threads, session)
      }
      return .done
    }
    var assignments = arguments[CommonOptions.set]
    let wanted: Int?
    switch arguments[mode] ?? .step {
    case .step: wanted = nil
    case .stage(let number):
      wanted = number
      assignments.append(Assignment(key: "training.strategy", value: "sequential"))
    }
    // A step as it is where no features are kept: what makes them belongs to no step.
    assignments.append(Assignment(key: "memory.features", value: "recompute"))
    var loaded = try LoadedSpec(path: path, set: assignments, dataPath: nil, session)
    loaded.replaceDataWithMadeUpImages()
    let plan = try loaded.plan(
      threads: threads, budget: nil, dataPath: nil, withFingerprint: false, session
    ).plan
    try session.requireNoWarnings()
    if let wanted, wanted > plan.stages.count {
      throw CommandFailure(
        .faultyInput, "there is no stage \(wanted)",
        help: "the spec has \(plan.stages.count) in sequential training")
    }
    let stages = plan.stages.filter { wanted == nil || $0.index == wanted }
    try plan.requireMemory(running: stages.map(\.training))
    let dataset = try DataOpening(loaded, path: nil).open(for: plan)
    let engine = try Engine.make(plan.memoryMap)
    let benchmark = StepBenchmark(
      plan: plan, engine: engine, images: ImagePreparer(dataset, plan: plan), now: monotonicSeconds)
    var report = StepReport(plan, stageCount: stages.count)
    if !session.json { session.output.write(paragraph(report.title)) }
    // The roofline is measured once, in an arena that nothing lies in.
    let recorders =
      arguments[profile] ? Calibration.recorders(stages.count, for: engine).map(Optional.init) : []
    for (position, stage) in stages.enumerated() {
      let recorder = recorders.isEmpty ? nil : recorders[position]
      let seconds = try measure(
        benchmark, stage, of: plan, steps: arguments[steps] ?? 20, recorder: recorder, session)
      report.add(
        stage, seconds: seconds, profile: recorder.map { ProfileText($0.result(), of: .step) })
      if !session.json { session.output.write(report.text(of: position, session.output.style)) }
    }
    if session.json {
      session.output.write(JSONWriter.document(report.json))
    } else {
      session.output.writeLine(report.memoryLine)
    }
    return .done
  }

  /// Options that mean nothing without a spec are not passed over in silence.
  private static func requireNothingOfASpec(_ arguments: Arguments) throws(CommandFailure) {
    let given = [
      (arguments[steps] != nil, "--steps"), (arguments[mode] != nil, "--mode"),
      (arguments[profile], "--profile"), (!arguments[CommonOptions.set].isEmpty, "--set"),
      (arguments[CommonOptions.strict], "--strict"),
    ].filter(\.0).map { "'\($0.1)'" }
    guard !given.isEmpty else { return }
    throw CommandFailure(
      .faultyInput,
      "\(given.joined(separator: ", ")) \(given.count == 1 ? "is" : "are") of a spec's training step, and there is no spec",
      help: "pass the spec: strata bench SPEC")
  }

  /// - Returns: seconds of each step, rising.
  private static func measure(
    _ benchmark: StepBenchmark, _ stage: StagePlan, of plan: Plan, steps: Int, recorder: ProfileRecorder?,
    _ session: Session
  ) throws(CommandFailure) -> [Double] {
    do throws(NotFinite) {
      return try benchmark.run(stage, steps: steps, warmUps: 2, recorder: recorder) { step in
        session.diagnostics.rewriteLine(
          step == steps + 2 ? "" : "stage \(stage.index): \(max(0, step - 2))/\(steps) steps")
      }.sorted()
    } catch {
      throw CommandFailure(
        .failed, "stage \(stage.index) cannot be measured: \(error.message)",
        help: error.advice(largeImages: nil, plan))
    }
  }
}
