extension ProgramSpec {
  func fishCompletions() -> String {
    var text = """
      # fish completions of \(name) \(version)
      complete -c \(name) -f
      complete -c \(name) -n __fish_use_subcommand -s h -l help -d 'list the commands'
      complete -c \(name) -n __fish_use_subcommand -l version -d 'print the version'

      """
    if !assignmentKeys.isEmpty { text += fishAssignments }
    for command in commands {
      text +=
        "complete -c \(name) -n __fish_use_subcommand -a \(command.name) -d \(quoted(command.summary))\n"
    }
    for command in commands {
      let condition = "complete -c \(name) -n '__fish_seen_subcommand_from \(command.name)'"
      let operand = fishAction(operandCompletion(of: command))
      if !operand.isEmpty { text += "\(condition) \(operand)\n" }
      for option in command.options {
        let short = option.short.map { " -s \($0)" } ?? ""
        let value = option.placeholder == nil ? "" : " " + fishValue(option.completion)
        let description = quoted(option.summary)
        text += "\(condition)\(short) -l \(option.name)\(value) -d \(description)\n"
      }
    }
    return text
  }

  /// Keys with their `=`, and whole assignments where a value is a word.
  private var fishAssignments: String {
    let lines = assignmentKeys.flatMap { key in ["\(key.key)="] + key.values.map { "\(key.key)=\($0)" } }
    return "function __\(name)_assignments\n  printf '%s\\n' \(lines.joined(separator: " "))\nend\n"
  }

  private func fishAction(_ completion: Completion) -> String {
    switch completion {
    case .nothing: ""
    case .files: "-F"
    case .folders: "-a '(__fish_complete_directories)'"
    case .words(let words), .suggestions(let words): "-a \(quoted(words.joined(separator: " ")))"
    case .assignments: "-a '(__\(name)_assignments)'"
    }
  }

  /// A value is required; only where it is a file does fish offer files.
  private func fishValue(_ completion: Completion) -> String {
    switch completion {
    case .files: "-r -F"
    case .nothing: "-x"
    case .folders, .words, .suggestions, .assignments: "-x " + fishAction(completion)
    }
  }

  /// As one word of fish.
  private func quoted(_ text: String) -> String {
    var escaped = "'"
    for character in text {
      if character == "'" || character == "\\" { escaped += "\\" }
      escaped.append(character)
    }
    return escaped + "'"
  }
}
