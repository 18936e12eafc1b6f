internal import Artifacts
internal import Planning
internal import Terminal

/// `strata plan SPEC [-o PLAN] [--budget SIZE] [--threads N]`
struct PlanCommand: Command {
  static let output = ValueOption(
    "output", short: "o", .path("PLAN", completion: .files(extensions: ["json"])),
    "write the plan to this file")
  static let budget = ValueOption(
    "budget", .size,
    "choose partition, micro-batch, features and convolution algorithms so that the peak fits: 900MiB, 2GiB, 80%",
    default: "the spec's memory.budget, or no limit")

  static let html = ValueOption(
    "html", .path("FILE", completion: .files(extensions: ["html"])),
    "write the plan as a page: memory over a step, who holds the peak, schedule, strategies")
  static let stages = Flag("stages", "list each stage of every strategy in the comparison")

  static let spec = CommandSpec(
    "plan", group: CommandGroup.plans, summary: "compile a spec and print its training plan",
    discussion: """
      Prints modules, stages and the memory of each stage: the arena to the byte, what makes the peak, which lines of \
      the spec hold it, and what the other strategies would need for the same network, batch and data. Nothing is trained. With -o the plan is written as a file that \
      'strata run' executes as it stands; it is pinned to the spec by a hash.
      """,
    operands: CommonOperands.spec,
    options: [
      output.spec, budget.spec, CommonOptions.threads.spec, CommonOptions.data.spec, html.spec, stages.spec,
      CommonOptions.set.spec,
    ],
    exitCodes: [.failed, .overBudget, .faultyData],
    examples: [
      .init("strata plan net.yaml", "a dry run: what the training would need"),
      .init("strata plan net.yaml --html net.html", "the same to look at, in a page that needs nothing else"),
      .init("strata plan net.yaml --budget 1GiB -o net.plan.json", "find a plan that fits, and keep it"),
    ])

  static func run(_ arguments: Arguments, _ console: Console) throws(CommandFailure) -> ExitCode {
    let json = arguments[CommandSpec.json]
    if arguments[budget] != nil { throw CommandFailure(.faultyInput, "'--budget' is not supported yet") }
    let loaded = try LoadedSpec(
      path: arguments.operands[0], set: arguments[CommonOptions.set], console, json: json)
    let plan = try loaded.plan(
      threads: arguments[CommonOptions.threads] ?? 2, dataPath: arguments[CommonOptions.data],
      withFingerprint: arguments[CommonOptions.data] != nil, console, json: json)
    if let path = arguments[output] {
      try PlanFile.write(plan, of: loaded, to: path)
    }
    if let path = arguments[html] {
      try PlanFile.writePage(plan, of: loaded, to: path)
    }
    PlanFile.print(plan, of: loaded, json: json, listsStages: arguments[stages], console)
    return .done
  }
}
