internal import Artifacts
internal import Diagnostics
internal import SpecLanguage
internal import Terminal
internal import Text

/// A file that the command line names: a spec, or a plan that was kept. It is read once: what comes through a pipe is not there
/// a second time.
struct InputFile {
  enum Kind {
    case spec, plan
  }

  /// As the user typed it.
  let path: String
  let bytes: [UInt8]
  /// By content: a plan is a JSON object with a schema, which no spec has.
  let kind: Kind

  /// What stands for it on the command line.
  static let standardInput = "-"

  init(_ path: String) throws(CommandFailure) {
    let limit = max(PlanLock.largestByteCount, SourceScan.largestByteCount)
    do {
      bytes = try readSource(path: path == Self.standardInput ? "/dev/stdin" : path, limit: limit + 1)
    } catch {
      throw Self.failure(error, path)
    }
    self.path = path
    kind = PlanLock.isPlan(bytes) ? .plan : .spec
  }

  private static func failure(_ error: SourceReadError, _ path: String) -> CommandFailure {
    if error == .isDirectory, RunDirectory.holdsRun(path) {
      return CommandFailure(
        .faultyInput, "cannot read '\(path)': it is the folder of a run",
        help: "go on with it: strata run \(shellWord(path)) --resume; its plan is "
          + shellWord("\(path)/\(RunDirectory.planName)"))
    }
    return CommandFailure(.faultyInput, "cannot read '\(path)': \(error.words)")
  }
}
