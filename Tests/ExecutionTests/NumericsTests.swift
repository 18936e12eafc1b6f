import CompilerSupport
import Execution
import Foundation
import Operators
import Planning
import TestSupport
import Testing

/// One step of nets of the specs folder from equal weights, with Winograd's products and with plain ones.
///
/// Both round, and where a rounded sum stands on the other side of zero, a ReLU's gradient is there or is not: in deep
/// nets that, and not the sums' own error, decides how far gradients are apart, and a single ReLU can be most of it. How many
/// there are depends on the last bits of every product, so on the library's code for the processor, and on luck.
///
/// The yardstick is therefore the net itself under errors of the size that Winograd is allowed (`ConvolutionAlgorithm`: 10.5 sqrt(n) u of
/// a result that is a sum of n products): each weight of each convolution that Winograd computes is moved by that share of it, up or down by
/// chance, which moves the sums by that share of them, and plain products are taken. The largest of several draws counts: what is
/// measured is as likely as any draw to have few ReLUs that turn. Winograd's errors are about half of what it is allowed, and
/// a draw's are all of it, so that the largest of five leaves room on any processor.
@Suite("Fast and strict numerics")
struct NumericsTests {
  /// Batches are cut, widths are not: the tiles' sums run over channels. `scales` are batch norm's first ones: it is they that
  /// decide how much a sum cancels.
  static let nets: [(name: String, batch: Int, scales: String)] = [
    ("dgl-curves", 32, "uniform"), ("simcnn-k3", 8, "ones"), ("resnet18-dgl", 8, "ones"),
  ]
  private static let draws = 5

  @Test("gradients of whole nets differ as little as by errors of the allowed size", arguments: nets)
  func gradients(name: String, batch: Int, scales: String) throws {
    let strict = try FirstStep(of: name, batch: batch, scales: scales, numerics: "strict")
    let fast = try FirstStep(of: name, batch: batch, scales: scales, numerics: "fast")
    let layer = try #require(fast.convolutions.first { $0.algorithm.hasPrefix("winograd") })
    #expect(fast.convolutions.contains { $0.algorithm.hasPrefix("winograd") })
    #expect(!strict.convolutions.contains { $0.algorithm.hasPrefix("winograd") })
    var yardstick = Distance(gradients: 0, losses: 0)
    for seed in 1...Self.draws {
      let moves = fast.convolutions.filter { $0.algorithm.hasPrefix("winograd") }.map {
        WeightMove(weight: $0.weight, share: $0.allowedError)
      }
      let moved = try FirstStep(
        of: name, batch: batch, scales: scales, numerics: "strict", moves: moves, seed: UInt64(seed))
      yardstick = yardstick.orLarger(Distance(moved, strict))
    }
    let distance = Distance(fast, strict)
    #expect(distance.gradients > 0 && distance.isWithin(yardstick), "\(distance), allowed \(yardstick)")
    // Whatever the net makes of small errors: this much would be no training of the same net.
    #expect(yardstick.gradients < 0.1, "\(yardstick)")

    // What a wrong coefficient or a term left out does to a layer is more than this, and has to be seen.
    let fault = WeightMove(weight: layer.weight, share: 0.02)
    let faulty = Distance(
      try FirstStep(of: name, batch: batch, scales: scales, numerics: "strict", moves: [fault]), strict)
    #expect(!faulty.isWithin(yardstick), "a fault's \(faulty) hides in \(yardstick)")
  }
}

/// How far two steps are apart: gradients of all parameters together, and the largest of the modules' losses, relatively.
private struct Distance {
  var gradients, losses: Double

  init(gradients: Double, losses: Double) {
    self.gradients = gradients
    self.losses = losses
  }

  init(_ step: FirstStep, _ other: FirstStep) {
    gradients = relativeL2(step.gradients, other.gradients.map(Double.init))
    losses = zip(step.losses, other.losses).map { abs($0 - $1) / $1 }.max() ?? 0
  }

