import CompilerSupport
import Datasets
import Execution
import Glibc
import TestSupport
import Testing

/// Nothing is allocated in a step.
@Suite("The memory of the step loop")
struct StepMemoryTests {
  /// Bytes of memory of the process's own that are resident, counted page by page; nil where the system does not tell. The figures of
  /// `/proc/self/status` are counted late on machines with many processors, and code that is read from files comes and goes.
  private static var ownBytes: Int? {
    guard let file = fopen("/proc/self/smaps_rollup", "r") else { return nil }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, 256, file) != nil {
      let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      if text.hasPrefix("Anonymous:") { return Int(text.filter(\.isNumber)).map { $0 * 1024 } }
    }
    return nil
  }

  /// The resident set behind the first steps and 200 steps later, in bytes.
  ///
  /// - Parameter leak: bytes that each step leaves behind.
  private static func residentBytes(leak: Int = 0) throws -> (early: Int, late: Int) {
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
    let plan = try spec.plan(images: dataset.trainCount)
    let warmUpSteps = 30
    var stepCount = 0
    var (early, late) = (0, 0)
    let trainer = Trainer(
      plan: plan, engine: try Engine(plan.memoryMap),
      images: ImagePreparer(
        dataset: dataset, augmentation: Augmentation(padCrop: 1, flipHorizontal: true), seed: 1),
      now: { 0 })
    _ = try trainer.run { event throws(ObserverFailure) in
      guard case .stepEnded = event else { return }
      stepCount += 1
      if leak > 0 {
        UnsafeMutablePointer<UInt8>.allocate(capacity: leak).initialize(repeating: 1, count: leak)
      }
      if stepCount == warmUpSteps { early = ownBytes ?? 0 }
      if stepCount == warmUpSteps + 200 { late = ownBytes ?? 0 }
    }
    return (early, late)
  }

  /// The resident set before a module's channels are ranked, over 200 batches, and behind its narrowing.
  private static func rankingBytes() throws -> (early: Int, late: Int) {
    let spec = try DecodedSpec(
      """
      strata: 1
      name: ranking
      data: {source: digits}
      network: {family: vgg, widths: [16, 8]}
      auxiliary: {kind: cnn, k: 2}
      training: {strategy: sequential, batch: 7, epochs: 1}
      compression: {width: 4, epochs: 1}
      """)
    let dataset = try Dataset(.digits)
    let plan = try spec.plan(images: dataset.trainCount)
    var (early, late) = (0, 0)
    let trainer = Trainer(
      plan: plan, engine: try Engine(plan.memoryMap), images: ImagePreparer(dataset: dataset, seed: 1),
      now: { 0 })
    _ = try trainer.run { event throws(ObserverFailure) in
      switch event {
      case .epochEnded where early == 0: early = ownBytes ?? 0
      case .narrowed where late == 0: late = ownBytes ?? 0
      case .stageBegan, .stepEnded, .epochEnded, .frozenUnchanged, .stageEnded, .narrowed: break
      }
    }
    return (early, late)
  }

  private static let canMeasure = ownBytes != nil

  @Test(
    "ranking and narrowing leave the resident set where it was", .enabled(if: !Sanitizer.isOn && canMeasure))
  func ranking() async {
    await #expect(processExitsWith: .success) {
      let (early, late) = try StepMemoryTests.rankingBytes()
      #expect(early > 0 && late > 0)
      #expect(late - early <= 256 << 10, "\(early) bytes, then \(late)")
    }
  }

  @Test("200 steps leave the resident set where it was", .enabled(if: !Sanitizer.isOn && canMeasure))
  func steadySteps() async {
    // In a process of its own: other tests would move the figure.
    await #expect(processExitsWith: .success) {
      let (early, late) = try StepMemoryTests.residentBytes()
      #expect(early > 0 && late > 0)
      #expect(abs(late - early) <= 256 << 10, "\(early) bytes, then \(late)")
    }
  }

  @Test("a leak of 4 KiB a step would be seen", .enabled(if: canMeasure))
  func leakingSteps() async {
    await #expect(processExitsWith: .success) {
      let (early, late) = try StepMemoryTests.residentBytes(leak: 4 << 10)
      #expect(late - early > 256 << 10, "\(early) bytes, then \(late)")
    }
  }
}
