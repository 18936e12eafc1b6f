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

  static func run(_ arguments: Arguments, _ session: Session) throws(CommandFailure) -> ExitCode {
    print(session)
    return .done
  }

  static func print(_ session: Session) {
    let program = CommandTable.program
    if session.json {
      let document: [(key: String, value: JSON)] = [
        ("schema", "strata.version/1"), ("version", .string(program.version)), ("specLanguage", .integer(1)),
        ("arithmetic", .string(openBLASDescription())),
      ]
      session.output.write(JSONWriter.document(.object(document)))
    } else {
      session.output.writeLine("\(program.name) \(program.version) (spec language 1)")
    }
  }
}
