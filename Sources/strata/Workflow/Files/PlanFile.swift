internal import Artifacts
internal import Pipeline
internal import Planning
internal import Terminal
internal import Text

/// Plans on paper: printed for people or programs, or kept in a file.
enum PlanFile {
  static func print(
    _ plan: Plan, of loaded: LoadedSpec, json: Bool, listsStages: Bool = false, _ console: Console
  ) {
    let time = TimeText(plan, model: Calibration.model(threads: plan.threads))
    let times = times(of: plan, loaded)
    if json {
      console.output.write(
        PlanDocument.printed(
          plan, places: loaded.places, times: times, time: time,
          warnings: console.warnings.entries.map(\.json)))
    } else {
      console.output.write(
        PlanText(
          plan, style: console.output.style, places: loaded.places, listsStages: listsStages, times: times
        ).text)
      console.output.write("\n" + time.text(console.output.style))
    }
  }

  /// Of the strategies that a plan is compared with; none where the machine was not measured.
  static func times(of plan: Plan, _ loaded: LoadedSpec) -> [TimeFigures] {
    Calibration.model(threads: plan.threads).map { strategyTimes(of: plan, loaded.spec, model: $0) } ?? []
  }

  /// Replaces the file at once: a reader sees the old plan or the new one.
  static func write(_ plan: Plan, of loaded: LoadedSpec, to path: String) throws(CommandFailure) {
    // What came through a pipe is not there when the plan is read.
    var relative: String?
    if !Paths.isStream(loaded.path) {
      relative = Paths.kept(loaded.path, from: FilePath.folder(of: path))
    }
    let text = PlanDocument.text(
      of: plan, specPath: loaded.path, keptSpecPath: relative,
      specSets: loaded.keptAssignments.map(\.text), dataPath: plan.data.path, places: loaded.places)
    do {
      try AtomicFile.write(text, to: path)
    } catch {
      throw CommandFailure(.failed, "cannot write the plan: \(error.message)")
    }
  }

  /// The plan to look at; replaces the file at once.
  static func writePage(_ plan: Plan, of loaded: LoadedSpec, to path: String) throws(CommandFailure) {
    do {
      try AtomicFile.write(
        PlanPage(plan, places: loaded.places, times: times(of: plan, loaded)).text, to: path)
    } catch {
      throw CommandFailure(.failed, "cannot write the page: \(error.message)")
    }
  }

  /// As a run's folder keeps it: the data's path as it was opened, so that the run can be evaluated from anywhere.
  static func textForRun(_ ready: ReadyPlan) -> String {
    let opened = ready.dataPath ?? ready.plan.data.path.map { Paths.join(ready.loaded.folder, $0) }
    return PlanDocument.text(
      of: ready.plan, specPath: ready.loaded.path, keptSpecPath: nil, dataPath: opened.map(Paths.absolute),
      startPath: ready.startPath.map(Paths.absolute), places: ready.loaded.places)
  }
}
