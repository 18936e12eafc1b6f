internal import Diagnostics
internal import Pipeline
internal import Terminal
internal import Text

/// `strata explain [CODE]`
struct ExplainCommand: Command {
  static let spec = CommandSpec(
    "explain", group: CommandGroup.specs, summary: "tell more about a diagnostic's code",
    discussion:
      "Prints what the fault means, a spec that has it, and how to mend it; without a code, lists all codes.",
    operands: OperandSpec(
      "CODE", 0...1, "a code like E021 or W001", completion: .suggestions(allExplanations.map(\.code))),
    examples: [
      .init("strata explain E021", "what 'unknown key' is about"),
      .init("strata explain W002", "why a milestone does nothing"),
      .init("strata explain", "every code, a line each"),
    ])

  static func run(_ arguments: Arguments, _ session: Session) throws(CommandFailure) -> ExitCode {
    guard let code = arguments.operands.first else {
      printAll(session)
      return .done
    }
    guard let explanation = allExplanations.first(where: { $0.code == code.uppercased() }) else {
      let codes = allExplanations.map(\.code)
      throw CommandFailure(
        .faultyInput, "there is no code '\(code)'",
        help: nearest(to: code.uppercased(), among: codes).map { "did you mean '\($0)'?" }
          ?? "'strata explain' lists all codes")
    }
    if session.json {
      session.output.write(document([explanation]))
    } else {
      session.output.write(explanation.rendered)
    }
    return .done
  }

  private static func printAll(_ session: Session) {
    if session.json {
      session.output.write(document(allExplanations))
    } else {
      var table = Table([.left("code"), .left("meaning")])
      for explanation in allExplanations { table.add([explanation.code, explanation.title]) }
      session.output.write(table.text(session.output.style))
    }
  }

  private static func document(_ explanations: [CodeExplanation]) -> String {
    let list = explanations.map {
      JSON.object([
        ("code", .string($0.code)), ("title", .string($0.title)), ("text", .string($0.text)),
        ("bad", .string($0.bad)), ("good", .string($0.good)),
      ])
    }
    return JSONWriter.document(["schema": "strata.explanations/1", "explanations": .array(list)])
  }
}
