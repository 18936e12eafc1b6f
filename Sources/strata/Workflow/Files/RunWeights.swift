internal import Artifacts
internal import Terminal

/// The weights of a run, held against what the run said of them when it wrote them.
enum RunWeights {
  /// - Parameter verb: what somebody wants to do with them.
  /// - Returns: the SHA-256 of the file.
  @discardableResult
  static func requireWhole(in folder: String, to verb: String) throws(CommandFailure) -> String {
    let path = "\(folder)/\(RunDirectory.modelName)"
    guard FileIdentity(path) != nil else {
      throw CommandFailure(
        .failed, "\(path): no such file", help: "only a run that has finished has weights to \(verb)")
    }
    let stated: String?
    do {
      stated = try RunStatus.statedWeightsSHA256(in: folder)
    } catch {
      throw CommandFailure(.failed, error.message)
    }
    let present: String
    do {
      present = try StartFile.sha256(of: path)
    } catch {
      throw CommandFailure(.failed, error.message)
    }
    guard let stated, stated != present else { return present }
    throw CommandFailure(
      .failed,
      "\(path): not the weights that the run has written: their SHA-256 is \(present.prefix(12)), "
        + "\(RunDirectory.summaryName) says \(stated.prefix(12))",
      help: "put the run's own file back, or train again")
  }
}
