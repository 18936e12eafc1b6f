internal import Artifacts
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
    "after", .text("PASS", completion: .suggestions(GraphDump.passNames)),
    "print the graph as this pass leaves it", default: "the last pass")

  static let spec = CommandSpec(
    "ir", group: CommandGroup.specs, summary: "print the graph a spec is lowered to",
    discussion: """
      One operation a line, with its shape and the line of the spec behind it. '--after' shows an earlier stage of the \
      compiler; an unknown name is answered with the names of all passes. With '--ranks' and \
      '--rank' the programs of one rank are printed.
      """,
    operands: CommonOperands.spec,
    options: [
      after.spec, RankOptions.ranks.spec, RankOptions.rank.spec, CommonOptions.budget.spec,
      CommonOptions.threads.spec, CommonOptions.data.spec,
      CommonOptions.set.spec, CommonOptions.strict.spec,
    ],
    exitCodes: [.overBudget, .faultyData],
    examples: [
      .init("strata ir net.yaml", "the graph that is planned and executed"),
      .init("strata ir net.yaml --ranks 4 --rank 1", "what the second of four ranks runs"),
      .init("strata ir net.yaml --budget 1GiB --after recompute", "what a budget makes of it"),
    ])

  static func run(_ arguments: Arguments, _ session: Session) throws(CommandFailure) -> ExitCode {
    let pass = arguments[after]
    if let pass, !GraphDump.passNames.contains(pass) {
      let hint = nearest(to: pass, among: GraphDump.passNames).map { "did you mean '\($0)'? " } ?? ""
      throw CommandFailure(
        .faultyInput, "there is no pass '\(pass)'",
        help: hint + "passes in order: \(GraphDump.passNames.joined(separator: ", "))")
    }
    let loaded = try LoadedSpec(
      path: arguments.operands[0], set: arguments[CommonOptions.set],
      dataPath: arguments[CommonOptions.data], session)
    let threads = arguments.threadCount
    guard (arguments[RankOptions.ranks] == nil) == (arguments[RankOptions.rank] == nil) else {
      throw CommandFailure(.faultyInput, "'--ranks' and '--rank' go together")
    }
    if let count = arguments[RankOptions.ranks], let number = arguments[RankOptions.rank] {
      let compiled = try loaded.plan(
        ranks: count, threads: threads, budget: arguments[CommonOptions.budget],
        dataPath: arguments[CommonOptions.data], withFingerprint: false, session)
      let rank = try compiled.plan.rank(number)
      let dumps = try loaded.checked(session) { spec throws(CompilationFailed) in
        try GraphDump.all(
          ofRank: number, modules: rank.modules, RankCompiler(compiled.lowered, compiled.plan, count: count),
          of: spec, after: pass)
      }
      return try print(dumps, of: nil, loaded, session)
    }
    let plan = try plan(loaded, threads: threads, arguments, session)
    var choices = plan?.choices ?? PlanChoices()
    // How much the features take is not known without the data; which stages keep them is.
    if plan == nil { choices.features = .memory }
    let dumps = try loaded.checked(session) { spec throws(CompilationFailed) in
      try GraphDump.all(
        of: spec, after: pass, choices: choices, threads: threads,
        start: loaded.readStartIfThere())
    }
    return try print(dumps, of: plan, loaded, session)
  }

  /// - Parameter plan: whose stages say what they start from.
  private static func print(
    _ dumps: [GraphDump], of plan: Plan?, _ loaded: LoadedSpec, _ session: Session
  ) throws(CommandFailure) -> ExitCode {
    try session.requireNoWarnings()
    let places = loaded.places
    let texts = dumps.map { dump in
      let features = plan.flatMap { plan in dump.stage.flatMap { plan.stages[$0 - 1].features } }
      return (
        title: dump.title, features: features, text: GraphPrinter(dump.graph, place: places.origin).text
      )
    }
    if session.json {
      let graphs = texts.map {
        JSON.object([
          ("title", .string($0.title)), ("text", .string($0.text)),
          ("features", .optional($0.features) { $0.json }),
        ])
      }
      session.output.write(
        JSONWriter.document(.object([("schema", "strata.ir/1"), ("graphs", .array(graphs))])))
    } else {
      for (title, features, text) in texts {
        let kept = features.map { "# features of module \($0.module): \($0.placeWords { "\($0)" })\n" } ?? ""
        session.output.write("# \(title)\n\(kept)\(text)\n")
      }
    }
    return .done
  }

  /// The plan whose graphs are printed. Without a budget nothing but the place of features is chosen, and neither the
  /// data nor the weights to start from need be there: nil where they are not, or where no features can be kept.
  private static func plan(
    _ loaded: LoadedSpec, threads: Int, _ arguments: Arguments, _ session: Session
  ) throws(CommandFailure) -> Plan? {
    let hasBudget = arguments[CommonOptions.budget] != nil || loaded.spec.memory.budget != nil
    let dataPath = arguments[CommonOptions.data]
    // A path that says nothing is a fault wherever the data is.
    if dataPath != nil { _ = try DataOpening(loaded, path: dataPath) }
    if !hasBudget {
      guard loaded.spec.canKeepFeatures, loaded.isStartThere,
        (try? DataOpening.facts(loaded, path: dataPath, withFingerprint: false)) != nil
      else { return nil }
    }
    return try loaded.plan(
      threads: threads, budget: arguments[CommonOptions.budget], dataPath: dataPath, withFingerprint: false,
      session
    ).plan
  }
}
