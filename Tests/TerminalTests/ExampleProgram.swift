import Terminal

/// A small program with every kind of option and operand.
enum ExampleProgram {
  static let output = ValueOption("output", short: "o", .path("PLAN"), "where to write")
  static let threads = ValueOption("threads", .integer(in: 1...64), "workers", default: "2")
  static let budget = ValueOption("budget", .size, "limit")
  static let set = RepeatedOption(
    "set",
    .assignment(keys: [
      AssignmentCompletion(key: "a.epochs", values: []),
      AssignmentCompletion(key: "a.mode", values: ["fast", "slow"]),
    ]), "set a value")
  static let dryRun = Flag("dry-run", "stop early")

  static let plan = CommandSpec(
    "plan", group: "plans", summary: "compile", discussion: "Compiles.",
    operands: OperandSpec("SPEC", 1...1, "a spec", completion: .files(extensions: ["yaml", "yml"])),
    options: [output.spec, threads.spec, budget.spec, set.spec, dryRun.spec], exitCodes: [.overBudget],
    examples: [.init("strata plan net.yaml", "a dry run")])
  static let compare = CommandSpec(
    "compare", group: "runs", summary: "compare", discussion: "Compares.",
    operands: OperandSpec("DIR", 2...Int.max, "folders", completion: .folders), examples: [])
  static let shells = CommandSpec(
    "shells", group: "about", summary: "a shell's name: it's [one]", discussion: "Shells.",
    operands: OperandSpec("SHELL", 1...1, "a shell", completion: .words(["bash", "zsh"])), examples: [])
  static let explain = CommandSpec(
    "explain", group: "about", summary: "explain", discussion: "Explains.",
    operands: OperandSpec("CODE", 0...1, "a code", completion: .suggestions(["E001", "E002", "W001"])),
    examples: [])
  static let version = CommandSpec(
    "version", group: "about", summary: "version", discussion: "Version.", examples: [])
  static let program = ProgramSpec(
    name: "strata", version: "9.9", summary: "a program", commands: [plan, compare, shells, explain, version])
}
