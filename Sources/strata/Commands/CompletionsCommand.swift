internal import Terminal
internal import Text

/// `strata completions SHELL`
struct CompletionsCommand: Command {
  static let spec = CommandSpec(
    "completions", group: CommandGroup.about, summary: "print the completion script of a shell",
    discussion: "The script completes commands, options and their values, and the files that fit.",
    operands: OperandSpec(
      "SHELL", 1...1, "bash, zsh or fish", completion: .words(Shell.allCases.map(\.rawValue))),
    examples: [
      .init("source <(strata completions bash)", "for this shell; put the line into ~/.bashrc to keep it"),
      .init("strata completions zsh > ~/.zfunc/_strata", "with ~/.zfunc in fpath, before compinit"),
      .init("strata completions fish > ~/.config/fish/completions/strata.fish", "read by every new shell"),
    ])

  static func run(_ arguments: Arguments, _ session: Session) throws(CommandFailure) -> ExitCode {
    guard let shell = Shell(rawValue: arguments.operands[0]) else {
      preconditionFailure("the parser accepts only the shells of the spec")
    }
    let script = CommandTable.program.completionScript(for: shell)
    if session.json {
      let document: [(key: String, value: JSON)] = [
        ("schema", "strata.completions/1"), ("shell", .string(shell.rawValue)), ("script", .string(script)),
      ]
      session.output.write(JSONWriter.document(.object(document)))
    } else {
      session.output.write(script)
    }
    return .done
  }
}
