internal import CostModel

/// What a kernel call runs on: the threads, and the memory that `KernelScratch` asks for, 64-byte aligned. Kernels allocate
/// nothing themselves.
package struct KernelContext {
  package let workers: Workers
  package let scratch: UnsafeMutableRawPointer?
  package let scratchByteCount: Int

  package init(workers: Workers, scratch: UnsafeMutableRawPointer?, scratchByteCount: Int) {
    precondition(UInt(bitPattern: scratch) % 64 == 0, "scratch starts on a cache line")
    self.workers = workers
    self.scratch = scratch
    self.scratchByteCount = scratchByteCount
  }

  /// The scratch laid out as `scratch` says; traps where the planner set too little aside.
  func layOut(_ layout: Scratch) -> ScratchFloats {
    precondition(
      layout.byteCount(workers: workers.count) <= scratchByteCount, "the plan sets enough scratch aside")
    guard let scratch, layout != .none else {
      return ScratchFloats(shared: nil, floatsPerWorker: 0, sharedFloats: 0)
    }
    return ScratchFloats(
      shared: scratch.assumingMemoryBound(to: Float.self), floatsPerWorker: layout.floatsPerWorker,
      sharedFloats: layout.sharedFloats)
  }
}

/// One kernel call's scratch: the part that all workers share, then a part for each.
struct ScratchFloats {
  private let base: UnsafeMutablePointer<Float>?
  private let floatsPerWorker, sharedFloats: Int

  init(shared: UnsafeMutablePointer<Float>?, floatsPerWorker: Int, sharedFloats: Int) {
    base = shared
    self.floatsPerWorker = floatsPerWorker
    self.sharedFloats = sharedFloats
  }

  var shared: UnsafeMutablePointer<Float> { base! }
  func worker(_ worker: Int) -> UnsafeMutablePointer<Float> {
    base! + (sharedFloats + worker * floatsPerWorker)
  }
}
