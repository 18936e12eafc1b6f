internal import Artifacts
internal import Base
internal import Terminal
internal import Text

/// `strata compare DIR DIR... [--module N] [--html FILE]`
struct CompareCommand: Command {
  static let module = ValueOption(
    "module", .integer(in: 1...100_000), "whose curves to draw when specs are compared",
    default: "the last of each")
  static let html = ValueOption(
    "html", .path("FILE", completion: .files(extensions: ["html"])), "write the comparison as a page as well")

  static let tensorboard = ValueOption(
    "tensorboard", .path("DIR", completion: .folders),
    "write the curves of every run for TensorBoard as well, each into a folder in DIR")

  static let spec = CommandSpec(
    "compare", group: CommandGroup.runs, summary: "curves and figures of runs side by side",
    discussion: """
      Prints accuracy, loss, time, memory, size and arithmetic of runs in columns, module by module, with their curves; \
      of more than four experiments, in rows. A folder of runs, as 'strata run --seeds' leaves it, stands for all runs in \
      it. Of one experiment every module's curve is drawn; of several, the last module's of each, or that of '--module'. \
      Experiments are named by their specs' name, or by the values in which their specs differ: 'k = 2, parallel'. Where \
      that is one number, final accuracy is drawn over it; where it is a number and one thing else, with a line for each \
      value of the other. An auxiliary of kind 'linear' beside others of kind 'cnn' has k = 1. Where runs were probed \
      ('strata probe'), the separability of every depth is printed as well.

      Runs that differ in their seed alone are one experiment. Only finished runs are averaged, one per seed: mean and \
      sample deviation. Other images, other weights to start from, another release, and choices of a budget that change \
      results make another experiment. Where no run of an experiment is finished, its figures are of the last epoch that \
      all have. What is left out is reported.
      """,
    operands: OperandSpec(
      "DIR", 1...Int.max, "the folders of runs, or folders that hold them", completion: .folders),
    options: [module.spec, html.spec, tensorboard.spec], exitCodes: [.failed],
    examples: [
      .init("strata compare runs/digits-1 runs/digits-2", "two runs side by side"),
      .init("strata compare runs --html runs.html", "all runs in a folder, as a page as well"),
    ])

  static func run(_ arguments: Arguments, _ session: Session) throws(CommandFailure) -> ExitCode {
    try compare(
      arguments.operands, module: arguments[module], page: arguments[html],
      session)
    if let folder = arguments[tensorboard] { try writeEvents(arguments.operands, into: folder, session) }
    return .done
  }

  /// What `run --tensorboard` would have left, of metrics that are there.
  private static func writeEvents(
    _ folders: [String], into target: String, _ session: Session
  ) throws(CommandFailure) {
    for folder in distinct(folders.flatMap { foldersOfRuns($0) }, session) {
      // Runs of one name in different folders stay apart.
      let name = RunDirectory.withoutTrailingSlashes(folder).replacing("../", with: "").replacing(
        "/", with: "-")
      let place = "\(target)/\(name)"
      do throws(RunStatusError) {
        let lines = try RunDirectory.metrics(in: folder)
        do throws(FileError) {
          try FilePath.makeFolders(place)
          let events = try EventFile(in: place)
          for line in lines { try events.append(line) }
        } catch {
          throw RunStatusError.file(error)
        }
        session.diagnostics.writeLine("\(folder): \(lines.count) lines for TensorBoard in \(place)")
      } catch {
        throw CommandFailure(.failed, error.message)
      }
    }
  }

  /// - Parameters:
  ///   - page: where to write it; nil: nowhere.
  ///   - folder: of all the runs, which a document then names.
  static func compare(
    _ folders: [String], module: Int?, page: String?, folder: String? = nil, _ session: Session
  ) throws(CommandFailure) {
    if let page { try OutputFile.requireFree([OutputFile(option: "--html", path: page, kind: .page)]) }
    var runs: [RunHistory] = []
    for folder in distinct(folders.flatMap { foldersOfRuns($0) }, session) {
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
    for warning in runs.flatMap(\.status.warnings) { session.warnAtWork(code: warning.code, warning.message) }
    let comparison = RunComparison(runs, module: module)
    if let module, module > comparison.moduleCount {
      throw CommandFailure(
        .faultyInput,
        "there is no module \(module) to draw: \(runs.count > 1 ? "none of the runs has" : "the run does not have") "
          + "more than \(comparison.moduleCount)")
    }
    if let page {
      do {
        try AtomicFile.write(comparison.page(origin: .here), to: page)
      } catch {
        throw CommandFailure(.failed, "cannot write the page: \(error.message)")
      }
    }
    if session.json {
      let document = comparison.json
      session.output.write(
        JSONWriter.document(folder.map { document.with("folder", .string($0)) } ?? document))
    } else {
      session.output.write(comparison.text(session.output.style))
    }
  }

  /// The folder itself where it is a run's, or else those of the runs in it.
  private static func foldersOfRuns(_ folder: String) -> [String] {
    guard !RunDirectory.holdsRun(folder), let found = try? RunDirectory.runs(below: folder), !found.isEmpty
    else {
      // What is the matter with a folder without any is said where it is read.
      return [folder]
    }
    return found
  }

  /// Each folder once, whatever it is called; what is left out is told.
  private static func distinct(_ folders: [String], _ session: Session) -> [String] {
    var kept: [(path: String, place: String)] = []
    for folder in folders {
      let place = FilePath.real(folder) ?? folder
      if let same = kept.first(where: { $0.place == place }) {
        session.warnAtWork(code: "W010", "'\(folder)' is the folder '\(same.path)' again: counted once")
      } else {
        kept.append((folder, place))
      }
    }
    return kept.map(\.path)
  }
}
