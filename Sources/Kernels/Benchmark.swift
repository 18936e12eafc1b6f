internal import CostModel
import Glibc

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
  /// `gigaflopsPerSecond` over that of plain products on the same workers.
  package let shareOfProduct: Double?
}

/// Measures the kernels that take most of a training step, in the sizes of small CIFAR nets at batch 128. `report` is called
/// after each. Takes some 30 times `secondsPerKernel`, and 350 MiB.
package func benchmarkKernels(
  workers: Workers, secondsPerKernel: Double = 0.2, report: (KernelMeasurement) -> Void = { _ in }
) -> [KernelMeasurement] {
  var benchmark = Benchmark(workers: workers, seconds: secondsPerKernel)
  defer { benchmark.deallocate() }
  benchmark.measureProducts(report)
  for geometry in benchmarkGeometries { benchmark.measureConvolution(geometry, report) }
  benchmark.measureLinear(report)
  benchmark.measureRowwise(report)
  return benchmark.measurements
}

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
  private let seconds: Double
  private let context: KernelContext
  private let scratch: UnsafeMutableRawPointer
  /// Activations of the largest size, filters, and vectors of one float a channel.
  private let x, y, dy, filter, dFilter: UnsafeMutablePointer<Float>
  private let vectors: [UnsafeMutablePointer<Float>]
  private let bytes: UnsafeMutablePointer<UInt8>
  private static let activationCount = 128 * 32 * 32 * 64
  private static let filterCount = 9 * 512 * 512
  private(set) var measurements: [KernelMeasurement] = []
  private var productRate = 0.0

  init(workers: Workers, seconds: Double) {
    self.workers = workers
    self.seconds = seconds
    let scratchByteCount = Self.scratchByteCount(workers: workers.count)
    scratch = .allocate(byteCount: scratchByteCount, alignment: 64)
    context = KernelContext(workers: workers, scratch: scratch, scratchByteCount: scratchByteCount)
    x = Self.floats(Self.activationCount)
    y = Self.floats(Self.activationCount)
    dy = Self.floats(Self.activationCount)
    filter = Self.floats(Self.filterCount)
    dFilter = Self.floats(Self.filterCount)
    vectors = (0..<8).map { _ in Self.floats(1024) }
    bytes = .allocate(capacity: Self.activationCount)
    bytes.initialize(repeating: 0, count: Self.activationCount)
  }

  func deallocate() {
    for pointer in [x, y, dy, filter, dFilter] + vectors { pointer.deallocate() }
    scratch.deallocate()
    bytes.deallocate()
  }

  /// Uniform in 0 to 1: made-up activations and weights.
  private static func floats(_ count: Int) -> UnsafeMutablePointer<Float> {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 4 * count, alignment: 64)
    let floats = memory.bindMemory(to: Float.self, capacity: count)
    var state: UInt32 = 1
    for i in 0..<count {
      state = state &* 1_664_525 &+ 1_013_904_223
      floats[i] = Float(state >> 8) / 16_777_216
    }
    return floats
  }

  private static func scratchByteCount(workers: Int) -> Int {
    var greatest = 0
    for geometry in benchmarkGeometries {
      for operation in ConvolutionOperation.allCases {
        let algorithm = ConvolutionCost.chooseAlgorithm(geometry, operation: operation, strict: false)
        let scratch =
          switch operation {
          case .forward: KernelScratch.convolutionForward(geometry, algorithm)
          case .inputGradient: KernelScratch.convolutionInputGradient(geometry, algorithm)
          case .weightGradient: KernelScratch.convolutionWeightGradient(geometry, algorithm)
          }
        greatest = max(greatest, scratch.byteCount(workers: workers))
      }
    }
    return max(
      greatest, KernelScratch.batchNormBackward(rows: 131_072, channels: 64).byteCount(workers: workers))
  }

  /// Repeats `body` for the given time, and at least three times.
  private mutating func measure(
    _ kernel: String, _ shape: String, multiplyAdds: Int?, floatsMoved: Int,
    _ report: (KernelMeasurement) -> Void,
    _ body: () -> Void
  ) {
    body()
    var shortest = Double.infinity
    let start = now()
    var repetitions = 0
    while repetitions < 3 || now() - start < seconds {
      let before = now()
      body()
      shortest = min(shortest, now() - before)
      repetitions += 1
    }
    let rate = multiplyAdds.map { 2e-9 * Double($0) / shortest }
    if measurements.isEmpty { productRate = rate ?? 0 }
    let measurement = KernelMeasurement(
      kernel: kernel, shape: shape, seconds: shortest, gigaflopsPerSecond: rate,
      gigabytesPerSecond: 4e-9 * Double(floatsMoved) / shortest, shareOfProduct: rate.map { $0 / productRate }
    )
    measurements.append(measurement)
    report(measurement)
  }

  /// What everything else is held against: products of 512 cubed, one on each worker (of the first 32).
  mutating func measureProducts(_ report: (KernelMeasurement) -> Void) {
    let (workers, x, dy, y) = (workers, x, dy, y)
    let size = 512 * 512
    let products = min(workers.count, Self.activationCount / size)
    measure(
      "product", "512x512x512 on each worker", multiplyAdds: products * size * 512,
      floatsMoved: 3 * products * size, report
    ) {
      workers.forEach(products) { item, _ in
        multiply(
          x + item * size, leading: 512, dy + item * size, leading: 512, into: y + item * size, leading: 512,
          m: 512,
          n: 512, k: 512)
      }
    }
  }

  mutating func measureConvolution(_ g: ConvolutionGeometry, _ report: (KernelMeasurement) -> Void) {
    let (x, y, dy, filter, dFilter, context) = (x, y, dy, filter, dFilter, context)
    let shape =
      "\(g.batch)x\(g.height)x\(g.width)x\(g.inChannels) to \(g.outChannels), \(g.kernelSize)x\(g.kernelSize)"
      + (g.stride == 1 ? "" : ", stride \(g.stride)")
    let moved = g.inRows * g.inChannels + g.outRows * g.outChannels + g.patchSize * g.outChannels
    for operation in ConvolutionOperation.allCases {
      // A net's first layer needs no gradient of its input.
      if operation == .inputGradient && g.inChannels == 3 { continue }
      let algorithm = ConvolutionCost.chooseAlgorithm(g, operation: operation, strict: false)
      measure(
        "convolution \(operation.rawValue) (\(algorithm.rawValue))", shape, multiplyAdds: g.multiplyAdds,
        floatsMoved: moved, report
      ) {
        switch operation {
        case .forward:
          convolutionForward(
            x: x, filter: filter, bias: nil, y: y, relu: true, geometry: g, algorithm: algorithm,
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
    let (x, y, dy, filter, dFilter, context) = (x, y, dy, filter, dFilter, context)
    let (rows, features) = (128, 1024)
    let (work, moved) = (rows * features * features, 2 * rows * features + features * features)
    let shape = "\(rows)x\(features) to \(features)"
    measure("linear forward", shape, multiplyAdds: work, floatsMoved: moved, report) {
      linearForward(
        x: x, weight: filter, bias: nil, y: y, rows: rows, inFeatures: features, outFeatures: features,
        relu: true,
        context: context)
    }
    measure("linear input-gradient", shape, multiplyAdds: work, floatsMoved: moved, report) {
      linearInputGradient(
        dy: dy, weight: filter, dx: y, rows: rows, inFeatures: features, outFeatures: features,
        context: context)
    }
    measure("linear weight-gradient", shape, multiplyAdds: work, floatsMoved: moved, report) {
      linearWeightGradient(
        x: x, dy: dy, dWeight: dFilter, rows: rows, inFeatures: features, outFeatures: features,
        context: context)
    }
  }

  mutating func measureRowwise(_ report: (KernelMeasurement) -> Void) {
    let (x, y, dy, v, bytes, context) = (x, y, dy, vectors, bytes, context)
    let (count, rows, channels) = (Self.activationCount, 128 * 32 * 32, 64)
    let shape = "128x32x32x64"
    measure("batch norm training", shape, multiplyAdds: nil, floatsMoved: 3 * count, report) {
      batchNormTraining(
        x: x, scale: v[0], shift: v[1], runningMean: v[2], runningVariance: v[3], y: y, savedMean: v[4],
        savedInverseDeviation: v[5], rows: rows, channels: channels, relu: true, epsilon: 1e-5, momentum: 0.1,
        context: context)
    }
    measure("batch norm backward", shape, multiplyAdds: nil, floatsMoved: 5 * count, report) {
      batchNormBackward(
        x: x, dy: dy, scale: v[0], shift: v[1], savedMean: v[4], savedInverseDeviation: v[5], dx: y,
        dScale: v[6],
        dShift: v[7], rows: rows, channels: channels, relu: true, context: context)
    }
    measure("batch norm inference", shape, multiplyAdds: nil, floatsMoved: 2 * count, report) {
      batchNormInference(
        x: x, scale: v[0], shift: v[1], runningMean: v[2], runningVariance: v[3], y: y, rows: rows,
        channels: channels, relu: true, epsilon: 1e-5, context: context)
    }
    measure("max pool forward", shape, multiplyAdds: nil, floatsMoved: count * 21 / 16, report) {
      maxPoolForward(
        x: x, y: y, argmax: bytes, batch: 128, height: 32, width: 32, channels: channels, window: 2,
        stride: 2,
        padding: 0, context: context)
    }
    measure("max pool backward", shape, multiplyAdds: nil, floatsMoved: count * 21 / 16, report) {
      maxPoolBackward(
        dy: dy, argmax: bytes, dx: y, batch: 128, height: 32, width: 32, channels: channels, window: 2,
        stride: 2,
        padding: 0, context: context)
    }
    measure("average pool to 8x8 forward", shape, multiplyAdds: nil, floatsMoved: count * 17 / 16, report) {
      adaptiveAveragePoolForward(
        x: x, y: y, batch: 128, height: 32, width: 32, channels: channels, outHeight: 8, outWidth: 8,
        context: context)
    }
    measure("average pool to 8x8 backward", shape, multiplyAdds: nil, floatsMoved: count * 17 / 16, report) {
      adaptiveAveragePoolBackward(
        dy: dy, dx: y, batch: 128, height: 32, width: 32, channels: channels, outHeight: 8, outWidth: 8,
        context: context)
    }
    measure("space to depth", shape, multiplyAdds: nil, floatsMoved: 2 * count, report) {
      spaceToDepth(x: x, y: y, batch: 128, height: 32, width: 32, channels: channels, context: context)
    }
    measure("SGD step", "4194304 weights", multiplyAdds: nil, floatsMoved: 5 * 4_194_304, report) {
      sgdStep(
        weights: x, velocity: y, gradient: dy, count: 4_194_304, learningRate: 1e-6, momentum: 0.9,
        weightDecay: 5e-4,
        nesterov: false, context: context)
    }
  }
}

private func now() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
}
