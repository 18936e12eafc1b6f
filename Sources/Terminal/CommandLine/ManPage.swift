extension ProgramSpec {
  /// The manual page, section 1, as `man` reads it (groff's man macros): the overview, then every command with all that its help
  /// says. It has no date, so that equal programs have equal pages.
  package var manPage: String {
    var page = RoffText()
    page.macro("TH", [name.uppercased(), "1", "", "\(name) \(version)", "User Commands"])
    page.section("NAME")
    page.paragraph("\(name) - \(summary)")
    page.section("SYNOPSIS")
    page.synopses(["\(name) COMMAND [options] ..."])
    page.section("COMMANDS")
    var group = ""
    for command in commands {
      if command.group != group {
        group = command.group
        page.macro("SS", [group])
      }
      page.item("\(name) \(command.name)", command.summary)
    }
    page.section("EXIT STATUS")
    for code in ExitCode.allCases { page.item("\(code.rawValue)", code.meaning) }
    for command in commands {
      page.section("\(name) \(command.name)".uppercased())
      page.paragraph(command.summary)
      page.synopses(command.synopses.map { "\(name) \($0)" })
      for paragraph in command.discussion.split(separator: "\n") { page.paragraph(String(paragraph)) }
      if let operands = command.operands { page.item(operands.placeholder, operands.summary) }
      for option in command.options { page.item(option.signature, description(of: option)) }
      guard !command.examples.isEmpty else { continue }
      page.macro("SS", ["Examples"])
      for example in command.examples { page.item(example.line, example.note) }
    }
    return page.text
  }
}

/// Text for `man`: whatever stands in it, it is no request.
private struct RoffText {
  private(set) var text = ""

  mutating func macro(_ name: String, _ arguments: [String]) {
    text += ".\(name)" + arguments.map { " \"\(Self.escaped($0))\"" }.joined() + "\n"
  }

  mutating func section(_ title: String) { macro("SH", [title]) }

  mutating func paragraph(_ words: String) { text += ".PP\n\(Self.line(words))\n" }

  /// A term and, indented below it, what it means.
  mutating func item(_ term: String, _ words: String) {
    text += ".TP\n\\fB\(Self.escaped(term))\\fR\n\(Self.line(words))\n"
  }

  /// Lines that stay as they are.
  mutating func synopses(_ lines: [String]) {
    text += ".PP\n.nf\n" + lines.map { Self.line($0) + "\n" }.joined() + ".fi\n"
  }

  /// A dot or a quote in front would begin a request.
  private static func line(_ words: String) -> String {
    let escaped = escaped(words)
    return escaped.hasPrefix(".") || escaped.hasPrefix("'") ? "\\&" + escaped : escaped
  }

  private static func escaped(_ text: String) -> String {
    text.map { character in
      switch character {
      case "\\": "\\e"
      case "-": "\\-"
      case "\"": "\\(dq"
      case "'": "\\(aq"
      case "`": "\\(ga"
      case "^": "\\(ha"
      case "~": "\\(ti"
      case "\n": " "
      case _: String(character)
      }
    }.joined()
  }
}
