internal import Terminal
internal import Text

/// `strata help [COMMAND]`, `strata COMMAND --help`, `strata --help`
struct HelpCommand: Command {
  static let man = Flag("man", "print the manual page of all commands, for man(1)")

  static let spec = CommandSpec(
    "help", group: CommandGroup.about, summary: "list the commands, or tell all about one",
    discussion: "'strata COMMAND --help' prints the same, and 'strata' alone the list.",
    operands: OperandSpec("COMMAND", 0...1, "a command's name"), options: [man.spec],
    synopses: ["[COMMAND]", "--man"],
    examples: [
      .init("strata help plan", "options, exit codes and examples of 'strata plan'"),
      .init("strata help --man > strata.1", "'make install' does it"),
    ])

  static func run(_ arguments: Arguments, _ session: Session) throws(CommandFailure) -> ExitCode {
    let program = CommandTable.program
    if arguments[man] {
      guard arguments.operands.isEmpty, !arguments[CommandSpec.json] else {
        throw CommandFailure(
          .faultyInput, "'--man' prints one page of all commands, and takes neither COMMAND nor '--json'")
      }
      session.output.write(program.manPage)
      return .done
    }
    guard let name = arguments.operands.first else {
      print(nil, session)
      return .done
    }
    guard let command = program.command(named: name) else {
      let guess = nearest(to: name, among: program.commands.map(\.name))
      throw CommandFailure(
        .faultyInput, "unknown command '\(name)'",
        help: guess.map { "did you mean '\($0)'?" } ?? "'strata help' lists the commands")
    }
    print(command, session)
    return .done
  }

  /// Prints the help of `command`, or the overview of all.
  static func print(_ command: CommandSpec?, _ session: Session) {
    let program = CommandTable.program
    if session.json {
      let commands = (command.map { [$0] } ?? program.commands).map { program.json(of: $0) }
      let document: [(key: String, value: JSON)] = [
        ("schema", "strata.help/1"), ("commands", .array(commands)),
      ]
      session.output.write(JSONWriter.document(.object(document)))
    } else if let command {
      session.output.write(program.help(for: command, width: session.console.textWidth, session.output.style))
    } else {
      session.output.write(program.overview(width: session.console.textWidth, session.output.style))
    }
  }
}
