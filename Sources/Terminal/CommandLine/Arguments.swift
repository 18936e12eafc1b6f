internal import Text

/// What a command line asks for.
package enum Invocation: Sendable {
  /// The list of commands, or one command's help.
  case help(command: String?, json: Bool)
  case version(json: Bool)
  case command(name: String, Arguments)
}

/// A command line that was not understood: every fault of it at once.
package struct UsageFailure: Error {
  package var faults: [Fault]
  /// The command it was about, where that much was understood.
  package var command: String?
}

/// The options and operands of one command, checked against its spec.
package struct Arguments: Sendable {
  /// What is neither an option nor an option's value, in order; as many as the spec asks for.
  package let operands: [String]
  private let spec: CommandSpec
  private let values: [String: [String]]

  package subscript(flag: Flag) -> Bool {
    !texts(of: flag.spec).isEmpty
  }

  /// Whether a flag is given that the command may not have at all.
  package func isGiven(_ flag: Flag) -> Bool { values[flag.spec.name] != nil }

  package subscript<Value>(option: ValueOption<Value>) -> Value? {
    texts(of: option.spec).first.map { read($0, option.form) }
  }

  /// What was typed behind an option; nil without it.
  package func text<Value>(of option: ValueOption<Value>) -> String? { texts(of: option.spec).first }

  package subscript<Value>(option: RepeatedOption<Value>) -> [Value] {
    texts(of: option.spec).map { read($0, option.form) }
  }

  private func texts(of option: OptionSpec) -> [String] {
    precondition(spec.options.contains { $0.name == option.name }, "a command reads only its own options")
    return values[option.name] ?? []
  }

  private func read<Value>(_ text: String, _ form: ValueForm<Value>) -> Value {
    switch form.parse(text) {
    case .success(let value): return value
    case .failure: preconditionFailure("the parser accepts only what the form accepts")
    }
  }

  /// The command line again, for a shell, without some options: operands first, then options in the order of the help.
  package func commandLine(of program: String, without left: [OptionSpec]) -> String {
    let options = spec.options.filter { option in !left.contains { $0.name == option.name } }.flatMap {
      option in
      (values[option.name] ?? []).flatMap { value in
        [option.short.map { "-\($0)" } ?? "--\(option.name)"] + (option.placeholder == nil ? [] : [value])
      }
    }
    return ([program, spec.name] + operands + options).map(shellWord).joined(separator: " ")
  }

  /// Reads what follows the command's name.
  /// - Throws: every fault of the line, in the order in which they stand there.
  package init(_ words: [String], for spec: CommandSpec) throws(UsageFailure) {
    var parser = ArgumentParser(spec: spec)
    parser.read(words)
    parser.checkOperandCount()
    guard parser.faults.isEmpty else { throw UsageFailure(faults: parser.faults, command: spec.name) }
    self.spec = spec
    operands = parser.operands
    values = parser.values
  }
}

extension ProgramSpec {
  /// Reads a command line, without the program's own name.
  /// - Returns: for an empty line what `--help` gives.
  /// - Throws: every fault of the line at once. `--help` and `--version` are heard even on a faulty line.
  package func parse(_ words: [String]) throws(UsageFailure) -> Invocation {
    // Who types the name alone wants to know what there is.
    guard let first = words.first else { return .help(command: nil, json: false) }
    let optionWords = words.prefix { $0 != "--" }
    let json = optionWords.contains("--json")
    if first.hasPrefix("-") { return try parseProgramOptions(words, json: json) }
    guard let command = command(named: first) else {
      let guess = nearest(to: first, among: commands.map(\.name))
      throw UsageFailure(
        faults: [
          Fault(
            "unknown command '\(first)'",
            help: guess.map { "did you mean '\($0)'?" } ?? "'\(name) help' lists the commands")
        ])
    }
    if optionWords.contains(where: { $0 == "--help" || $0 == "-h" }) {
      return .help(command: command.name, json: json)
    }
    return .command(name: command.name, try Arguments(Array(words.dropFirst()), for: command))
  }

  /// Before a command only `--help`, `--version` and `--json` have a meaning.
  private func parseProgramOptions(_ words: [String], json: Bool) throws(UsageFailure) -> Invocation {
    if words.contains(where: { $0 == "--help" || $0 == "-h" }) { return .help(command: nil, json: json) }
    if words.contains("--version"), words.allSatisfy({ $0 == "--version" || $0 == "--json" }) {
      return .version(json: json)
    }
    let faults = words.prefix { $0.hasPrefix("-") }.map { word in
      let option = String(word.prefix { $0 != "=" })
      guard commands.contains(where: { $0.options.contains { $0.matches(option) } }) else {
        let guess = nearest(to: option, among: ["--help", "--version"])
        return Fault("unknown option '\(option)'", help: guess.map { "did you mean '\($0)'?" })
      }
      return Fault("'\(option)' stands before the command", help: "write '\(name) COMMAND \(option)'")
    }
    throw UsageFailure(faults: faults)
  }
}

