internal import Artifacts
internal import Planning
internal import SpecLanguage
internal import Terminal
internal import Text

/// `strata diff SPEC|PLAN SPEC|PLAN [--exit-code] [--budget [a:|b:]SIZE] ...`
struct DiffCommand: Command {
  static let exitCode = Flag(
    "exit-code", "end with 1 where there is a difference, as 'git diff --exit-code' does")
  static let budget = RepeatedOption(
    "budget", ValueForm<MemorySize>.size.sided(),
    "plan the specs within a budget, as 'strata plan'; a:SIZE or b:SIZE: one of the two alone")
  static let threads = RepeatedOption(
    "threads", ValueForm<Int>.integer(in: MemoryMap.threadLimits).sided(),
    "number of workers to plan the specs for, a:N or b:N for one alone (default: the other side's, where that is a plan, "
      + "or else the processors that this process may use)")
  static let data = RepeatedOption(
    "data", ValueForm<String>.path("PATH").sided(),
    "where the data set lies, in place of the specs' data.path; a:PATH or b:PATH for one alone")
  static let set = RepeatedOption(
    "set", ValueForm<Assignment>.assignment.sided(),
    "set a value of the specs, checked like the file; a:KEY=VALUE or b:KEY=VALUE for one alone")

  static let spec = CommandSpec(
    "diff", group: CommandGroup.plans, summary: "what differs between two plans",
    discussion: """
      Compares spec values, network, memory and schedule of two plans, a and b, and tells changes that lead to other weights \
      apart from those that change the cost alone, and both from changes of names. A plan file is taken as it \
      stands, even where its spec has changed since; a spec is planned first; its data is read and hashed where it is there, so that \
      changed data shows. \
      '--budget', '--threads', '--data' and '--set' go with every spec of the two; with 'a:' or 'b:' before their value, with \
      that one alone, so that one spec can be held against itself.

      Ends with 0 whether or not there are differences. With '--exit-code' it ends with 1 where there is one, names \
      included. A failure may have 1 as well: then there is a line on standard error, and nothing on standard output. \
      '--json' says 'equal' in either case.
      """,
    operands: OperandSpec(
      "SPEC|PLAN", 2...2, "two plans (JSON), or specs (YAML)", completion: CommonOperands.specOrPlanFiles),
    options: [exitCode.spec, budget.spec, threads.spec, data.spec, set.spec, CommonOptions.strict.spec],
    exitCodes: [.failed, .overBudget, .stalePlan, .faultyData],
    examples: [
      .init("strata diff before.plan.json after.plan.json", "what a change of the spec costs"),
      .init("strata diff net.yaml net.yaml --budget b:1GiB", "what a budget costs"),
      .init("strata diff net.yaml net.yaml --set b:training.batch=64", "what a value of the spec changes"),
      .init(
        "strata diff --exit-code net.plan.json net.yaml", "whether a kept plan is still that of its spec"),
    ])

  /// One of the two, with the options that are its own.
  private struct Input {
    var side: Side
    var file: InputFile
    var budget: (size: MemorySize, text: String)?
    var threads: Int?
    var dataPath: String?
    var assignments: [Assignment]

    /// What was typed beside the file.
    var optionWords: [String] {
      (budget.map { ["--budget \($0.text)"] } ?? []) + (threads.map { ["--threads \($0)"] } ?? [])
        + (dataPath.map { ["--data \(shellWord($0))"] } ?? [])
        + assignments.map { "--set \(shellWord($0.text))" }
    }
  }

