internal import Terminal

/// `strata evaluate DIR`
struct EvaluateCommand: Command {
  static let spec = CommandSpec(
    "evaluate", group: CommandGroup.runs, summary: "accuracy of every module of a run, and of their ensemble",
    discussion: """
      Loads the weights of a finished run and classifies the test pictures with every module's auxiliary, with the \
      head, and with the ensemble of them all.
      """,
    operands: CommonOperands.runFolder, options: [CommonOptions.data.spec],
    exitCodes: [.failed, .stalePlan, .faultyData],
    examples: [.init("strata evaluate runs/digits-1", "loss and accuracy, a line each module")])

  static func run(_ arguments: Arguments, _ console: Console) throws(CommandFailure) -> ExitCode {
    throw notSupportedYet()
  }
}
