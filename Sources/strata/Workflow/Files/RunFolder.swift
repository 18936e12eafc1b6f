internal import Artifacts
internal import Base
internal import Terminal

/// The folder of a run, as the command line names it.
enum RunFolder {
  /// Refuses a folder without a run, and one that holds something else than runs put there: its links may lead to files that whoever
  /// made the folder wants to have read or overwritten.
  static func require(_ path: String) throws(CommandFailure) {
    guard RunDirectory.holdsRun(path) else {
      throw CommandFailure(.faultyInput, "\(path): there is no run in this folder")
    }
    let foreign: [FileError]
    do throws(FileError) { foreign = try RunDirectory.foreignFiles(in: path) } catch {
      throw CommandFailure(.failed, error.message)
    }
    guard !foreign.isEmpty else { return }
    throw CommandFailure(
      .faultyInput,
      foreign.map {
        Fault($0.message, help: "put the run's own file back in its place, or remove what is there")
      })
  }
}
