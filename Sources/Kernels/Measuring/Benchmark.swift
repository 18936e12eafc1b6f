internal import CostModel

/// What one kernel reached on this machine.
package struct KernelMeasurement: Hashable, Sendable {
  /// What was measured: "convolution forward (winograd-4x4)".
  package let kernel: String
  package let shape: String
  /// The shortest of the repetitions.
  package let seconds: Double
  /// Operations of the plain algorithm in 10^9 a second: what a Winograd convolution saves makes it faster, not less. Nil
  /// for kernels that only move memory.
  package let gigaflopsPerSecond: Double?
  /// Memory read and written, if every operand moves once, in 10^9 bytes a second.
  package let gigabytesPerSecond: Double
  /// `gigaflopsPerSecond` over that of plain products on the same workers: above 1 where Winograd saves operations.
  package let shareOfProduct: Double?
  /// The operations that really run, in 10^9 a second, over the rate of plain products.
  package let executedShare: Double?
  /// How many times as long a single worker takes. Nil where there is but one.
  package let timesOneWorker: Double?
}

/// Measures the kernels that take most of a training step, in the sizes of small CIFAR nets at batch 128. `report` is called
/// after each. Where there are several workers a single one is measured as well, in turns with them. Takes some 40 times
/// `secondsPerKernel`, twice as long for several workers, and 122 MiB beside the scratch of the kernel that has the most.
///
/// - Parameter isWanted: of a kernel by its name; products are always measured, as what the others are held against.
package func benchmarkKernels(
  workers: Workers, secondsPerKernel: Double = 0.2, report: (KernelMeasurement) -> Void = { _ in },
  where isWanted: @escaping (String) -> Bool = { _ in true }
) -> [KernelMeasurement] {
  var benchmark = Benchmark(
    workers: workers, single: workers.count > 1 ? Workers(count: 1) : nil, seconds: secondsPerKernel,
    isWanted: isWanted)
  defer { benchmark.deallocate() }
  benchmark.measureProducts(report)
  benchmark.measureConvolutions(report)
  benchmark.measureLinear(report)
  benchmark.measureRowwise(report)
  return benchmark.measurements
}

/// Bytes that `benchmarkKernels` takes.
package func kernelBenchmarkByteCount(workers: Int) -> Int { Benchmark.byteCount(workers: workers) }

private let benchmarkGeometries = [
  geometry(32, 3, 64), geometry(32, 64, 64), geometry(16, 64, 128), geometry(16, 128, 128),
  geometry(8, 128, 256),
  geometry(8, 256, 256), geometry(4, 512, 512), geometry(32, 64, 128, stride: 2),
  geometry(8, 128, 128, kernel: 1),
]

private func geometry(_ size: Int, _ ins: Int, _ outs: Int, kernel: Int = 3, stride: Int = 1)
  -> ConvolutionGeometry
{
  ConvolutionGeometry(
    batch: 128, height: size, width: size, inChannels: ins, outChannels: outs, kernelSize: kernel,
    stride: stride,
    padding: kernel / 2)
}

private struct Benchmark {
  private let workers: Workers
  private let single: Workers?
  private let seconds: Double
  private let isWanted: (String) -> Bool
  private let memory: MeasuringMemory
  private static let activationCount = 128 * 32 * 32 * 64
  private static let filterCount = 9 * 512 * 512
  private static let channelCount = 1024
  /// Of the matrices that are multiplied.
  private static let productSize = 512
  private(set) var measurements: [KernelMeasurement] = []
  private var productRate = 0.0

  init(workers: Workers, single: Workers?, seconds: Double, isWanted: @escaping (String) -> Bool) {
    self.workers = workers
    self.single = single
    self.seconds = seconds
    self.isWanted = isWanted
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
    convolutions.map(\.scratch) + [
      KernelScratch.batchNormBackward(rows: 131_072, channels: 64),
      // The products' results.
      Scratch(floatsPerWorker: productSize * productSize),
    ]
  }

  func deallocate() { memory.deallocate() }

