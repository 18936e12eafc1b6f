internal import Artifacts
internal import Base
internal import Planning
internal import Terminal

/// The page of a run: while it goes on, and at its end.
enum RunReport {
  /// Writes `report.html` into the run's folder, out of what the folder holds. Whatever keeps it from being written is told
  /// and stops nothing: weights, metrics and summary are safe by then.
  ///
  /// - Parameter state: how the run ended; nil while it goes on.
  static func write(
    _ ready: LoadedPlan, in folder: String, state: RunSummary.Status?, _ session: Session
  ) {
    do throws(RunStatusError) {
      let page = RunPage(
        try RunHistory(folder: folder, isThinned: true), of: ready.plan,
        state == nil ? ready.comparison : ready.comparisonWithTimes, places: ready.loaded.places,
        state: state,
        profile: state == nil ? nil : try ProfileText.kept(in: folder),
        compression: try CompressionFigures(ready.plan, in: folder),
        answers: state == nil ? nil : try AnswerTexts.kept(in: folder),
        samples: .kept(in: folder, classes: ready.plan.classes, classNames: ready.plan.classNames),
        origin: .here)
      do throws(FileError) { try RunDirectory.writeReport(page.text, in: folder) } catch {
        throw .file(error)
      }
    } catch {
      // Where the run failed, that is the fault to tell; while it goes on there will be another page.
      guard let state, state != .failed else { return }
      session.warnAtWork(code: "W008", "no \(RunDirectory.reportName): \(error.message)")
    }
  }
}
