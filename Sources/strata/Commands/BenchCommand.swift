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
    "steps", .integer(in: 1...1_000_000), "training steps to time", default: "20")
  static let profile = Flag("profile", "tell where the time goes, operation by operation")
  static let mode = ValueOption(
    "mode", BenchMode.form, "what a step is: of the whole plan, or of one stage", default: "step")

  static let spec = CommandSpec(
    "bench", group: CommandGroup.runs, summary: "measure the kernels, or one training step of a spec",
    discussion: """
      Without a spec the kernels are timed one by one. With one, its training step is: preparation of the batch, \
      forward, loss, backward and update of every module. The pictures are made up; the data set is not read.
      """,
    operands: OperandSpec("SPEC", 0...1, "an architecture spec (YAML)", completion: CommonOperands.specFiles),
    options: [CommonOptions.threads.spec, steps.spec, mode.spec, profile.spec, CommonOptions.set.spec],
    exitCodes: [.failed, .overBudget],
    examples: [
      .init("strata bench", "the kernels on this machine"),
      .init("strata bench net.yaml --steps 50", "time and memory of a training step"),
    ])

  static func run(_ arguments: Arguments, _ console: Console) throws(CommandFailure) -> ExitCode {
    let json = arguments[CommandSpec.json]
    guard let path = arguments.operands.first else {
      KernelBench.run(threads: arguments[CommonOptions.threads] ?? 2, json: json, console)
      return .done
    }
    var assignments = arguments[CommonOptions.set]
    let stageNumber: Int
    switch arguments[mode] ?? .step {
    case .step: stageNumber = 1
    case .stage(let number):
      stageNumber = number
      assignments.append(Assignment(key: "training.strategy", value: "sequential"))
    }
    var loaded = try LoadedSpec(path: path, set: assignments, console, json: json)
    loaded.replaceDataWithMadeUpPictures()
    let plan = try loaded.plan(
      threads: arguments[CommonOptions.threads] ?? 2, budget: nil, dataPath: nil, withFingerprint: false,
      console, json: json)
    guard stageNumber <= plan.stages.count else {
      throw CommandFailure(
        .faultyInput, "there is no stage \(stageNumber)",
        help: "the spec has \(plan.stages.count) in sequential training")
    }
    let dataset = try DataOpening(loaded.spec, folder: loaded.folder, path: nil).open(for: plan)
    let engine = try Engine.make(plan)
    let benchmark = StepBenchmark(
      engine: engine, pictures: PicturePreparer(dataset, plan: plan), now: monotonicSeconds)
    let stepCount = arguments[steps] ?? 20
    let stage = plan.stages[stageNumber - 1]
    var measured = arguments[profile] ? StepProfile(stage.training) : nil
    let seconds = benchmark.run(stage, steps: stepCount, warmUps: 2, profile: &measured) { step in
      guard console.diagnostics.canRedraw else { return }
      console.diagnostics.write(
        "\r\(max(0, step - 2))/\(stepCount) steps" + (step == stepCount + 2 ? "\r\u{1B}[K" : ""))
    }.sorted()
    report(
      seconds, of: plan, profile: measured.map { ProfileText($0, of: stage.training) }, json: json, console)
    return .done
  }

  private static func report(
    _ seconds: [Double], of plan: Plan, profile: ProfileText?, json: Bool, _ console: Console
  ) {
    let median = seconds[seconds.count / 2]
    let (least, most) = (seconds[0], seconds[seconds.count - 1])
    let rate = Double(plan.training.batch) / median
    let peakBytes = ProcessMemory.peakBytes
    if json {
      let step = JSON.object([
        ("medianSeconds", .number(median)), ("minSeconds", .number(least)), ("maxSeconds", .number(most)),
      ])
      console.output.write(
        JSONWriter.document(
          .object([
            ("schema", "strata.bench/1"), ("name", .string(plan.name)), ("threads", .integer(plan.threads)),
            ("steps", .integer(seconds.count)), ("step", step), ("imagesPerSecond", .number(rate)),
            ("peakBytes", .optional(peakBytes, JSON.integer)),
            ("plannedPeakBytes", .integer(plan.memory.peakBytes)),
            ("profile", .optional(profile) { $0.json }),
          ])))
      return
    }
    func milliseconds(_ seconds: Double) -> String { fixed(seconds * 1000, decimals: 1) }
    console.output.writeLine(
      """
      \(plan.name): \(seconds.count) steps of \(plan.training.batch) pictures, \(plan.threads) workers
        step   \(milliseconds(median)) ms (median; \(milliseconds(least)) to \(milliseconds(most)))
        speed  \(fixed(rate, decimals: 1)) images/s
        peak   \(peakBytes.map { byteSize($0) } ?? "unknown"), planned \(byteSize(plan.memory.peakBytes))
      """)
    if let profile { console.output.write(profile.text(console.output.style)) }
  }
}
