import CostModel
import Kernels
import TestSupport
import Testing

/// A kernel that works in scratch, called once with memory of its own.
enum ScratchUser: String, Codable, CaseIterable, Sendable {
  case im2colForward, im2colInputGradient, im2colStridedInputGradient, im2colWeightGradient
  case winogradForward, winogradInputGradient, winogradWeightGradient
  case columnSums, batchNormTraining, batchNormInference, batchNormBackward, foldBatchNorm,
    softmaxCrossEntropy

  private var geometry: ConvolutionGeometry {
    ConvolutionGeometry(
      batch: 2, height: 16, width: 16, inChannels: 8, outChannels: 8, kernelSize: 3,
      stride: self == .im2colStridedInputGradient ? 2 : 1, padding: 1)
  }

  private static var rows: Int { 512 }
  private static var channels: Int { 8 }

  var scratch: Scratch {
    let (rows, channels) = (Self.rows, Self.channels)
    return switch self {
    case .im2colForward: KernelScratch.convolutionForward(geometry, .im2col)
    case .im2colInputGradient, .im2colStridedInputGradient:
      KernelScratch.convolutionInputGradient(geometry, .im2col)
    case .im2colWeightGradient: KernelScratch.convolutionWeightGradient(geometry, .im2col)
    case .winogradForward: KernelScratch.convolutionForward(geometry, .winograd4x4)
    case .winogradInputGradient: KernelScratch.convolutionInputGradient(geometry, .winograd4x4)
    case .winogradWeightGradient: KernelScratch.convolutionWeightGradient(geometry, .winograd4x4)
    case .columnSums: KernelScratch.columnSums(rows: rows, columns: channels)
    case .batchNormTraining: KernelScratch.batchNormTraining(rows: rows, channels: channels)
    case .batchNormInference: KernelScratch.batchNormInference(rows: rows, channels: channels)
    case .batchNormBackward: KernelScratch.batchNormBackward(rows: rows, channels: channels)
    case .foldBatchNorm: KernelScratch.foldBatchNorm(patchSize: rows, outChannels: channels)
    case .softmaxCrossEntropy: KernelScratch.softmaxCrossEntropy(rows: rows, classes: channels)
    }
  }

  /// Runs the kernel on two workers with `missingBytes` less scratch than it needs, at `offset` floats behind a cache line.
  func call(missingBytes: Int = 0, offset: Int = 0) {
    let workers = 2
    let memory = AlignedBuffer<Float>(count: scratch.floatCount(workers: workers) + offset)
    let context = KernelContext(
      workers: Workers(count: workers), scratch: UnsafeMutableRawPointer(memory.pointer + offset),
      scratchByteCount: scratch.byteCount(workers: workers) - missingBytes)
    let (rows, channels) = (Self.rows, Self.channels)
    // Eight operands, each large enough for anything here.
    let operands = (0..<8).map { _ in
      AlignedBuffer<Float>([Double](repeating: 0.5, count: rows * 9 * channels))
    }
    let p = operands.map(\.pointer)
    switch self {
    case .im2colForward, .winogradForward:
      convolutionForward(
        x: p[0], filter: p[1], bias: nil, y: p[2], activation: .none, geometry: geometry,
        algorithm: algorithm,
        context: context)
    case .im2colInputGradient, .im2colStridedInputGradient, .winogradInputGradient:
      convolutionInputGradient(
        dy: p[0], filter: p[1], dx: p[2], geometry: geometry, algorithm: algorithm, context: context)
    case .im2colWeightGradient, .winogradWeightGradient:
      convolutionWeightGradient(
        x: p[0], dy: p[1], dFilter: p[2], geometry: geometry, algorithm: algorithm, context: context)
    case .columnSums:
      Kernels.columnSums(x: p[0], sums: p[1], rows: rows, columns: channels, context: context)
    case .batchNormTraining:
      Kernels.batchNormTraining(
        x: p[0], scale: p[1], shift: p[2], runningMean: p[3], runningVariance: p[4], y: p[5], savedMean: p[6],
        savedInverseDeviation: p[7], rows: rows, channels: channels, activation: .relu, epsilon: 1e-5,
        momentum: 0.1,
        context: context)
    case .batchNormInference:
      Kernels.batchNormInference(
        x: p[0], scale: p[1], shift: p[2], runningMean: p[3], runningVariance: p[4], y: p[5], rows: rows,
        channels: channels, activation: .relu, epsilon: 1e-5, context: context)
    case .batchNormBackward:
      Kernels.batchNormBackward(
        x: p[0], dy: p[1], scale: p[2], shift: p[3], savedMean: p[4], savedInverseDeviation: p[5], dx: p[1],
        dScale: p[6], dShift: p[7], rows: rows, channels: channels, activation: .relu, context: context)
    case .foldBatchNorm:
      Kernels.foldBatchNorm(
        filter: p[0], bias: nil, scale: p[1], shift: p[2], runningMean: p[3], runningVariance: p[4],
        foldedFilter: p[5], foldedBias: p[6], patchSize: rows, outChannels: channels, epsilon: 1e-5,
        context: context)
    case .softmaxCrossEntropy:
      let labels = AlignedBuffer<Int32>([Int32](repeating: 1, count: rows))
      Kernels.softmaxCrossEntropy(
        logits: p[0], labels: labels.pointer, logitGradient: p[1], metrics: p[2], rows: rows,
        classes: channels,
        context: context)
    }
    precondition((operands + [memory]).allSatisfy(\.guardsAreIntact))
  }