  private static let convolutions: [MeasuredConvolution] = benchmarkGeometries.flatMap { geometry in
    ConvolutionOperation.allCases
      // A net's first layer needs no gradient of its input.
      .filter { $0 != .inputGradient || geometry.inChannels != 3 }
      .map {
        MeasuredConvolution(
          operation: $0, geometry: geometry,
          algorithm: ConvolutionCost.chooseAlgorithm(geometry, strict: false))
      }
  }

  /// Repeats `body` for the given time, and at least three times; likewise on a single worker.
  private mutating func measure(
    _ kernel: String, _ shape: String, multiplyAdds: Int?, executed: Int? = nil, floatsMoved: Int,
    _ report: (KernelMeasurement) -> Void,
    _ body: (KernelContext) -> Void
  ) {
    guard measurements.isEmpty || isWanted(kernel) else { return }
    let contexts = [workers, single].compactMap { $0.map(memory.context) }
    var shortest = contexts.map { _ in Double.infinity }
    for context in contexts { body(context) }
    let start = monotonicTime()
    var repetitions = 0
    while repetitions < 3 || monotonicTime() - start < seconds * Double(contexts.count) {
      for (index, context) in contexts.enumerated() {
        shortest[index] = min(shortest[index], secondsTaken { body(context) })
      }
      repetitions += 1
    }
    let rate = multiplyAdds.map { 2e-9 * Double($0) / shortest[0] }
    let executedRate = (executed ?? multiplyAdds).map { 2e-9 * Double($0) / shortest[0] }
    if measurements.isEmpty { productRate = rate ?? 0 }
    let measurement = KernelMeasurement(
      kernel: kernel, shape: shape, seconds: shortest[0], gigaflopsPerSecond: rate,
      gigabytesPerSecond: 4e-9 * Double(floatsMoved) / shortest[0],
      shareOfProduct: rate.map { $0 / productRate },
      executedShare: executedRate.map { $0 / productRate },
      timesOneWorker: shortest.count > 1 ? shortest[1] / shortest[0] : nil)
    measurements.append(measurement)
    report(measurement)
  }

  /// What everything else is held against: a product of 512 cubed on each worker. Factors may be several workers', results
  /// are each one's own.
  mutating func measureProducts(_ report: (KernelMeasurement) -> Void) {
    let (x, dy) = (memory.x, memory.dy)
    let (size, area) = (Self.productSize, Self.productSize * Self.productSize)
    let factors = Self.activationCount / area
    let results = memory.scratch.assumingMemoryBound(to: Float.self)
    let products = workers.count
    measure(
      "product", "512x512x512 on each worker", multiplyAdds: products * area * size,
      floatsMoved: 3 * products * area, report
    ) { context in
      context.workers.forEach(products) { item, _ in
        multiply(
          x + item % factors * area, leading: size, dy + item % factors * area, leading: size,
          into: results + item * area, leading: size, m: size, n: size, k: size)
      }
    }
  }

