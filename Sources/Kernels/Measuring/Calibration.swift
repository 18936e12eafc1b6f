package import CostModel

/// Measures every kind of work that kernels do, over the sizes that networks have: some ten seconds, and 350 MiB and scratch
/// of up to 2.5 MiB a worker.
///
/// - Parameters:
///   - profile: takes the points.
///   - kinds: what to measure, in order.
///   - report: is told of each kind before it is measured.
package func calibrateKernels(
  workers: Workers, into profile: inout MachineProfile, kinds: [WorkKind] = WorkKind.measured,
  secondsPerPoint: Double = 0.02, report: (WorkKind) -> Void = { _ in }
) {
  let calibration = Calibration(workers: workers, seconds: secondsPerPoint)
  defer { calibration.deallocate() }
  profile.secondsPerCall = calibration.secondsPerCall()
  for kind in kinds {
    report(kind)
    for (point, kind) in calibration.points(of: kind) { profile.add(point, of: kind) }
  }
}

/// Bytes that `calibrateKernels` takes.
package func calibrationByteCount(workers: Int) -> Int { Calibration.byteCount(workers: workers) }

private struct Calibration {
  private let workers: Workers
  private let seconds: Double
  private let memory: MeasuringMemory

  /// A point that would take longer than this many multiply-adds is left out: larger ones run at the same speed.
  private static let largestWork = 6_000_000_000
  /// Floats of the larger operand.
  private static let largestSweep = 1 << 23
  private static let sweepChannels = 64
  private static let activationCount = 1 << 24
  private static let filterCount = 1 << 24
  private static let channelCount = 4096

  init(workers: Workers, seconds: Double) {
    self.workers = workers
    self.seconds = seconds
    memory = MeasuringMemory(
      activationCount: Self.activationCount, filterCount: Self.filterCount, channelCount: Self.channelCount,
      scratch: Self.scratch, workers: workers.count)
  }

  /// What `init` takes.
  static func byteCount(workers: Int) -> Int {
    MeasuringMemory.byteCount(
      activationCount: activationCount, filterCount: filterCount, channelCount: channelCount,
      scratch: scratch, workers: workers)
  }

  private static var scratch: [Scratch] {
    WorkKind.measured.flatMap(convolutions(of:)).map(\.scratch) + [
      KernelScratch.batchNormBackward(rows: largestSweep / sweepChannels, channels: sweepChannels)
    ]
  }

  func deallocate() { memory.deallocate() }

  private var context: KernelContext { memory.context(workers) }

  // MARK: - Time

  /// The median of as many runs as fit in the time, at least three.
  private func time(_ body: () -> Void) -> Double {
    body()
    var runs: [Double] = []
    let start = monotonicTime()
    while runs.count < 3 || (monotonicTime() - start < seconds && runs.count < 1000) {
      runs.append(secondsTaken(body))
    }
    runs.sort()
    return runs[runs.count / 2]
  }

  func secondsPerCall() -> Double {
    // Two items, so that a second worker takes part.
    time { workers.forEach(2) { _, _ in } }
  }

  private func point(_ work: Work, _ body: () -> Void) -> (MachineProfile.Point, WorkKind) {
    (
      MachineProfile.Point(size: work.size, rows: work.rows, secondsPerUnit: time(body) / work.amount),
      work.kind
    )
  }

  // MARK: - Kinds

  func points(of kind: WorkKind) -> [(MachineProfile.Point, WorkKind)] {
    switch kind {
    case .convolution: Self.convolutions(of: kind).map(convolution)
    case .linear(let operation):
      [64, 512, 2048].flatMap { features in
        [4, 32, 128].map { linear(operation, rows: $0, features: features) }
      }
    case .sweep(let sweep):
      [1 << 14, 1 << 17, 1 << 20, Self.largestSweep].map { self.sweep(sweep, count: $0) }
    case .preparation, .synthesis: []
    }
  }

  private static func algorithm(of variant: WorkKind.ConvolutionVariant) -> ConvolutionAlgorithm {
    switch variant {
    case .winograd4x4: .winograd4x4
    case .winograd2x2: .winograd2x2
    case .pointwise: .pointwise
    case .im2col, .narrow, .scatter: .im2col
    }
  }

  /// None for what is no convolution.
  private static func convolutions(of kind: WorkKind) -> [MeasuredConvolution] {
    switch kind {
    case .convolution(let operation, let variant):
      geometries(of: variant).filter { $0.multiplyAdds <= largestWork }.map {
        MeasuredConvolution(operation: operation, geometry: $0, algorithm: algorithm(of: variant))
      }
    case .linear, .sweep, .preparation, .synthesis: []
    }
  }

  private static func geometries(of variant: WorkKind.ConvolutionVariant) -> [ConvolutionGeometry] {
    func grid(
      _ channels: [Int], _ batches: [Int], kernel: Int = 3, stride: Int = 1, ins: Int? = nil, extent: Int = 16
    ) -> [ConvolutionGeometry] {
      channels.flatMap { channels in
        batches.map {
          ConvolutionGeometry(
            batch: $0, height: extent, width: extent, inChannels: ins ?? channels, outChannels: channels,
            kernelSize: kernel, stride: stride, padding: kernel / 2)
        }
      }
    }
    switch variant {
    case .winograd4x4: return grid([16, 64, 128, 256, 512], [1, 8, 64])
    case .winograd2x2: return grid([32, 128, 512], [8, 64], extent: 4)
    case .pointwise: return grid([16, 64, 256, 1024], [1, 8, 64], kernel: 1)
    case .im2col: return grid([16, 64, 256, 512], [1, 8, 64])
    case .narrow: return grid([32, 64, 128], [8, 128], ins: 3)
    case .scatter: return grid([64, 256], [4, 64], stride: 2)
    }
  }

