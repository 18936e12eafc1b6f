internal import Terminal

/// What `strata bench SPEC` measures.
enum BenchMode: Hashable, Sendable {
  /// A training step of the whole plan.
  case step
  /// A training step of one stage, counted from 1.
  case stage(Int)

  static let form = ValueForm<BenchMode>("step|stage:N", completion: .words(["step", "stage:1"])) { text in
    if text == "step" { return .success(.step) }
    if text.hasPrefix("stage:"), let stage = Int(text.dropFirst("stage:".count)), stage >= 1 {
      return .success(.stage(stage))
    }
    return .failure(ValueFault(expected: "step or stage:N", help: "stages count from 1"))
  }
}

/// `strata bench [SPEC] [--threads N] [--steps N] [--mode step|stage:N]`
struct BenchCommand: Command {
  static let steps = ValueOption(
    "steps", .integer(in: 1...1_000_000), "training steps to time", default: "20")
  static let mode = ValueOption(
    "mode", BenchMode.form, "what a step is: of the whole plan, or of one stage", default: "step")

  static let spec = CommandSpec(
    "bench", group: CommandGroup.runs, summary: "measure the kernels, or one training step of a spec",
    discussion: """
      Without a spec the kernels are timed one by one. With one, its training step is: preparation of the batch, \
      forward, loss, backward and update of every module. The pictures are made up; the data set is not read.
      """,
    operands: OperandSpec("SPEC", 0...1, "an architecture spec (YAML)", completion: CommonOperands.specFiles),
    options: [CommonOptions.threads.spec, steps.spec, mode.spec, CommonOptions.set.spec],
    exitCodes: [.failed, .overBudget],
    examples: [
      .init("strata bench", "the kernels on this machine"),
      .init("strata bench net.yaml --steps 50", "time and memory of a training step"),
    ])

  static func run(_ arguments: Arguments, _ console: Console) throws(CommandFailure) -> ExitCode {
    throw notSupportedYet()
  }
}
