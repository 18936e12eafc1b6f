internal import Terminal

/// One subcommand: its description, which drives parsing, help and completions, and what it does.
protocol Command: SendableMetatype {
  static var spec: CommandSpec { get }

  /// - Parameters:
  ///   - arguments: checked against `spec`.
  ///   - session: results go to its output; faults that are not thrown and progress to its diagnostics.
  static func run(_ arguments: Arguments, _ session: Session) throws(CommandFailure) -> ExitCode
}

/// The headlines under which the overview lists commands, one for each thing that people come for.
enum CommandGroup {
  static let specs = "write a spec"
  static let plans = "plan without running"
  static let runs = "run and look at runs"
  static let about = "about this program"
}

/// Every subcommand, in the order of the overview.
enum CommandTable {
  static let commands: [any Command.Type] = [
    NewCommand.self, CheckCommand.self, ShowCommand.self, IRCommand.self, ExplainCommand.self,
    SchemaCommand.self, LspCommand.self,
    PlanCommand.self, DiffCommand.self,
    RunCommand.self, EvaluateCommand.self, PredictCommand.self, ExportCommand.self, ProbeCommand.self,
    CompareCommand.self, BenchCommand.self,
    CompletionsCommand.self, HelpCommand.self, VersionCommand.self,
  ]

  static let program = ProgramSpec(
    name: "strata", version: "0.1.0",
    summary: "compiles architecture specs into greedy layer-wise training plans, and executes them",
    commands: commands.map { $0.spec })
}