/// Sorts the words of one command into options, their values and operands, and collects what is wrong with them.
private struct ArgumentParser {
  let spec: CommandSpec
  var operands: [String] = []
  var values: [String: [String]] = [:]
  var faults: [Fault] = []

  init(spec: CommandSpec) {
    self.spec = spec
  }

  mutating func read(_ words: [String]) {
    var rest = words[...]
    while let word = rest.popFirst() {
      if word == "--" {
        operands += rest
        return
      }
      if word.hasPrefix("-"), word != "-" {
        readOption(word, &rest)
      } else {
        operands.append(word)
      }
    }
  }

  /// `--name`, `--name=value`, `--name value`, `-n`, `-n value`.
  private mutating func readOption(_ word: String, _ rest: inout ArraySlice<String>) {
    let equals = word.hasPrefix("--") ? word.firstIndex(of: "=") : nil
    let written = String(word[..<(equals ?? word.endIndex)])
    let attached = equals.map { String(word[word.index(after: $0)...]) }
    guard let option = spec.options.first(where: { $0.matches(written) }) else {
      faults.append(Fault("unknown option '\(written)'", help: helpForUnknown(written)))
      // What follows was perhaps meant as its value; taken as an operand it would only cause a second fault.
      if attached == nil, let next = rest.first, !next.hasPrefix("-"), namesValueOption(near: written) {
        rest.removeFirst()
      }
      return
    }
    guard option.placeholder != nil else {
      if let attached { faults.append(Fault("'\(written)' takes no value, not '\(attached)'")) }
      values[option.name, default: []].append("")
      return
    }
    guard let text = attached ?? takeValue(from: &rest) else {
      faults.append(
        Fault("'\(written)' needs a value", help: "write '\(written) \(option.placeholder ?? "")'"))
      return
    }
    if let fault = option.fault(text) {
      faults.append(Fault("'\(written)' takes \(fault.expected), not '\(text)'", help: fault.help))
    } else if !option.isRepeatable, values[option.name] != nil {
      faults.append(Fault("'\(written)' is given twice", help: "keep one of the two"))
    } else {
      values[option.name, default: []].append(text)
    }
  }

  /// The next word, unless it is an option itself: `-` and negative numbers are values.
  private func takeValue(from rest: inout ArraySlice<String>) -> String? {
    guard let next = rest.first else { return nil }
    let looksLikeOption = next.hasPrefix("-") && next != "-" && next.dropFirst().first?.isNumber != true
    return looksLikeOption ? nil : rest.removeFirst()
  }

  private func nearestOption(to written: String) -> String? {
    let name = String(written.drop { $0 == "-" })
    return nearest(to: name, among: spec.options.map(\.name))
  }

  private func namesValueOption(near written: String) -> Bool {
    let name = nearestOption(to: written)
    return spec.options.contains { $0.name == name && $0.placeholder != nil }
  }

  private func helpForUnknown(_ written: String) -> String {
    if let name = nearestOption(to: written) { return "did you mean '--\(name)'?" }
    if !written.hasPrefix("--"),
      let option = spec.options.first(where: { $0.matches(String(written.prefix(2))) })
    {
      let value = option.placeholder == nil ? "" : " " + written.dropFirst(2)
      return "write '\(written.prefix(2))\(value)'"
    }
    return "the options are " + spec.options.map { "--\($0.name)" }.joined(separator: ", ")
  }

  mutating func checkOperandCount() {
    guard let expected = spec.operands else {
      faults += operands.map { Fault("unexpected '\($0)': '\(spec.name)' takes only options") }
      return
    }
    if operands.count < expected.count.lowerBound {
      let missing = expected.count.lowerBound - operands.count
      let given = operands.isEmpty ? "" : " (\(operands.count) given)"
      let needed = missing == 1 && operands.isEmpty ? expected.placeholder : expected.synopsis
      faults.append(Fault("'\(spec.name)' needs \(needed)\(given)", help: expected.summary))
    }
    for surplus in operands.dropFirst(expected.count.upperBound) {
      faults.append(Fault("unexpected '\(surplus)': '\(spec.name)' takes \(expected.synopsis)"))
    }
    if case .words(let words) = expected.completion {
      for operand in operands.prefix(expected.count.upperBound) where !words.contains(operand) {
        let guess = nearest(to: operand, among: words).map { "did you mean '\($0)'?" }
        faults.append(
          Fault(
            "'\(operand)' is no \(expected.placeholder)",
            help: guess ?? "one of: " + words.joined(separator: ", ")))
      }
    }
  }
}
