extension ProgramSpec {
  func bashCompletions() -> String {
    let function = "_\(name)"
    let topWords = (commands.map(\.name) + ["--help", "--version"]).joined(separator: " ")
    var text = """
      # bash completions of \(name) \(version)

      # Folders, and files with one of the given extensions (without any: all files).
      \(function)_files() {
        local current=$1 extension
        shift
        compopt -o filenames 2>/dev/null
        if (( $# == 0 )); then
          mapfile -t COMPREPLY < <(compgen -f -- "$current")
          return
        fi
        mapfile -t COMPREPLY < <(
          {
            compgen -d -- "$current"
            for extension in "$@"; do compgen -f -X "!*.$extension" -- "$current"; done
          } | sort -u
        )
      }

      \(function)_folders() {
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -d -- "$1")
      }

      \(function)_words() {
        mapfile -t COMPREPLY < <(compgen -W "$2" -- "$1")
      }

      # Keys that a value is assigned to: no blank behind them.
      \(function)_keys() {
        compopt -o nospace 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -W "$2" -S '=' -- "$1")
      }

      \(function)() {
        local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} key='' at=0
        COMPREPLY=()
        if (( COMP_CWORD == 1 )); then
          \(function)_words "$current" '\(topWords)'
          return
        fi
        # bash cuts '--option=value' into three words.
        if [[ $current == '=' ]]; then
          current=''
          at=$((COMP_CWORD - 1))
        elif [[ $previous == '=' ]]; then
          at=$((COMP_CWORD - 2))
        fi
        if (( at > 1 )); then
          previous=${COMP_WORDS[at]}
          # In '--option key=value' and '--option=key=value' a key stands before the option's value.
          if [[ $previous != -* ]]; then
            key=$previous
            previous=${COMP_WORDS[at-1]}
            if [[ $previous == '=' ]]; then previous=${COMP_WORDS[at-2]}; fi
          fi
        fi
        case "${COMP_WORDS[1]} $previous" in

      """
    for command in commands {
      for option in command.options where option.placeholder != nil {
        let patterns = ["--\(option.name)"] + (option.short.map { ["-\($0)"] } ?? [])
        let pattern = patterns.map { "'\(command.name) \($0)'" }.joined(separator: " | ")
        text += "    \(pattern)) \(bashAction(option.completion)); return ;;\n"
      }
    }
    text += "  esac\n  case \"${COMP_WORDS[1]}:$current\" in\n"
    for command in commands {
      let options = command.options.map { "--\($0.name)" }.joined(separator: " ")
      text += "    \(command.name):-*) \(function)_words \"$current\" '\(options)' ;;\n"
      text += "    \(command.name):*) \(bashAction(operandCompletion(of: command))) ;;\n"
    }
    let keys = assignmentKeys
    let assignments = keys.isEmpty ? "" : bashAssignments(keys)
    return text + "  esac\n}\n\n" + assignments + "complete -F \(function) \(name)\n"
  }

  private func bashAction(_ completion: Completion) -> String {
    switch completion {
    case .nothing: ":"
    case .files(let extensions): (["_\(name)_files \"$current\""] + extensions).joined(separator: " ")
    case .folders: "_\(name)_folders \"$current\""
    case .words(let words), .suggestions(let words):
      "_\(name)_words \"$current\" '\(words.joined(separator: " "))'"
    case .assignments: "_\(name)_assignment \"$current\" \"$key\""
    }
  }

  /// What is offered for `KEY=VALUE`: the same for every option that takes one.
  private func bashAssignments(_ keys: [AssignmentCompletion]) -> String {
    let all = keys.map(\.key).joined(separator: " ")
    let values = keys.filter { !$0.values.isEmpty }.map {
      "    '\($0.key)') _\(name)_words \"$1\" '\($0.values.joined(separator: " "))' ;;\n"
    }.joined()
    return
      "_\(name)_assignment() {\n  case \"$2\" in\n    '') _\(name)_keys \"$1\" '\(all)' ;;\n\(values)  esac\n}\n\n"
  }
}
