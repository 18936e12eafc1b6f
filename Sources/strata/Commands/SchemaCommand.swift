internal import SpecLanguage
internal import Terminal

/// `strata schema`
struct SchemaCommand: Command {
  static let spec = CommandSpec(
    "schema", group: CommandGroup.specs, summary: "print the JSON Schema of the spec language",
    discussion: """
      Editors that know YAML complete and check specs with it. It is a JSON document already: '--json' changes nothing.
      """,
    examples: [.init("strata schema > strata.schema.json", "then name the file in a spec's first line")])

  static func run(_ arguments: Arguments, _ session: Session) throws(CommandFailure) -> ExitCode {
    session.output.write(jsonSchema())
    return .done
  }
}
