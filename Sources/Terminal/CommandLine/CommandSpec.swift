internal import Text

/// One option of a command, without the type of its value: what parsing, help and completions need.
package struct OptionSpec: Sendable {
  /// Without the dashes.
  package let name: String
  package let short: Character?
  /// Stands for the value; nil makes it a flag.
  package let placeholder: String?
  package let isRepeatable: Bool
  package let summary: String
  /// What holds when the option is absent, for the help text.
  package let defaultText: String?
  package let completion: Completion
  /// Nil where the text is a value of the option.
  package let fault: @Sendable (String) -> ValueFault?

  /// Whether `word`, dashes and all, is one of the option's two names.
  func matches(_ word: String) -> Bool {
    word == "--\(name)" || short.map { word == "-\($0)" } ?? false
  }

  /// `-o, --output PLAN` as the help text shows it.
  package var signature: String {
    (short.map { "-\($0), " } ?? "") + "--\(name)" + (placeholder.map { " \($0)" } ?? "")
  }
}

/// An option without a value.
package struct Flag: Sendable {
  package let spec: OptionSpec

  package init(_ name: String, short: Character? = nil, _ summary: String) {
    spec = OptionSpec(
      name: name, short: short, placeholder: nil, isRepeatable: false, summary: summary, defaultText: nil,
      completion: .nothing, fault: { _ in nil })
  }
}

/// An option with a value; given twice, it is a fault.
package struct ValueOption<Value: Sendable>: Sendable {
  package let spec: OptionSpec
  package let form: ValueForm<Value>

  package init(
    _ name: String, short: Character? = nil, _ form: ValueForm<Value>, _ summary: String,
    default defaultText: String? = nil
  ) {
    spec = OptionSpec(
      name: name, short: short, form, isRepeatable: false, summary: summary, defaultText: defaultText)
    self.form = form
  }
}

/// An option that may be given any number of times; its values keep their order.
package struct RepeatedOption<Value: Sendable>: Sendable {
  package let spec: OptionSpec
  package let form: ValueForm<Value>

  package init(_ name: String, short: Character? = nil, _ form: ValueForm<Value>, _ summary: String) {
    spec = OptionSpec(
      name: name, short: short, form, isRepeatable: true, summary: summary, defaultText: nil)
    self.form = form
  }
}

extension OptionSpec {
  fileprivate init<Value: Sendable>(
    name: String, short: Character?, _ form: ValueForm<Value>, isRepeatable: Bool, summary: String,
    defaultText: String?
  ) {
    self.init(
      name: name, short: short, placeholder: form.placeholder, isRepeatable: isRepeatable, summary: summary,
      defaultText: defaultText, completion: form.completion,
      fault: { text in
        switch form.parse(text) {
        case .success: nil
        case .failure(let fault): fault
        }
      })
  }
}

/// What a command takes besides options, and how many of it.
package struct OperandSpec: Sendable {
  /// In capitals, like `SPEC|PLAN`.
  package let placeholder: String
  package let count: ClosedRange<Int>
  package let summary: String
  package let completion: Completion

  /// Where operands are of several kinds, in place of what the placeholder says.
  private let writtenSynopsis: String?

  /// - Parameters:
  ///   - count: how many are taken; an upper bound of `Int.max` means any number.
  ///   - synopsis: where they are of several kinds.
  package init(
    _ placeholder: String, _ count: ClosedRange<Int>, _ summary: String, synopsis: String? = nil,
    completion: Completion = .nothing
  ) {
    writtenSynopsis = synopsis
    precondition(count.lowerBound >= 0 && count.upperBound >= 1, "no operands at all is a nil OperandSpec")
    self.placeholder = placeholder
    self.count = count
    self.summary = summary
    self.completion = completion
  }

  /// `SPEC...`, `[TEMPLATE]`, `PLAN PLAN`, `DIR DIR...`: the operands as synopses show them.
  package var synopsis: String {
    if let writtenSynopsis { return writtenSynopsis }
    var words = Array(repeating: placeholder, count: count.lowerBound)
    if count.upperBound == .max {
      words.append(words.isEmpty ? "[\(placeholder)...]" : words.removeLast() + "...")
    } else {
      words += Array(repeating: "[\(placeholder)]", count: count.upperBound - count.lowerBound)
    }
    return words.joined(separator: " ")
  }
}

/// One command: the single source of its parsing, help and completions.
package struct CommandSpec: Sendable {
  /// A command line that works, and what it does.
  package struct Example: Sendable {
    package let line: String
    package let note: String

    package init(_ line: String, _ note: String) {
      self.line = line
      self.note = note
    }
  }

  package let name: String
  /// The headline in the list of commands.
  package let group: String
  /// One line, without a full stop.
  package let summary: String
  /// Paragraphs below the summary, separated by line ends.
  package let discussion: String
  package let operands: OperandSpec?
  package let options: [OptionSpec]
  /// The ways it can end other than `done`, `faultyInput` and `internalError`, which every command has.
  package let exitCodes: [ExitCode]
  package let examples: [Example]
  private let synopsisLines: [String]

  /// - Parameter synopses: what follows `strata NAME`, a line each; without it, it comes from options and operands.
  package init(
    _ name: String, group: String, summary: String, discussion: String, operands: OperandSpec? = nil,
    options: [OptionSpec] = [], synopses: [String] = [], exitCodes: [ExitCode] = [], examples: [Example]
  ) {
    self.name = name
    self.group = group
    self.summary = summary
    self.discussion = discussion
    self.operands = operands
    self.options = options + CommandSpec.commonOptions
    self.exitCodes = exitCodes
    self.examples = examples
    synopsisLines = synopses
  }

  /// `--json`: one JSON document on standard output in place of text. Every command has it.
  package static let json = Flag("json", "print one JSON document on standard output")
  /// `--help`: wins over everything else on the line.
  package static let help = Flag("help", short: "h", "print this help")

  private static let commonOptions = [json.spec, help.spec]

  /// The ways to call the command, without the program's name.
  package var synopses: [String] {
    let derived = ["[options]", operands?.synopsis].compactMap(\.self).joined(separator: " ")
    return (synopsisLines.isEmpty ? [derived] : synopsisLines).map { "\(name) \($0)" }
  }
}

/// A program and its commands, in the order in which help lists them.
package struct ProgramSpec: Sendable {
  package let name: String
  package let version: String
  /// One line, without a full stop.
  package let summary: String
  package let commands: [CommandSpec]

  package init(name: String, version: String, summary: String, commands: [CommandSpec]) {
    precondition(Set(commands.map(\.name)).count == commands.count, "commands have names of their own")
    self.name = name
    self.version = version
    self.summary = summary
    self.commands = commands
  }

  package func command(named name: String) -> CommandSpec? {
    commands.first { $0.name == name }
  }
}
