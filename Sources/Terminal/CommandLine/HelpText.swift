package import Text

extension ProgramSpec {
  /// The overview: every command under its group's headline, exit codes, where to read on.
  package func overview(width: Int, _ style: TextStyle) -> String {
    var text = "\(name) \(version): \(summary)\n\n"
    text += style.bold("usage:") + " \(name) COMMAND [options] ...\n"
    let column = (commands.map(\.name.count).max() ?? 0) + 2
    var group = ""
    for command in commands {
      if command.group != group {
        group = command.group
        text += "\n" + style.bold(group + ":") + "\n"
      }
      text += entry(command.name, command.summary, column: column, width: width, style)
    }
    text += "\n" + style.bold("exit codes:") + "\n"
    for code in ExitCode.allCases {
      text += entry("\(code.rawValue)", code.meaning, column: 4, width: width, style)
    }
    return text
      + "\n'\(name) help COMMAND' tells more about a command, '\(name) --version' prints the version.\n"
  }

  /// One command's help: synopsis, description, operands, options with their defaults, exit codes, examples.
  package func help(for command: CommandSpec, width: Int, _ style: TextStyle) -> String {
    let heading = { (title: String) in "\n" + style.bold(title + ":") + "\n" }
    var text = "\(name) \(command.name): \(command.summary)\n"
    text += heading("usage") + usageLines(of: command, indentation: "  ")
    text += "\n" + wrapped(command.discussion, width: width).map { $0 + "\n" }.joined()
    if let operands = command.operands {
      text += heading("operands")
      text += entry(
        operands.placeholder, operands.summary, column: operands.placeholder.count + 2, width: width, style)
    }
    text += heading("options")
    let column = (command.options.map(\.signature.count).max() ?? 0) + 2
    for option in command.options {
      text += entry(option.signature, description(of: option), column: column, width: width, style)
    }
    text += heading("exit codes")
    let codes = ExitCode.allCases.filter { command.canExit(with: $0) }
    for code in codes { text += entry("\(code.rawValue)", code.meaning, column: 4, width: width, style) }
    if !command.examples.isEmpty {
      text += heading("examples")
      for example in command.examples {
        text += "  " + style.cyan(example.line) + "\n"
        text += wrapped(example.note, width: width - 6).map { "      " + $0 + "\n" }.joined()
      }
    }
    return text
  }

  /// `strata plan [options] SPEC`, a line for each way to call the command.
  package func usageLines(of command: CommandSpec, indentation: String) -> String {
    command.synopses.map { "\(indentation)\(name) \($0)\n" }.joined()
  }

  /// What follows the faults of a command line: how the command is called, and where its help is.
  package func usageHint(for failure: UsageFailure, _ style: TextStyle) -> String {
    guard let name = failure.command, let command = command(named: name) else {
      return "\n" + style.bold("usage:") + " \(self.name) COMMAND [options] ...\n"
    }
    var text = "\n"
    for (index, line) in command.synopses.enumerated() {
      text += (index == 0 ? style.bold("usage:") : "      ") + " \(self.name) \(line)\n"
    }
    return text + "'\(self.name) help \(name)' tells more\n"
  }

  /// What an option does, its default, and whether it may be repeated.
  func description(of option: OptionSpec) -> String {
    var text = option.summary
    if let defaultText = option.defaultText { text += " (default: \(defaultText))" }
    if option.isRepeatable { text += "; may be repeated" }
    return text
  }

  /// `  term    text`, the text wrapped and indented by `column`.
  private func entry(
    _ term: String, _ text: String, column: Int, width: Int, _ style: TextStyle
  ) -> String {
    let lines = wrapped(text, width: max(20, width - column - 2))
    let blanks = String(repeating: " ", count: column + 2)
    return "  " + style.cyan(term) + String(repeating: " ", count: max(1, column - term.count))
      + lines.joined(separator: "\n" + blanks) + "\n"
  }

  /// One command as programs read it; part of `strata.help/1`.
  package func json(of command: CommandSpec) -> JSON {
    let options = command.options.map { option in
      JSON.object([
        ("name", .string("--\(option.name)")),
        ("short", .optional(option.short) { "-\($0)" }),
        ("value", .optional(option.placeholder, JSON.string)),
        ("repeatable", .bool(option.isRepeatable)),
        ("default", .optional(option.defaultText, JSON.string)),
        ("summary", .string(option.summary)),
      ])
    }
    return .object([
      ("name", .string(command.name)),
      ("summary", .string(command.summary)),
      ("usage", .array(command.synopses.map { .string("\(name) \($0)") })),
      ("options", .array(options)),
    ])
  }
}

extension CommandSpec {
  /// Whether the command may end so: `done`, `faultyInput` and `internalError` are open to all of them.
  package func canExit(with code: ExitCode) -> Bool {
    switch code {
    case .done, .faultyInput, .internalError: true
    case .failed, .overBudget, .stalePlan, .faultyData, .interrupted: exitCodes.contains(code)
    }
  }
}
