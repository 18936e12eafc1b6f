internal import Terminal

/// `strata compare DIR DIR...`
struct CompareCommand: Command {
  static let spec = CommandSpec(
    "compare", group: CommandGroup.runs, summary: "curves and figures of runs side by side",
    discussion: "Prints loss, accuracy, time and memory of two or more runs in columns, module by module.",
    operands: OperandSpec("DIR", 2...Int.max, "the folders of two or more runs", completion: .folders),
    exitCodes: [.failed],
    examples: [.init("strata compare runs/digits-1 runs/digits-2", "two runs side by side")])

  static func run(_ arguments: Arguments, _ console: Console) throws(CommandFailure) -> ExitCode {
    throw notSupportedYet()
  }
}
