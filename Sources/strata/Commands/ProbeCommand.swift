internal import Terminal

/// `strata probe DIR`
struct ProbeCommand: Command {
  static let spec = CommandSpec(
    "probe", group: CommandGroup.runs, summary: "linear separability of the features at every depth",
    discussion: """
      Trains a linear classifier on the frozen features of each module of a run and prints how well it separates the \
      classes, depth by depth.
      """,
    operands: CommonOperands.runFolder, options: [CommonOptions.data.spec],
    exitCodes: [.failed, .stalePlan, .faultyData, .interrupted],
    examples: [.init("strata probe runs/digits-1", "accuracy of a linear probe, a line each module")])

  static func run(_ arguments: Arguments, _ console: Console) throws(CommandFailure) -> ExitCode {
    throw notSupportedYet()
  }
}
