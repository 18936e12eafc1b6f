internal import Terminal
internal import Text

/// `strata show SPEC|PLAN|DIR [--resolved] [--layout]`
struct ShowCommand: Command {
  static let resolved = Flag("resolved", "print every value of the spec with where it came from")
  static let layout = Flag("layout", "list the offset and size of every value in the arena")

  static let spec = CommandSpec(
    "show", group: CommandGroup.specs, summary: "print a spec, a plan or a run as text",
    discussion: """
      A spec is printed with its network, a plan with its stages and memory, a run with its figures so far. \
      '--resolved' tells each value of the spec and its origin: a line of the file, a default, derived, or '--set'. \
      '--layout' lists the memory layout of a plan.
      """,
    operands: OperandSpec(
      "SPEC|PLAN|DIR", 1...1, "an architecture spec (YAML), a plan (JSON), or the folder of a run",
      completion: CommonOperands.specOrPlanFiles),
    options: [resolved.spec, layout.spec, CommonOptions.set.spec], exitCodes: [.stalePlan],
    examples: [
      .init("strata show net.yaml --resolved", "what the defaults fill in"),
      .init("strata show net.plan.json --layout", "where every value lies, and when"),
    ])

  static func run(_ arguments: Arguments, _ console: Console) throws(CommandFailure) -> ExitCode {
    throw notSupportedYet()
  }
}
