internal import Artifacts
internal import Terminal
internal import Text

/// `strata compare DIR DIR... [--module N] [--html FILE]`
struct CompareCommand: Command {
  static let module = ValueOption(
    "module", .integer(in: 1...100_000), "whose curves to draw when specs are compared",
    default: "the last of each")
  static let html = ValueOption(
    "html", .path("FILE", completion: .files(extensions: ["html"])), "write the comparison as a page as well")

  static let spec = CommandSpec(
    "compare", group: CommandGroup.runs, summary: "curves and figures of runs side by side",
    discussion: """
      Prints loss, accuracy, time and memory of runs in columns, module by module, with their curves. Runs of one \
      spec that differ in their seed alone are one column: mean and deviation. Of one spec every module's curve is \
      drawn; of several, the last module's of each, or that of '--module'. Runs that are still at work show what they \
      have so far.
      """,
    operands: OperandSpec("DIR", 1...Int.max, "the folders of runs", completion: .folders),
    options: [module.spec, html.spec], exitCodes: [.failed],
    examples: [
      .init("strata compare runs/digits-1 runs/digits-2", "two runs side by side"),
      .init("strata compare runs/* --html runs.html", "all of them, to look at"),
    ])

  static func run(_ arguments: Arguments, _ console: Console) throws(CommandFailure) -> ExitCode {
    try compare(
      arguments.operands, module: arguments[module], page: arguments[html],
      json: arguments[CommandSpec.json], console)
    return .done
  }

  /// - Parameter page: where to write it; nil: nowhere.
  static func compare(
    _ folders: [String], module: Int?, page: String?, json: Bool, _ console: Console
  ) throws(CommandFailure) {
    var runs: [RunHistory] = []
    for folder in folders {
      do throws(RunStatusError) {
        runs.append(try RunHistory(folder: folder))
      } catch {
        switch error {
        case .noRun: throw CommandFailure(.faultyInput, error.message)
        case .file, .malformed: throw CommandFailure(.failed, error.message)
        }
      }
    }
    let comparison = RunComparison(runs, module: module)
    if let page {
      do {
        try AtomicFile.write(comparison.page, to: page)
      } catch {
        throw CommandFailure(.failed, "cannot write the page: \(error.message)")
      }
    }
    console.output.write(json ? JSONWriter.document(comparison.json) : comparison.text(console.output.style))
  }
}
