internal import Diagnostics
internal import Pipeline
internal import Terminal

/// `strata check SPEC...`
struct CheckCommand: Command {
  static let spec = CommandSpec(
    "check", group: CommandGroup.specs, summary: "report every fault of specs at once",
    discussion: """
      Reads each spec, lowers it to a graph and checks shapes, schedule and modules. Every fault is reported with its \
      line and column and, where the meaning can be guessed, with a correction. No data set is read.
      """,
    operands: OperandSpec(
      "SPEC", 1...Int.max, "architecture specs (YAML)", completion: CommonOperands.specFiles),
    options: [CommonOptions.set.spec],
    examples: [
      .init("strata check net.yaml", "check one spec"),
      .init("strata check specs/*.yaml", "check many; exits with 2 if any of them has a fault"),
    ])

  static func run(_ arguments: Arguments, _ console: Console) throws(CommandFailure) -> ExitCode {
    var failed: CommandFailure?
    for path in arguments.operands {
      do {
        let loaded = try LoadedSpec(
          path: path, set: arguments[CommonOptions.set], console, json: arguments[CommandSpec.json])
        try loaded.checked(console, json: arguments[CommandSpec.json]) { spec throws(CompilationFailed) in
          try check(spec)
        }
        if !arguments[CommandSpec.json] { console.output.writeLine("\(path): ok") }
      } catch {
        // Other specs are checked all the same.
        console.diagnostics.write(error.text(console.diagnostics.style))
        failed = CommandFailure(error.exitCode, [])
      }
    }
    if let failed { throw failed }
    if arguments[CommandSpec.json] {
      console.output.writeLine("{\"schema\":\"strata.diagnostics/1\",\"diagnostics\":[]}")
    }
    return .done
  }
}
