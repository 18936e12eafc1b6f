internal import Kernels
internal import Terminal
internal import Text

/// `strata version`, `strata --version`
struct VersionCommand: Command {
  static let spec = CommandSpec(
    "version", group: CommandGroup.about, summary: "print the version",
    discussion: """
      The version of the program and of the spec language that it reads. --json adds OpenBLAS's version, and the processor family whose \
      code it runs here, which OPENBLAS_CORETYPE chooses.
      """,
    examples: [.init("strata version --json", "for scripts")])

  static func run(_ arguments: Arguments, _ console: Console) throws(CommandFailure) -> ExitCode {
    print(json: arguments[CommandSpec.json], console)
    return .done
  }

  static func print(json: Bool, _ console: Console) {
    let program = CommandTable.program
    if json {
      let document: [(key: String, value: JSON)] = [
        ("schema", "strata.version/1"), ("version", .string(program.version)), ("specLanguage", .integer(1)),
        ("arithmetic", .string(openBLASDescription())),
      ]
      console.output.write(JSONWriter.document(.object(document)))
    } else {
      console.output.writeLine("\(program.name) \(program.version) (spec language 1)")
    }
  }
}