  private var algorithm: ConvolutionAlgorithm {
    switch self {
    case .winogradForward, .winogradInputGradient, .winogradWeightGradient: .winograd4x4
    case .im2colForward, .im2colInputGradient, .im2colStridedInputGradient, .im2colWeightGradient,
      .columnSums, .batchNormTraining, .batchNormInference, .batchNormBackward, .foldBatchNorm,
      .softmaxCrossEntropy:
      .im2col
    }
  }
}

@Suite struct ScratchTests {
  /// The trap test's control: with the scratch that is planned, the same call returns.
  @Test(arguments: ScratchUser.allCases)
  func plannedScratchIsEnough(user: ScratchUser) {
    #expect(user.scratch.floatCount(workers: 2) > 0)
    user.call()
  }

  @Test(arguments: ScratchUser.allCases)
  func tooLittleScratchTraps(user: ScratchUser) async {
    await #expect(processExitsWith: .failure) { [user] in user.call(missingBytes: 4) }
  }

  @Test func scratchBesideACacheLineTraps() async {
    await #expect(processExitsWith: .failure) { ScratchUser.columnSums.call(offset: 4) }
  }

  /// A last batch that is smaller runs in what was planned for a full one.
  @Test func smallerBatchesFitIntoAFullOnesScratch() {
    var random = SplitMix64(seed: 1)
    func draw(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    for _ in 0..<2_000 {
      let kernelSize = draw(1...7)
      let full = ConvolutionGeometry(
        batch: draw(2...200), height: draw(1...40), width: draw(1...40), inChannels: draw(1...300),
        outChannels: draw(1...300), kernelSize: kernelSize, stride: draw(1...2), padding: kernelSize / 2)
      var small = full
      small.batch = draw(1...full.batch)
      for algorithm in full.legalAlgorithms {
        expectFits(KernelScratch.convolutionForward, small, full, algorithm)
        expectFits(KernelScratch.convolutionInputGradient, small, full, algorithm)
        expectFits(KernelScratch.convolutionWeightGradient, small, full, algorithm)
      }
      let (rows, channels) = (draw(2...100_000), draw(1...600))
      let fewer = draw(1...rows)
      for scratch in [
        KernelScratch.columnSums(rows:columns:), KernelScratch.batchNormTraining(rows:channels:),
        KernelScratch.batchNormInference(rows:channels:), KernelScratch.batchNormBackward(rows:channels:),
        KernelScratch.softmaxCrossEntropy(rows:classes:),
      ] {
        let fits = scratch(fewer, channels).fits(in: scratch(rows, channels))
        #expect(fits, "\(fewer) of \(rows) rows of \(channels) channels")
      }
    }
  }

  @Test(arguments: ConvolutionMatchesReferenceTests.cases)
  func neverFallsAsTheBatchGrows(_ testCase: ConvolutionMatchesReferenceTests.Case) {
    var (geometry, last) = (testCase.geometry, [Scratch.none, .none, .none])
    var isMonotone = true
    for batch in 1...100 {
      geometry.batch = batch
      let now = [
        KernelScratch.convolutionForward(geometry, testCase.algorithm),
        KernelScratch.convolutionInputGradient(geometry, testCase.algorithm),
        KernelScratch.convolutionWeightGradient(geometry, testCase.algorithm),
      ]
      for (a, b) in zip(last, now) {
        isMonotone = isMonotone && a.sharedFloats <= b.sharedFloats && a.floatsPerWorker <= b.floatsPerWorker
      }
      last = now
    }
    #expect(isMonotone)
  }

  @Test(arguments: [1, 3, 8, 10, 64, 100, 513])
  func neverFallsAsRowsGrow(_ columns: Int) {
    var (last, isMonotone, suffices) = (0, true, true)
    for rows in 1...40_000 {
      let now = KernelScratch.batchNormBackward(rows: rows, channels: columns).sharedFloats
      isMonotone = isMonotone && now >= last
      suffices = suffices && now >= 2 * columns * (Blocks.sums(rows: rows, columns: columns).blockCount + 1)
      last = now
    }
    #expect(isMonotone)
    #expect(suffices)
  }

  private func expectFits(
    _ scratch: (ConvolutionGeometry, ConvolutionAlgorithm) -> Scratch, _ small: ConvolutionGeometry,
    _ full: ConvolutionGeometry, _ algorithm: ConvolutionAlgorithm
  ) {
    let fits = scratch(small, algorithm).fits(in: scratch(full, algorithm))
    #expect(fits, "\(small.batch) images in the scratch of \(full), \(algorithm)")
  }
}

extension Scratch {
  fileprivate func fits(in other: Scratch) -> Bool {
    [1, 2, 7].allSatisfy { byteCount(workers: $0) <= other.byteCount(workers: $0) }
  }
}
