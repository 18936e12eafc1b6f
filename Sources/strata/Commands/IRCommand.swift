internal import Terminal

/// `strata ir SPEC [--after PASS]`
struct IRCommand: Command {
  static let after = ValueOption(
    "after", .text("PASS"), "print the graph as this pass leaves it", default: "the last pass")

  static let spec = CommandSpec(
    "ir", group: CommandGroup.specs, summary: "print the graph a spec is lowered to",
    discussion: """
      One operation a line, with its shape and the line of the spec behind it. '--after' shows an earlier stage of the \
      compiler; an unknown name is answered with the names of all passes.
      """,
    operands: CommonOperands.spec, options: [after.spec, CommonOptions.set.spec],
    examples: [.init("strata ir net.yaml", "the graph that is planned and executed")])

  static func run(_ arguments: Arguments, _ console: Console) throws(CommandFailure) -> ExitCode {
    throw notSupportedYet()
  }
}
