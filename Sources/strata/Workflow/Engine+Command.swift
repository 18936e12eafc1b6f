internal import Execution
internal import Kernels
internal import Planning
internal import Terminal
internal import Text

extension Engine {
  /// An engine, or a failure in words.
  static func make(_ plan: Plan) throws(CommandFailure) -> Engine {
    try requireSupportedProcessor()
    do {
      return try Engine(plan: plan)
    } catch {
      switch error {
      case .outOfMemory(let byteCount):
        throw CommandFailure(.failed, "the system does not give \(byteSize(byteCount)) of memory")
      }
    }
  }

  /// Fails where the kernels were compiled for a newer processor than this one.
  static func requireSupportedProcessor() throws(CommandFailure) {
    guard isProcessorSupported else {
      throw CommandFailure(
        .failed, "this processor has no AVX2 and fused multiply-adds, which this build's kernels use",
        help: "build with STRATA_PORTABLE=1 in the environment")
    }
  }
}
