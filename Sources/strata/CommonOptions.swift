internal import Execution
internal import Planning
internal import SpecLanguage
internal import Terminal

/// Options that several commands share, so that they read and mean the same everywhere.
enum CommonOptions {
  static let set = RepeatedOption(
    "set",
    .assignment(keys: assignableKeys().map { AssignmentCompletion(key: $0.key, values: $0.values) }),
    "set a value of the spec, checked like the file: --set training.epochs=1; KEY=null takes a key away; paths start "
      + "at the current folder")

  static let strict = Flag(
    "strict", "take warnings for faults: exit with 2 before anything is run or written")

  static let threads = ValueOption(
    "threads", .integer(in: MemoryMap.threadLimits), "number of workers; scratch memory is planned for each",
    default: "the processors that this process may use")

  static let budget = ValueOption(
    "budget", .size,
    "choose the plan so that its peak fits: 900MiB, 2GiB, or a share of what this machine allows, 80%",
    default: "the spec's memory.budget, or no limit")

  static let data = ValueOption(
    "data", .path("PATH"), "where the data set lies, in place of the spec's data.path")
}

/// Operands that several commands share.
enum CommonOperands {
  static let specFiles = Completion.files(extensions: ["yaml", "yml"])
  static let specOrPlanFiles = Completion.files(extensions: ["yaml", "yml", "json"])

  static let spec = OperandSpec(
    "SPEC", 1...1, "an architecture spec (YAML); '-' for standard input", completion: specFiles)
  static let runFolder = OperandSpec("DIR", 1...1, "the folder of a run", completion: .folders)
}

extension Arguments {
  /// As `--threads` says, or one for each processor that this process may use.
  var threadCount: Int { self[CommonOptions.threads] ?? CommonOptions.defaultThreadCount }
}

extension CommonOptions {
  /// One worker for each processor that this process may use.
  static var defaultThreadCount: Int {
    min(ProcessorLimit.usableProcessors(), MemoryMap.threadLimits.upperBound)
  }
}
