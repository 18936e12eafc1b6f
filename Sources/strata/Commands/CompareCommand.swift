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
      Prints loss, accuracy, time, memory, size and arithmetic of runs in columns, module by module, with their curves; \
      of more than four experiments, in rows. Of one experiment every module's curve is drawn; of several, the last \
      module's of each, or that of '--module'. Experiments are called by their name, or by the values in which their \
      specs differ; where that is one number, final accuracy is drawn over it. Where runs were probed ('strata probe'), \
      the separability of every depth stands beside the rest.

      Runs that differ in their seed alone are one experiment: mean and deviation over the finished ones, of each seed \
      one. Other pictures, other weights to start from, another release, and choices of a budget that change results \
      make another experiment. Where no run of an experiment is finished, its figures are of the last epoch that all \
      have. What is left out is said.
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
    if let page { try OutputFile.requireFree([OutputFile(option: "--html", path: page, kind: .page)]) }
    var runs: [RunHistory] = []
    for folder in distinct(folders, console) {
      if RunDirectory.holdsRun(folder) { try RunFolder.require(folder) }
      do throws(RunStatusError) {
        runs.append(try RunHistory(folder: folder))
      } catch {
        switch error {
        case .noRun: throw CommandFailure(.faultyInput, error.message)
        case .file, .malformed: throw CommandFailure(.failed, error.message)
        }
      }
    }
    // What is compared must not be a part of the figures, whether or not that is said.
    for damage in runs.flatMap(\.status.warnings) where damage.code == RunStatus.damagedMetrics {
      throw CommandFailure(
        .failed, damage.message, help: "take the damaged lines out of the file, or compare without this run")
    }
    for warning in runs.flatMap(\.status.warnings) { console.warnAtWork(code: warning.code, warning.message) }
    let comparison = RunComparison(runs, module: module)
    if let module, module > comparison.moduleCount {
      throw CommandFailure(
        .faultyInput,
        "there is no module \(module) to draw: \(runs.count > 1 ? "none of the runs has" : "the run does not have") "
          + "more than \(comparison.moduleCount)")
    }
    if let page {
      do {
        try AtomicFile.write(comparison.page, to: page)
      } catch {
        throw CommandFailure(.failed, "cannot write the page: \(error.message)")
      }
    }
    console.output.write(json ? JSONWriter.document(comparison.json) : comparison.text(console.output.style))
  }

  /// Each folder once, whatever it is called; what is left out is told.
  private static func distinct(_ folders: [String], _ console: Console) -> [String] {
    var kept: [(path: String, place: String)] = []
    for folder in folders {
      let place = FilePath.real(folder) ?? folder
      if let same = kept.first(where: { $0.place == place }) {
        console.warnAtWork(code: "W010", "'\(folder)' is the folder '\(same.path)' again: counted once")
      } else {
        kept.append((folder, place))
      }
    }
    return kept.map(\.path)
  }
}
