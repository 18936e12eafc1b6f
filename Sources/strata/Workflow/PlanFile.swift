internal import Artifacts
internal import Glibc
internal import Planning
internal import Terminal
internal import Text

/// Plans on paper: printed for people or programs, or kept in a file.
enum PlanFile {
  static func print(_ plan: Plan, of loaded: LoadedSpec, json: Bool, _ console: Console) {
    if json {
      console.output.write(
        JSONWriter.document(plan.json(specPath: nil, dataPath: plan.data.path, place: loaded.place)))
    } else {
      console.output.write(PlanText(plan, style: console.output.style, place: loaded.place).text)
    }
  }

  /// Replaces the file at once: a reader sees the old plan or the new one.
  static func write(_ plan: Plan, of loaded: LoadedSpec, to path: String) throws(CommandFailure) {
    let relative = relativePath(of: loaded.path, from: LoadedSpec.folder(of: path))
    let text = self.text(plan, of: loaded, specPath: relative, dataPath: plan.data.path)
    do {
      try AtomicFile.write(text, to: path)
    } catch {
      throw CommandFailure(.failed, "cannot write the plan: \(error.message)")
    }
  }

  /// As a run's folder keeps it: the data's path as it was opened, so that the run can be evaluated from anywhere.
  static func textForRun(_ ready: ReadyPlan) -> String {
    let opened = ready.dataPath ?? ready.plan.data.path.map { DataOpening.join(ready.loaded.folder, $0) }
    return text(ready.plan, of: ready.loaded, specPath: nil, dataPath: opened.map(absolutePath))
  }

  private static func text(_ plan: Plan, of loaded: LoadedSpec, specPath: String?, dataPath: String?)
    -> String
  {
    // Places in a kept plan name the spec's file alone: it must not depend on where the command was typed.
    let name = loaded.path.split(separator: "/").last.map { String($0) } ?? loaded.path
    return JSONWriter.document(
      plan.json(specPath: specPath, dataPath: dataPath) { "\(name):\(loaded.line($0))" })
  }

  private static func absolutePath(_ path: String) -> String {
    guard !path.hasPrefix("/"), let folder = unsafe getcwd(nil, 0) else { return path }
    defer { unsafe free(folder) }
    return unsafe String(cString: folder) + "/" + path
  }

  /// `../specs/net.yaml` for a spec beside the plan's folder; an absolute path where one of both is absolute.
  private static func relativePath(of path: String, from folder: String) -> String {
    guard path.hasPrefix("/") == folder.hasPrefix("/") else { return path }
    func parts(_ path: String) -> [Substring] { path.split(separator: "/").filter { $0 != "." } }
    var (target, base) = (parts(path)[...], parts(folder)[...])
    while let first = target.first, first == base.first, target.count > 1 {
      target.removeFirst()
      base.removeFirst()
    }
    if base.contains("..") { return path }
    return (base.map { _ in ".." } + target).joined(separator: "/")
  }
}
