internal import Artifacts
internal import Base
internal import Diagnostics
internal import Pipeline
internal import Planning
internal import Terminal
internal import Text

/// Plans on paper: printed for people or programs, or kept in a file.
enum PlanFile {
  static func print(_ loaded: LoadedPlan, _ session: Session) {
    print(loaded.plan, loaded.comparisonWithTimes, of: loaded.loaded, session)
  }

  static func print(
    _ plan: Plan, _ comparison: PlanComparison, of loaded: LoadedSpec, listsStages: Bool = false,
    link: LinkRate? = nil, _ session: Session
  ) {
    let model = Calibration.model(threads: plan.threads)
    let time = TimeText(plan, model: model)
    let ranks = plan.ranks.map { RanksText(plan, $0, model: model, link: link) }
    if session.json {
      session.output.write(
        PlanLock.printed(
          plan, comparison, places: loaded.places, time: time, pipeline: ranks?.json,
          warnings: session.warnings.entries.map(\.json)))
    } else if let ranks {
      session.output.write(ranks.text(session.output.style))
    } else {
      session.output.write(
        PlanText(
          plan, comparison, style: session.output.style, places: loaded.places, listsStages: listsStages
        ).text)
      session.output.write("\n" + time.text(session.output.style))
    }
  }

  /// Replaces the file at once: a reader sees the old plan or the new one. Reports what was written in place of what.
  ///
  /// - Parameter options: of the command line, the data's path from the current folder.
  static func write(
    _ plan: Plan, _ comparison: PlanComparison, of loaded: LoadedSpec, options: PlanOptions, to path: String,
    _ session: Session
  ) throws(CommandFailure) {
    // What came through a pipe is not there when the plan is read.
    var relative: String?
    if !Paths.isStream(loaded.path) {
      relative = Paths.kept(loaded.path, from: FilePath.folder(of: path))
    }
    var options = options
    options.data = options.data.map { Paths.kept($0, from: FilePath.folder(of: path)) }
    let text = PlanLock.text(
      of: plan, comparison, specPath: loaded.path, keptSpecPath: relative,
      specSets: loaded.keptAssignments.map(\.text), options: options, dataPath: plan.data.path,
      places: loaded.places)
    let words = Replacement(at: path, text: text).words(peakBytes: plan.memory.peakBytes)
    do {
      try AtomicFile.write(text, to: path)
    } catch {
      throw CommandFailure(.failed, "cannot write the plan: \(error.message)")
    }
    let ranks = plan.ranks.map {
      ", and for \($0.ranks.count) rank\($0.ranks.count == 1 ? "" : "s") of at most "
        + byteSize($0.largest.memory.peakBytes)
    }
    session.diagnostics.writeLine("\(path): \(words)\(ranks ?? "")")
  }

  /// What is at the place of a plan that is about to be written.
  private enum Replacement {
    case nothing, equal, unreadable
    case plan(peakBytes: Int)

    init(at path: String, text: String) {
      // What can be read only once is left to its reader.
      guard case .file(let place)? = try? FileTarget(path), (FileIdentity(place)?.byteCount ?? 0) > 0 else {
        self = .nothing
        return
      }
      guard let bytes = try? readSource(path: place, limit: PlanLock.largestByteCount),
        let peakBytes = (try? PlanLock(path: place, bytes: bytes))?.peakBytes
      else {
        self = .unreadable
        return
      }
      self = bytes == Array(text.utf8) ? .equal : .plan(peakBytes: peakBytes)
    }

    func words(peakBytes: Int) -> String {
      let size = byteSize(peakBytes)
      switch self {
      case .nothing: return "wrote a plan of \(size)"
      case .equal: return "the plan of \(size) is there already, unchanged"
      case .unreadable: return "replaced a plan that this release can't read by one of \(size)"
      case .plan(peakBytes): return "replaced a plan of \(size) by another one of the same peak"
      case .plan(let old):
        let share = Double(peakBytes - old) / Double(max(1, old))
        let change =
          byteSize(old) == size
          ? "\(grouped(abs(peakBytes - old))) bytes \(peakBytes > old ? "more" : "less")"
          : (share > 0 ? "+" : "") + percentage(share)
        return "replaced a plan of \(byteSize(old)) by one of \(size) (\(change))"
      }
    }
  }

  /// The plan to look at; replaces the file at once.
  static func writePage(
    _ plan: Plan, _ comparison: PlanComparison, of loaded: LoadedSpec, to path: String, _ session: Session
  ) throws(CommandFailure) {
    var isThere = false
    if case .file(let place)? = try? FileTarget(path) { isThere = (FileIdentity(place)?.byteCount ?? 0) > 0 }
    do {
      try AtomicFile.write(
        PlanPage(plan, comparison, places: loaded.places).text, to: path)
    } catch {
      throw CommandFailure(.failed, "cannot write the page: \(error.message)")
    }
    session.diagnostics.writeLine(
      "\(path): \(isThere ? "replaced a page by" : "wrote") the page of a plan of "
        + byteSize(plan.memory.peakBytes))
  }

  /// As a run's folder keeps it: the data's path as it was opened, so that the run can be evaluated from anywhere.
  static func textForRun(_ ready: LoadedPlan) -> String {
    let opened = ready.dataPath ?? ready.plan.data.path.map { Paths.join(ready.loaded.folder, $0) }
    return PlanLock.text(
      of: ready.plan, ready.comparison, specPath: ready.loaded.path, keptSpecPath: nil,
      dataPath: opened.map(Paths.absolute),
      startPath: ready.startPath.map(Paths.absolute), places: ready.loaded.places)
  }
}