  mutating func measureConvolutions(_ report: (KernelMeasurement) -> Void) {
    let (x, y, dy) = (memory.x, memory.y, memory.dy)
    let (filter, dFilter) = (memory.filter, memory.dFilter)
    for convolution in Self.convolutions {
      let (g, algorithm) = (convolution.geometry, convolution.algorithm)
      let shape =
        "\(g.batch)x\(g.height)x\(g.width)x\(g.inChannels) to \(g.outChannels), \(g.kernelSize)x\(g.kernelSize)"
        + (g.stride == 1 ? "" : ", stride \(g.stride)")
      let moved = g.inRows * g.inChannels + g.outRows * g.outChannels + g.patchSize * g.outChannels
      measure(
        "convolution \(convolution.operation.rawValue) (\(algorithm.rawValue))", shape,
        multiplyAdds: g.multiplyAdds, executed: g.executedMultiplyAdds(convolution.operation, algorithm),
        floatsMoved: moved, report
      ) { context in
        switch convolution.operation {
        case .forward:
          convolutionForward(
            x: x, filter: filter, bias: nil, y: y, activation: .relu, geometry: g, algorithm: algorithm,
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
  }

  mutating func measureLinear(_ report: (KernelMeasurement) -> Void) {
    let (x, y, dy) = (memory.x, memory.y, memory.dy)
    let (filter, dFilter) = (memory.filter, memory.dFilter)
    let (rows, features) = (128, 1024)
    let (work, moved) = (rows * features * features, 2 * rows * features + features * features)
    let shape = "\(rows)x\(features) to \(features)"
    measure("linear forward", shape, multiplyAdds: work, floatsMoved: moved, report) { context in
      linearForward(
        x: x, weight: filter, bias: nil, y: y, rows: rows, inFeatures: features, outFeatures: features,
        activation: .relu,
        context: context)
    }
    measure("linear input-gradient", shape, multiplyAdds: work, floatsMoved: moved, report) { context in
      linearInputGradient(
        dy: dy, weight: filter, dx: y, rows: rows, inFeatures: features, outFeatures: features,
        context: context)
    }
    measure("linear weight-gradient", shape, multiplyAdds: work, floatsMoved: moved, report) { context in
      linearWeightGradient(
        x: x, dy: dy, dWeight: dFilter, rows: rows, inFeatures: features, outFeatures: features,
        context: context)
    }
  }

  mutating func measureRowwise(_ report: (KernelMeasurement) -> Void) {
    let (x, y, dy) = (memory.x, memory.y, memory.dy)
    let (v, bytes) = (memory.vectors, memory.bytes)
    let (count, rows, channels) = (Self.activationCount, 128 * 32 * 32, 64)
    let shape = "128x32x32x64"
    measure("batch norm training", shape, multiplyAdds: nil, floatsMoved: 2 * count, report) { context in
      batchNormTraining(
        x: x, scale: v[0], shift: v[1], runningMean: v[2], runningVariance: v[3], y: y, savedMean: v[4],
        savedInverseDeviation: v[5], rows: rows, channels: channels, activation: .relu, epsilon: 1e-5,
        momentum: 0.1,
        context: context)
    }
    measure("batch norm backward", shape, multiplyAdds: nil, floatsMoved: 3 * count, report) { context in
      batchNormBackward(
        x: x, dy: dy, scale: v[0], shift: v[1], savedMean: v[4], savedInverseDeviation: v[5], dx: y,
        dScale: v[6],
        dShift: v[7], rows: rows, channels: channels, activation: .relu, context: context)
    }
    measure("batch norm inference", shape, multiplyAdds: nil, floatsMoved: 2 * count, report) { context in
      batchNormInference(
        x: x, scale: v[0], shift: v[1], runningMean: v[2], runningVariance: v[3], y: y, rows: rows,
        channels: channels, activation: .relu, epsilon: 1e-5, context: context)
    }
    measure("max pool forward", shape, multiplyAdds: nil, floatsMoved: count * 21 / 16, report) { context in
      maxPoolForward(
        x: x, y: y, argmax: bytes, batch: 128, height: 32, width: 32, channels: channels, window: 2,
        stride: 2,
        padding: 0, context: context)
    }
    measure("max pool backward", shape, multiplyAdds: nil, floatsMoved: count * 21 / 16, report) { context in
      maxPoolBackward(
        dy: dy, argmax: bytes, dx: y, batch: 128, height: 32, width: 32, channels: channels, window: 2,
        stride: 2,
        padding: 0, context: context)
    }
    measure("average pool to 8x8 forward", shape, multiplyAdds: nil, floatsMoved: count * 17 / 16, report) {
      context in
      averagePoolForward(
        x: x, y: y, batch: 128, height: 32, width: 32, channels: channels, outHeight: 8, outWidth: 8,
        context: context)
    }
    measure("average pool to 8x8 backward", shape, multiplyAdds: nil, floatsMoved: count * 17 / 16, report) {
      context in
      averagePoolBackward(
        dy: dy, dx: y, batch: 128, height: 32, width: 32, channels: channels, outHeight: 8, outWidth: 8,
        context: context)
    }
    measure("space to depth", shape, multiplyAdds: nil, floatsMoved: 2 * count, report) { context in
      spaceToDepth(x: x, y: y, batch: 128, height: 32, width: 32, channels: channels, context: context)
    }
    measure("SGD step", "4194304 weights", multiplyAdds: nil, floatsMoved: 5 * 4_194_304, report) { context in
      sgdStep(
        weights: x, velocity: y, gradient: dy, count: 4_194_304, learningRate: 1e-6, momentum: 0.9,
        weightDecay: 5e-4,
        nesterov: false, context: context)
    }
  }
}
