internal import Artifacts
internal import Planning
internal import SpecLanguage
internal import Terminal
internal import Text

/// `strata diff PLAN PLAN`
struct DiffCommand: Command {
  static let spec = CommandSpec(
    "diff", group: CommandGroup.plans, summary: "what differs between two plans",
    discussion: """
      Compares spec values, network, memory and schedule of two plans, and tells changes that lead to other weights \
      apart from those that change the cost alone, and both from changes of names. A plan file is taken as it \
      stands, even where its spec has changed since; a spec is planned first, with 2 workers; its data is read and hashed where it is there, so that changed data shows. \
      Ends with 0 whether or not there are differences: '--json' says which it is.
      """,
    operands: OperandSpec(
      "SPEC|PLAN", 2...2, "two plans (JSON), or specs (YAML)", completion: CommonOperands.specOrPlanFiles),
    options: [CommonOptions.data.spec, CommonOptions.strict.spec],
    exitCodes: [.failed, .overBudget, .stalePlan, .faultyData],
    examples: [
      .init("strata diff before.plan.json after.plan.json", "what a change of the spec costs"),
      .init("strata diff net.plan.json net.yaml", "what has changed since the plan was made"),
    ])

  static func run(_ arguments: Arguments, _ console: Console) throws(CommandFailure) -> ExitCode {
    let json = arguments[CommandSpec.json]
    let files = [try InputFile(arguments.operands[0]), try InputFile(arguments.operands[1])]
    if arguments[CommonOptions.data] != nil, files.allSatisfy({ $0.kind == .plan }) {
      throw CommandFailure(.faultyInput, "'--data' goes with a spec: a plan file is taken as it stands")
    }
    let old = try record(files[0], dataPath: arguments[CommonOptions.data], console, json: json)
    let new = try record(files[1], dataPath: arguments[CommonOptions.data], console, json: json)
    try console.requireNoWarnings(json: json)
    let diff = PlanDiff(old, new)
    console.output.write(json ? JSONWriter.document(diff.json) : diff.text(console.output.style))
    return .done
  }

  private static func record(
    _ file: InputFile, dataPath: String?, _ console: Console, json: Bool
  ) throws(CommandFailure) -> PlanRecord {
    switch file.kind {
    case .plan:
      do {
        return try PlanRecord(path: file.path, bytes: file.bytes)
      } catch {
        throw CommandFailure(error)
      }
    case .spec:
      let loaded = try LoadedSpec(
        path: file.path, bytes: file.bytes, set: [], dataPath: dataPath, console, json: json)
      let plan = try loaded.plan(
        threads: CommonOptions.defaultThreadCount, budget: nil, dataPath: dataPath,
        withFingerprint: loaded.spec.data.source.value.readsFiles,
        console, json: json)
      return PlanRecord(
        plan, name: file.path,
        document: plan.json(specPath: nil, dataPath: plan.data.path, places: loaded.places))
    }
  }
}

extension CommandFailure {
  /// A plan of another format is stale; anything else that is no plan is a fault of what was passed.
  init(_ error: StoredPlanError) {
    switch error {
    case .otherFormat:
      self.init(.stalePlan, error.message, help: "plan again with this release")
    case .unreadable, .tooLarge, .malformed, .missing, .wrongSchema, .wrongThreads:
      self.init(.faultyInput, error.message)
    }
  }
}
