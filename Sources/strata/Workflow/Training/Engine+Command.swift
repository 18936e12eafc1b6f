internal import Execution
internal import Glibc
internal import Kernels
internal import Planning
internal import Terminal
internal import Text

extension Engine {
  /// An engine, or a failure in words.
  static func make(_ memory: MemoryMap) throws(CommandFailure) -> Engine {
    do {
      return try Engine(memory)
    } catch {
      switch error {
      case .outOfMemory(let byteCount): throw .memoryRefused(byteCount, workers: memory.threads)
      case .workers(let refused): throw .workersRefused(refused)
      }
    }
  }
}

extension Workers {
  /// Before a folder is made for a run whose workers would be refused.
  static func requireStart(_ count: Int) throws(CommandFailure) { _ = try make(count) }

  /// Workers that can multiply, or a failure in words.
  static func make(_ count: Int) throws(CommandFailure) -> Workers {
    let workers: Workers
    do throws(WorkersRefused) { workers = try Workers(starting: count) } catch {
      throw .workersRefused(error)
    }
    guard ProductBuffers.map(count) else {
      throw .memoryRefused(count * ProductBuffers.byteCount, workers: count)
    }
    return workers
  }
}

extension CommandFailure {
  fileprivate static func workersRefused(_ refused: WorkersRefused) -> CommandFailure {
    let reason = unsafe String(cString: strerror(refused.code))
    return CommandFailure(
      .failed, "the system starts \(refused.started) of \(refused.wanted) workers: \(reason)",
      help:
        "pass --threads \(refused.started), or raise the limit of processes (ulimit -u, or pids.max of the "
        + "control group)")
  }

  fileprivate static func memoryRefused(_ byteCount: Int, workers: Int) -> CommandFailure {
    let limit = MemoryLimit.binding(workers: workers)
    guard limit.source.countsAddresses else {
      return CommandFailure(.failed, "the system does not give \(byteSize(byteCount)) of memory")
    }
    return CommandFailure(
      .overBudget,
      "\(byteSize(byteCount)) of addresses are needed, and \(limit.source.words) does not leave so many",
      help: workers > 1 ? "pass a smaller --threads, or raise the limit" : "raise the limit")
  }
}
