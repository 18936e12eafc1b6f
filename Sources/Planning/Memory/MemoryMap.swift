/// What an engine takes from the system for the programs that it runs.
package struct MemoryMap: Hashable, Sendable {
  /// As much as the program that takes most.
  package var arenaBytes: Int
  /// Workers, of which each has buffers of its own.
  package var threads: Int

  /// That options and plan files may ask for.
  package static let threadLimits = 1...256

  package init(arenaBytes: Int, threads: Int) {
    self.arenaBytes = arenaBytes
    self.threads = threads
  }
}

extension Plan {
  package var memoryMap: MemoryMap { MemoryMap(arenaBytes: arenaBytes, threads: threads) }
}