  private func convolution(_ measured: MeasuredConvolution) -> (MachineProfile.Point, WorkKind) {
    let (operation, g, algorithm) = (measured.operation, measured.geometry, measured.algorithm)
    let (x, y, dy, context) = (memory.x, memory.y, memory.dy, context)
    let (filter, dFilter) = (memory.filter, memory.dFilter)
    return point(.convolution(operation, g, algorithm)) {
      switch operation {
      case .forward:
        convolutionForward(
          x: x, filter: filter, bias: nil, y: y, activation: .none, geometry: g, algorithm: algorithm,
          context: context)
      case .inputGradient:
        convolutionInputGradient(
          dy: dy, filter: filter, dx: y, geometry: g, algorithm: algorithm, context: context)
      case .weightGradient:
        convolutionWeightGradient(
          x: x, dy: dy, dFilter: dFilter, geometry: g, algorithm: algorithm, context: context)
      }
    }
  }

  private func linear(
    _ operation: ConvolutionOperation, rows: Int, features: Int
  ) -> (MachineProfile.Point, WorkKind) {
    let (x, y, dy, context) = (memory.x, memory.y, memory.dy, context)
    let (filter, dFilter) = (memory.filter, memory.dFilter)
    return point(.linear(operation, rows: rows, ins: features, outs: features)) {
      switch operation {
      case .forward:
        linearForward(
          x: x, weight: filter, bias: nil, y: y, rows: rows, inFeatures: features, outFeatures: features,
          activation: .none, context: context)
      case .inputGradient:
        linearInputGradient(
          dy: dy, weight: filter, dx: y, rows: rows, inFeatures: features, outFeatures: features,
          context: context)
      case .weightGradient:
        linearWeightGradient(
          x: x, dy: dy, dWeight: dFilter, rows: rows, inFeatures: features, outFeatures: features,
          context: context)
      }
    }
  }

  /// - Parameter count: floats of the larger operand: images of 16x16x64, or some channels of one.
  private func sweep(_ sweep: WorkKind.Sweep, count: Int) -> (MachineProfile.Point, WorkKind) {
    let (x, y, dy, context) = (memory.x, memory.y, memory.dy, context)
    let (filter, v, bytes) = (memory.filter, memory.vectors, memory.bytes)
    let channels = Self.sweepChannels
    let (rows, batch) = (count / channels, max(1, count / (16 * 16 * channels)))
    func measured(_ byteCount: Int, _ body: () -> Void) -> (MachineProfile.Point, WorkKind) {
      point(.sweep(sweep, byteCount: byteCount), body)
    }
    switch sweep {
    case .batchNormTraining:
      return measured(8 * count) {
        batchNormTraining(
          x: x, scale: v[0], shift: v[1], runningMean: v[2], runningVariance: v[3], y: y, savedMean: v[4],
          savedInverseDeviation: v[5], rows: rows, channels: channels, activation: .relu, epsilon: 1e-5,
          momentum: 0.1, context: context)
      }
    case .batchNormInference:
      return measured(8 * count) {
        batchNormInference(
          x: x, scale: v[0], shift: v[1], runningMean: v[2], runningVariance: v[3], y: y, rows: rows,
          channels: channels, activation: .relu, epsilon: 1e-5, context: context)
      }
    case .batchNormBackward:
      return measured(12 * count) {
        batchNormBackward(
          x: x, dy: dy, scale: v[0], shift: v[1], savedMean: v[4], savedInverseDeviation: v[5], dx: y,
          dScale: v[6], dShift: v[7], rows: rows, channels: channels, activation: .relu, context: context)
      }
    case .elementwise:
      return measured(12 * count) {
        addForward(a: x, b: dy, y: y, count: count, activation: .relu, context: context)
      }
    case .sgd:
      return measured(12 * count) {
        sgdStep(
          weights: x, velocity: y, gradient: dy, count: count, learningRate: 1e-9, momentum: 0.9,
          weightDecay: 5e-4, nesterov: false, context: context)
      }
    case .adam:
      return measured(16 * count) {
        adamStep(
          weights: x, firstMoment: y, secondMoment: filter, gradient: dy, count: count, learningRate: 1e-9,
          beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, step: 10, context: context)
      }
    case .columnSums:
      return measured(4 * count) {
        columnSums(x: x, sums: v[0], rows: rows, columns: channels, context: context)
      }
    case .maxPool:
      return measured(5 * count + count / 4) {
        maxPoolForward(
          x: x, y: y, argmax: bytes, batch: batch, height: 16, width: 16, channels: channels, window: 2,
          stride: 2, padding: 0, context: context)
      }
    case .maxPoolBackward:
      return measured(5 * count + count / 4) {
        maxPoolBackward(
          dy: dy, argmax: bytes, dx: y, batch: batch, height: 16, width: 16, channels: channels, window: 2,
          stride: 2, padding: 0, context: context)
      }
    case .averagePool:
      return measured(4 * count + count / 4) {
        averagePoolForward(
          x: x, y: y, batch: batch, height: 16, width: 16, channels: channels, outHeight: 4, outWidth: 4,
          context: context)
      }
    case .averagePoolBackward:
      return measured(4 * count + count / 4) {
        averagePoolBackward(
          dy: dy, dx: y, batch: batch, height: 16, width: 16, channels: channels, outHeight: 4, outWidth: 4,
          context: context)
      }
    case .rearrangement:
      return measured(8 * count) {
        spaceToDepth(x: x, y: y, batch: batch, height: 16, width: 16, channels: channels, context: context)
      }
    }
  }
}
