/// A shell that completion scripts are written for.
package enum Shell: String, CaseIterable, Sendable {
  case bash, zsh, fish
}

extension ProgramSpec {
  /// A script that teaches `shell` the commands, their options, and what may stand in a value's or operand's place.
  package func completionScript(for shell: Shell) -> String {
    switch shell {
    case .bash: bashCompletions()
    case .zsh: zshCompletions()
    case .fish: fishCompletions()
    }
  }

  /// Of the options that take `KEY=VALUE`; they all take the same keys.
  var assignmentKeys: [AssignmentCompletion] {
    for option in commands.flatMap(\.options) {
      if case .assignments(let keys) = option.completion { return keys }
    }
    return []
  }

  /// What may follow `command` as an operand; `help` is followed by commands.
  func operandCompletion(of command: CommandSpec) -> Completion {
    command.name == "help" ? .words(commands.map(\.name)) : command.operands?.completion ?? .nothing
  }
}
