internal import Diagnostics
internal import GraphIR
internal import Pipeline
internal import Planning
internal import SpecLanguage
internal import Terminal
internal import Text

/// `strata ir SPEC [--after PASS]`
struct IRCommand: Command {
  static let after = ValueOption(
    "after", .text("PASS"), "print the graph as this pass leaves it", default: "the last pass")

  static let spec = CommandSpec(
    "ir", group: CommandGroup.specs, summary: "print the graph a spec is lowered to",
    discussion: """
      One operation a line, with its shape and the line of the spec behind it. '--after' shows an earlier stage of the \
      compiler; an unknown name is answered with the names of all passes.
      """,
    operands: CommonOperands.spec,
    options: [
      after.spec, CommonOptions.budget.spec, CommonOptions.threads.spec, CommonOptions.data.spec,
      CommonOptions.set.spec,
    ],
    exitCodes: [.overBudget, .faultyData],
    examples: [
      .init("strata ir net.yaml", "the graph that is planned and executed"),
      .init("strata ir net.yaml --budget 1GiB --after recompute", "what a budget makes of it"),
    ])

  static func run(_ arguments: Arguments, _ console: Console) throws(CommandFailure) -> ExitCode {
    let json = arguments[CommandSpec.json]
    let pass = arguments[after]
    if let pass, !GraphDump.passNames.contains(pass) {
      let hint = nearest(to: pass, among: GraphDump.passNames).map { "did you mean '\($0)'? " } ?? ""
      throw CommandFailure(
        .faultyInput, "there is no pass '\(pass)'",
        help: hint + "passes in order: \(GraphDump.passNames.joined(separator: ", "))")
    }
    let loaded = try LoadedSpec(
      path: arguments.operands[0], set: arguments[CommonOptions.set], console, json: json)
    let threads = arguments[CommonOptions.threads] ?? 2
    var choices = PlanChoices()
    // Without a budget nothing is chosen, and the data need not be there.
    if arguments[CommonOptions.budget] != nil || loaded.spec.memory.budget != nil {
      choices = try loaded.plan(
        threads: threads, budget: arguments[CommonOptions.budget], dataPath: arguments[CommonOptions.data],
        withFingerprint: false, console, json: json
      ).choices
    }
    let dumps = try loaded.checked(console, json: json) { spec throws(CompilationFailed) in
      try GraphDump.all(of: spec, after: pass, choices: choices, threads: threads)
    }
    let places = loaded.places
    let texts = dumps.map { (title: $0.title, text: GraphPrinter($0.graph, place: places.place).text) }
    if json {
      let graphs = texts.map { JSON.object([("title", .string($0.title)), ("text", .string($0.text))]) }
      console.output.write(
        JSONWriter.document(.object([("schema", "strata.ir/1"), ("graphs", .array(graphs))])))
    } else {
      for (title, text) in texts { console.output.write("# \(title)\n\(text)\n") }
    }
    return .done
  }
}
