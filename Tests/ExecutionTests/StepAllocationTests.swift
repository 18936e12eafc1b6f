import AllocationCounter
import CompilerSupport
import Datasets
import Execution
import TestSupport
import Testing

/// Not even memory that is given back at once.
@Suite("Allocations of a step", .enabled(if: strata_allocation_count() >= 0))
struct StepAllocationTests {
  /// Allocations between the ends of two steps, for some steps of an epoch's middle.
  private static func counts(_ strategy: String, threads: Int) throws -> [Int] {
    let spec = try DecodedSpec(
      """
      strata: 1
      name: steps
      data: {source: digits, augment: {pad-crop: 1, flip: horizontal}}
      network: {family: vgg, widths: [8, 16]}
      downsampling: {kind: max-pool, before: [2]}
      auxiliary: {kind: mlp-sr, convolutions: 1, hidden: 1}
      training: {strategy: \(strategy), batch: 60, epochs: 1, drop-last: true}
      """)
    let dataset = try Dataset(.digits)
    let plan = try spec.plan(threads: threads, images: dataset.trainCount)
    var counts = [Int](repeating: -1, count: 10)
    var (steps, last) = (0, 0)
    let trainer = Trainer(
      plan: plan, engine: try Engine(plan.memoryMap),
      images: ImagePreparer(
        dataset: dataset, augmentation: Augmentation(padCrop: 1, flipHorizontal: true), seed: 1),
      now: { 0 })
    _ = try trainer.run { event throws(ObserverFailure) in
      guard case .stepEnded = event else { return }
      let now = strata_allocation_count()
      if steps > 6, steps < 17 { counts[steps - 7] = now - last }
      steps += 1
      last = strata_allocation_count()
    }
    return counts
  }

  /// Debug builds box a closure or an optional here and there, which optimised ones keep in registers: a few in a step. A kernel or
  /// a dispatch that took memory would do so in every node, of which a step of this net has dozens.
  @Test(
    "are a few of a debug build's own, and one a job that several workers share",
    arguments: [("parallel", 6), ("sequential", 6), ("end-to-end", 6), ("asynchronous", 12)])
  func few(strategy: String, most: Int) async {
    // In a process of its own: other tests would count as well.
    await #expect(processExitsWith: .success) { [strategy, most] in
      let alone = try StepAllocationTests.counts(strategy, threads: 1)
      #expect(alone.allSatisfy { 0...most ~= $0 }, "\(strategy): \(alone)")
      let shared = try StepAllocationTests.counts(strategy, threads: 2)
      #expect(shared.allSatisfy { 0..<200 ~= $0 }, "\(strategy), two workers: \(shared)")
    }
  }

  @Test("would be seen")
  func seen() throws {
    let before = strata_allocation_count()
    UnsafeMutablePointer<UInt8>.allocate(capacity: 100).deallocate()
    #expect(strata_allocation_count() > before)
  }
}
