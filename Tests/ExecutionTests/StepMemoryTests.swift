import CompilerSupport
import Datasets
import Execution
import TestSupport
import Testing

/// Nothing is allocated in a step.
@Suite("The memory of the step loop")
struct StepMemoryTests {
  /// The resident set behind the first steps and 200 steps later, in bytes.
  private static func residentBytes() throws -> (early: Int, late: Int) {
    let spec = try DecodedSpec(
      """
      strata: 1
      name: steps
      data: {source: digits, augment: {pad-crop: 1, flip: horizontal}}
      network: {family: vgg, widths: [8, 16]}
      downsampling: {kind: max-pool, before: [2]}
      auxiliary: {kind: mlp-sr, convolutions: 1, hidden: 1}
      training: {strategy: parallel, batch: 60, epochs: 10, drop-last: true}
      """)
    let dataset = try Dataset(.digits)
    let plan = try spec.plan(pictures: dataset.trainCount)
    let warmUpSteps = 30
    var stepCount = 0
    var (early, late) = (0, 0)
    let trainer = Trainer(
      engine: try Engine(plan: plan),
      pictures: PicturePreparer(
        dataset: dataset, augmentation: Augmentation(padCrop: 1, flipHorizontal: true), seed: 1),
      now: { 0 })
    _ = try trainer.run { event throws(ObserverFailure) in
      guard case .stepEnded = event else { return }
      stepCount += 1
      if stepCount == warmUpSteps { early = ProcessMemory.residentBytes ?? 0 }
      if stepCount == warmUpSteps + 200 { late = ProcessMemory.residentBytes ?? 0 }
    }
    return (early, late)
  }

  @Test("200 steps leave the resident set where it was", .enabled(if: !Sanitizer.isOn))
  func steadySteps() async {
    // In a process of its own: other tests would move the figure.
    await #expect(processExitsWith: .success) {
      let (early, late) = try StepMemoryTests.residentBytes()
      #expect(early > 0 && late > 0)
      #expect(abs(late - early) <= 256 << 10, "\(early) bytes, then \(late)")
    }
  }
}
