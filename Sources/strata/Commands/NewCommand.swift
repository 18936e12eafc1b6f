internal import Terminal

/// `strata new [TEMPLATE]`
struct NewCommand: Command {
  static let spec = CommandSpec(
    "new", group: CommandGroup.specs, summary: "print a commented spec to start from",
    discussion: "Prints the template to standard output; without a name, the smallest one.",
    operands: OperandSpec("TEMPLATE", 0...1, "the template's name"),
    examples: [.init("strata new > net.yaml", "start a spec")])

  static func run(_ arguments: Arguments, _ console: Console) throws(CommandFailure) -> ExitCode {
    throw notSupportedYet()
  }
}
