internal import Diagnostics
internal import Terminal

/// `strata check SPEC...`
struct CheckCommand: Command {
  static let spec = CommandSpec(
    "check", group: CommandGroup.specs, summary: "report every fault of specs at once",
    discussion: """
      Reads each spec, lowers it to a graph and checks shapes, schedule and modules; the numbers of pictures where the \
      source tells them (all but idx and npy); stored weights where they are there. Every fault is reported with its \
      line and column and, where the meaning can be guessed, with a correction. No data set is read. Standard input is \
      /dev/stdin.
      """,
    operands: OperandSpec(
      "SPEC", 1...Int.max, "architecture specs (YAML)", completion: CommonOperands.specFiles),
    options: [CommonOptions.set.spec],
    examples: [
      .init("strata check net.yaml", "check one spec"),
      .init("strata new vgg-dgl | strata check /dev/stdin", "check what another program writes"),
      .init("strata check specs/*.yaml", "check many; exits with 2 if any of them has a fault"),
    ])

  static func run(_ arguments: Arguments, _ console: Console) throws(CommandFailure) -> ExitCode {
    let json = arguments[CommandSpec.json]
    var found: [String] = []
    var unread: [Fault] = []
    for path in arguments.operands {
      do {
        let (diagnostics, warnings, texts) = try LoadedSpec.faults(
          path: path, set: arguments[CommonOptions.set])
        tellWarnings(warnings, texts, console)
        if diagnostics.isEmpty {
          if !json { console.output.writeLine("\(path): ok") }
          continue
        }
        if !found.isEmpty { console.diagnostics.writeLine("") }
        _ = tell(diagnostics, texts, console, json: false)
        found += diagnostics.map(DiagnosticJSON(texts: texts).object)
      } catch {
        // Other specs are checked all the same.
        console.diagnostics.write(error.text(console.diagnostics.style))
        unread += error.faults
      }
    }
    if json {
      let errors = unread.map { fault in
        "{\"message\":\(JSONText.string(fault.message)),"
          + "\"help\":\(fault.help.map { JSONText.string($0) } ?? "null")}"
      }
      console.output.writeLine(
        "{\"schema\":\"strata.diagnostics/1\",\"diagnostics\":[\(found.joined(separator: ","))],"
          + "\"errors\":[\(errors.joined(separator: ","))]}")
    }
    return found.isEmpty && unread.isEmpty ? .done : .faultyInput
  }
}
