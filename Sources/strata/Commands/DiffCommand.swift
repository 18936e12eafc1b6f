internal import Terminal
internal import Text

/// `strata diff PLAN PLAN`
struct DiffCommand: Command {
  static let spec = CommandSpec(
    "diff", group: CommandGroup.plans, summary: "what differs between two plans",
    discussion: "Compares modules, stages, steps and memory of two plan files and prints what changed.",
    operands: OperandSpec("PLAN", 2...2, "two plans (JSON)", completion: .files(extensions: ["json"])),
    exitCodes: [.stalePlan],
    examples: [.init("strata diff before.plan.json after.plan.json", "what a change of the spec costs")])

  static func run(_ arguments: Arguments, _ console: Console) throws(CommandFailure) -> ExitCode {
    throw notSupportedYet()
  }
}
