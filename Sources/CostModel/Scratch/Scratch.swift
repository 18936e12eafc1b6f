/// Working memory of one kernel call, in floats: what the workers share, and what each of them needs for itself. The
/// planner lays it out in the arena; the kernel gets it as one block, shared part first, then a part a worker.
package struct Scratch: Hashable, Sendable {
  package var sharedFloats: Int
  package var floatsPerWorker: Int

  package static let none = Scratch(sharedFloats: 0, floatsPerWorker: 0)

  package init(sharedFloats: Int = 0, floatsPerWorker: Int = 0) {
    // Each part starts on a cache line: 16 floats.
    self.sharedFloats = (sharedFloats + 15) & ~15
    self.floatsPerWorker = (floatsPerWorker + 15) & ~15
  }

  package func floatCount(workers: Int) -> Int { sharedFloats + workers * floatsPerWorker }
  package func byteCount(workers: Int) -> Int { 4 * floatCount(workers: workers) }
}
