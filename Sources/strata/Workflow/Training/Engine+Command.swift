internal import Execution
internal import Planning
internal import Terminal
internal import Text

extension Engine {
  /// An engine, or a failure in words.
  static func make(_ plan: Plan) throws(CommandFailure) -> Engine {
    do {
      return try Engine(plan: plan)
    } catch {
      switch error {
      case .outOfMemory(let byteCount):
        throw CommandFailure(.failed, "the system does not give \(byteSize(byteCount)) of memory")
      }
    }
  }
}
