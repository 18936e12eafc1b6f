internal import Terminal

/// `strata run SPEC|PLAN [-o DIR] ...`, `strata run DIR --resume`
struct RunCommand: Command {
  static let output = ValueOption(
    "output", short: "o", .path("DIR", completion: .folders),
    "the run's folder; one that holds a run is refused",
    default: "runs/NAME-1, -2, ...")
  static let dryRun = Flag("dry-run", "print the plan and stop before the data set is read")
  static let resume = Flag("resume", "go on with the run in DIR from its last checkpoint")

  static let spec = CommandSpec(
    "run", group: CommandGroup.runs, summary: "train, from a spec or from a plan",
    discussion: """
      Executes a plan and keeps plan, metrics, checkpoints and weights in a folder. A spec is compiled first; a plan \
      whose spec has changed since is refused. Interrupted by ^C, the run writes a checkpoint and ends with exit code \
      6; '--resume' goes on from there, to the same weights as a run that was never interrupted. The number of \
      threads changes the time and the scratch memory, never the weights.
      """,
    operands: OperandSpec(
      "SPEC|PLAN|DIR", 1...1,
      "an architecture spec (YAML), a plan (JSON), or with --resume the folder of a run",
      completion: CommonOperands.specOrPlanFiles),
    options: [
      output.spec, CommonOptions.data.spec, CommonOptions.threads.spec, CommonOptions.set.spec, dryRun.spec,
      resume.spec,
    ],
    synopses: ["[options] SPEC|PLAN", "DIR --resume [--threads N]"],
    exitCodes: [.failed, .overBudget, .stalePlan, .faultyData, .interrupted],
    examples: [
      .init("strata run net.yaml -o runs/first", "compile and train"),
      .init("strata run net.plan.json --threads 4", "execute a plan that was kept, with more workers"),
      .init("strata run runs/first --resume", "go on after an interruption"),
    ])

  static func run(_ arguments: Arguments, _ console: Console) throws(CommandFailure) -> ExitCode {
    throw notSupportedYet()
  }
}
