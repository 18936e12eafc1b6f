extension ProgramSpec {
  func zshCompletions() -> String {
    let assignments = assignmentKeys.isEmpty ? "" : zshAssignments
    let entries = commands.map { "    '\(zshText($0.name)):\(zshText($0.summary))'\n" }.joined()
    var text = """
      #compdef \(name)
      # zsh completions of \(name) \(version)

      \(assignments)_\(name)() {
        local curcontext="$curcontext" state line
        typeset -A opt_args
        local -a commands
        commands=(
      \(entries)  )
        _arguments -C \\
          '(- *)'{-h,--help}'[list the commands]' \\
          '(- *)--version[print the version]' \\
          '1:command:->command' \\
          '*::argument:->arguments' && return 0
        case $state in
          command) _describe -t commands command commands ;;
          arguments)
            case $words[1] in

      """
    for command in commands {
      var lines = command.options.map { zshOption($0) }
      let operand = zshAction(operandCompletion(of: command))
      if let operands = command.operands { lines.append("'*:\(zshText(operands.placeholder)):\(operand)'") }
      text += "        \(command.name))\n          _arguments -s \\\n            "
      text += lines.joined(separator: " \\\n            ") + " ;;\n"
    }
    return text + """
            esac ;;
        esac
      }

      if [[ $funcstack[1] == _\(name) ]]; then
        _\(name) "$@"
      else
        compdef _\(name) \(name)
      fi

      """
  }

  private func zshOption(_ option: OptionSpec) -> String {
    let long = "--\(option.name)" + (option.placeholder == nil ? "" : "=")
    let value = option.placeholder.map { ":\(zshText($0)):\(zshAction(option.completion))" } ?? ""
    let tail = "[\(zshText(option.summary))]\(value)'"
    guard let short = option.short else { return "'\(option.isRepeatable ? "*" : "")\(long)\(tail)" }
    return "'(-\(short) --\(option.name))'{-\(short),\(long)}'\(tail)"
  }

  private func zshAction(_ completion: Completion) -> String {
    switch completion {
    case .nothing: return " "
    case .files(let extensions) where extensions.isEmpty: return "_files"
    case .files(let extensions): return "_files -g \"*.(\(extensions.joined(separator: "|")))\""
    case .folders: return "_files -/"
    case .words(let words), .suggestions(let words):
      return "(\(words.map { zshText($0) }.joined(separator: " ")))"
    case .assignments: return "_\(name)_assignment"
    }
  }

  /// What is offered for `KEY=VALUE`: keys, then the words of the key that stands before the `=`.
  private var zshAssignments: String {
    let values = assignmentKeys.filter { !$0.values.isEmpty }.map {
      "      \($0.key)) compadd -- \($0.values.joined(separator: " ")) ;;\n"
    }.joined()
    let keys = assignmentKeys.map(\.key).joined(separator: " ")
    return """
      _\(name)_assignment() {
        if compset -P '*='; then
          local key=${${IPREFIX%=}##*=}
          case $key in
      \(values)    esac
        else
          compadd -S '=' -- \(keys)
        fi
      }


      """
  }

  /// Inside single quotes, in a place where `_arguments` reads brackets and colons.
  private func zshText(_ text: String) -> String {
    var escaped = ""
    for character in text {
      switch character {
      case "'": escaped += "'\\''"
      case ":", "[", "]", "\\": escaped += "\\\(character)"
      case _: escaped.append(character)
      }
    }
    return escaped
  }
}