  static func run(_ arguments: Arguments, _ console: Console) throws(CommandFailure) -> ExitCode {
    let json = arguments[CommandSpec.json]
    let files = [try InputFile(arguments.operands[0]), try InputFile(arguments.operands[1])]
    var inputs = [try input(.a, files[0], arguments), try input(.b, files[1], arguments)]
    if files.allSatisfy({ $0.kind == .plan }), let option = firstOption(arguments) {
      throw CommandFailure(.faultyInput, "'\(option)' goes with a spec: a plan file is taken as it stands")
    }
    var records: [PlanRecord?] = [nil, nil]
    // Plans first: they say what a spec beside them is planned for.
    for index in [0, 1] where files[index].kind == .plan { records[index] = try record(ofPlan: files[index]) }
    for index in [0, 1] where files[index].kind == .spec {
      let words = inputs[index].optionWords
      inputs[index].threads = inputs[index].threads ?? records[1 - index]?.threads
      records[index] = try record(ofSpec: inputs[index], named: words, console, json: json)
    }
    guard let old = records[0], let new = records[1] else {
      preconditionFailure("a file is a spec or a plan")
    }
    try console.requireNoWarnings(json: json)
    let diff = PlanDiff(old, new)
    console.output.write(json ? JSONWriter.document(diff.json) : diff.text(console.output.style))
    return arguments[exitCode] && !diff.isEmpty ? .failed : .done
  }

  // MARK: - Options

  private static func firstOption(_ arguments: Arguments) -> String? {
    [
      (!arguments[budget].isEmpty, "--budget"), (!arguments[threads].isEmpty, "--threads"),
      (!arguments[data].isEmpty, "--data"), (!arguments[set].isEmpty, "--set"),
    ].first(where: \.0)?.1
  }

  private static func input(
    _ side: Side, _ file: InputFile, _ arguments: Arguments
  ) throws(CommandFailure) -> Input {
    func own<Value>(_ values: [Sided<Value>], _ option: String) throws(CommandFailure) -> [Sided<Value>] {
      let own = values.filter { $0.side == side }
      if let first = own.first, file.kind == .plan {
        throw CommandFailure(
          .faultyInput,
          "'--\(option) \(side.rawValue):\(first.text)' goes with a spec, and '\(file.path)' is a plan, which is taken as it stands"
        )
      }
      return values.filter { $0.side == nil } + own
    }
    func last<Value>(_ values: [Sided<Value>], _ option: String) throws(CommandFailure) -> Sided<Value>? {
      let chosen = try own(values, option)
      for one in [chosen.filter { $0.side == nil }, chosen.filter { $0.side != nil }] where one.count > 1 {
        throw CommandFailure(
          .faultyInput,
          "'--\(option)' is given twice for \(one[0].side.map { "'\($0.rawValue)'" } ?? "both")",
          help: "keep one of the two")
      }
      return chosen.last
    }
    return Input(
      side: side, file: file,
      budget: try last(arguments[budget], "budget").map { ($0.value, $0.text) },
      threads: try last(arguments[threads], "threads")?.value,
      dataPath: try last(arguments[data], "data")?.value,
      assignments: try own(arguments[set], "set").map(\.value))
  }

  // MARK: - Plans

  private static func record(ofPlan file: InputFile) throws(CommandFailure) -> PlanRecord {
    do {
      return try PlanRecord(path: file.path, bytes: file.bytes)
    } catch {
      throw CommandFailure(error)
    }
  }

  /// - Parameter words: options that are named beside the file.
  private static func record(
    ofSpec input: Input, named words: [String], _ console: Console, json: Bool
  ) throws(CommandFailure) -> PlanRecord {
    let loaded = try LoadedSpec(
      path: input.file.path, bytes: input.file.bytes, set: input.assignments, dataPath: input.dataPath,
      console, json: json)
    let plan = try loaded.plan(
      threads: input.threads ?? CommonOptions.defaultThreadCount, budget: input.budget?.size,
      dataPath: input.dataPath, withFingerprint: loaded.spec.data.source.value.readsFiles, console, json: json
    )
    return PlanRecord(
      plan, name: ([input.file.path] + words).joined(separator: " "),
      document: plan.json(specPath: nil, dataPath: plan.data.path, places: loaded.places))
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
