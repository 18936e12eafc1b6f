internal import Terminal

/// `strata explain CODE`
struct ExplainCommand: Command {
  static let spec = CommandSpec(
    "explain", group: CommandGroup.specs, summary: "tell more about a diagnostic's code",
    discussion: "Prints what the fault means, a spec that has it, and how to mend it.",
    operands: OperandSpec("CODE", 1...1, "a code like E021"),
    examples: [.init("strata explain E021", "what 'unknown key' is about")])

  static func run(_ arguments: Arguments, _ console: Console) throws(CommandFailure) -> ExitCode {
    throw notSupportedYet()
  }
}