  func orLarger(_ other: Distance) -> Distance {
    Distance(gradients: max(gradients, other.gradients), losses: max(losses, other.losses))
  }

  func isWithin(_ bound: Distance) -> Bool { gradients < bound.gradients && losses < bound.losses }
}

/// Each of a tensor's initial weights moved by a share of it, up or down by chance.
private struct WeightMove {
  let weight: String
  let share: Float
}

/// What one step makes of made-up images, in the first stage.
private struct FirstStep {
  /// Of all parameters, in the order of the layout.
  private(set) var gradients: [Float] = []
  private(set) var losses: [Double] = []
  let convolutions: [StepConvolution]

  /// A convolution of the forward pass.
  struct StepConvolution {
    let weight, algorithm: String
    /// Products that are added up for one of its results.
    let terms: Int
    /// Of a result, in L2, by Winograd's F(4x4, 3x3).
    var allowedError: Float { 10.5 * Float(terms).squareRoot() * Float.ulpOfOne / 2 }
  }

  init(
    of name: String, batch: Int, scales: String, numerics: String, moves: [WeightMove] = [], seed: UInt64 = 1
  ) throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../specs")
    let text = try String(contentsOf: folder.appendingPathComponent("\(name).yaml"), encoding: .utf8)
    // Without decay, momentum is the gradient behind the first step.
    let spec = try DecodedSpec(
      text,
      sets: [
        "data.source=synthetic", "training.strategy=parallel", "numerics=\(numerics)",
        "network.init.batch-norm=\(scales)",
        "training.batch=\(batch)", "training.optimizer.weight-decay=0",
      ])
    let plan = try spec.plan(images: batch)
    let stage = plan.stages[0]
    let graph = stage.training.graph
    let parameters = stage.resident.entries.filter { $0.value.category == .parameter }
    convolutions = graph.nodes.compactMap { node in
      guard let convolution = node.op.as(Convolution.self) else { return nil }
      let filter = node.operands[1]
      return StepConvolution(
        weight: graph[filter].name, algorithm: convolution.algorithm.rawValue,
        terms: graph[filter].type.elementCount / convolution.outChannels)
    }
    let engine = try Engine(plan.memoryMap)
    engine.initialize(stage.schedule.indices, in: stage.resident, seed: plan.training.seed)
    var random = SplitMix64(seed: seed)
    for move in moves {
      let entry = try #require(parameters.first { $0.value.name == move.weight })
      var weights = Self.read(entry, engine)
      for index in weights.indices {
        weights[index] *= random.next() & 1 == 0 ? 1 + move.share : 1 - move.share
      }
      engine.write(entry, from: 0, weights.span)
    }
    random = SplitMix64(seed: 11)
    let images = Self.images(batch * graph.shape(graph.images).elementsPerImage, &random)
    let labels = (0..<batch).map { Int32($0 % plan.classes) }
    engine.setBatch(images: images.span, labels: labels.span, for: stage.training)
    let clock = StepParameters(learningRate: 0.1, step: 1)
    engine.run(stage.training, batch: batch, clocks: plan.modules.map { _ in clock })
    var sums = graph.metrics.map { MetricSums(module: $0.module) }
    engine.addMetrics(of: stage.training, images: batch, to: &sums)
    losses = sums.map(\.meanLoss)
    for entry in stage.resident.entries where entry.value.category == .optimizer {
      gradients += Self.read(entry, engine)
    }
  }

  /// Sums of uniform numbers with neighbours' shares, so that they are smooth as images are.
  private static func images(_ count: Int, _ random: inout SplitMix64) -> [Float] {
    var previous: Float = 0
    return (0..<count).map { _ in
      previous = 0.8 * previous + Float(random.uniform())
      return previous
    }
  }

  private static func read(_ entry: ResidentLayout.Entry, _ engine: Engine) -> [Float] {
    var floats = [Float](repeating: 0, count: entry.value.type.elementCount)
    var span = floats.mutableSpan
    engine.read(entry, from: 0, into: &span)
    return floats
  }
}
