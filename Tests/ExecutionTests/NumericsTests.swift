import CompilerSupport
import Execution
import Foundation
import Planning
import TestSupport
import Testing

/// One step of nets of the specs folder from equal weights, with Winograd's products and with plain ones.
///
/// Both round, and where a rounded sum stands on the other side of zero, a ReLU's gradient is there or is not: in deep
/// nets that, and not the sums' own error, decides how far gradients are apart. So the yardstick is the net itself: what the
/// plain products make of weights that are a few units in the last place off.
@Suite("Fast and strict numerics")
struct NumericsTests {
  /// Batches are cut, widths are not: the tiles' sums run over channels.
  ///
  /// The bounds are twice what the nets came to when they were set: whatever the yardstick says, no more.
  /// `scales` are batch norm's first ones, with which they came to that: it is they that decide how much a sum cancels.
  static let nets: [(name: String, batch: Int, scales: String, bound: Double)] = [
    ("dgl-curves", 32, "uniform", 2.6e-3), ("simcnn-k3", 8, "ones", 6e-3), ("resnet18-dgl", 8, "ones", 3e-2),
  ]

  @Test("gradients of whole nets differ as little as by rounded weights", arguments: nets)
  func gradients(name: String, batch: Int, scales: String, bound: Double) throws {
    let strict = try FirstStep(of: name, batch: batch, scales: scales, numerics: "strict")
    let rounded = try FirstStep(of: name, batch: batch, scales: scales, numerics: "strict", weightsOffBy: 4)
    let fast = try FirstStep(of: name, batch: batch, scales: scales, numerics: "fast")
    #expect(fast.algorithms.contains { $0.hasPrefix("winograd") })
    #expect(!strict.algorithms.contains { $0.hasPrefix("winograd") })
    for (loss, expected) in zip(fast.losses, strict.losses) {
      #expect(abs(loss - expected) < 2e-5 * expected)
    }
    let yardstick = relativeL2(rounded.gradients, strict.gradients.map(Double.init))
    let error = relativeL2(fast.gradients, strict.gradients.map(Double.init))
    #expect(error > 0 && error < 10 * yardstick, "\(error), where rounding makes \(yardstick)")
    #expect(error < bound, "\(error)")
  }
}

/// What one step makes of made-up pictures, in the first stage.
private struct FirstStep {
  /// Of all parameters, in the order of the layout.
  private(set) var gradients: [Float] = []
  private(set) var losses: [Double] = []
  let algorithms: [String]

  /// - Parameter weightsOffBy: units in the last place by which each initial weight is moved, up or down by chance.
  init(of name: String, batch: Int, scales: String, numerics: String, weightsOffBy units: Int = 0) throws {
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
    let plan = try spec.plan(pictures: batch)
    let stage = plan.stages[0]
    let graph = stage.training.graph
    algorithms = graph.nodes.compactMap { $0.convolution(in: graph)?.convolution.algorithm.rawValue }
    let engine = try Engine(plan: plan)
    engine.initialize(stage.schedule.indices, in: stage.resident)
    var random = SplitMix64(seed: 7)
    if units > 0 {
      for entry in stage.resident.entries where entry.value.category == .parameter {
        let moved = Self.read(entry, engine).map { weight in
          weight + Float(random.next() & 1 == 0 ? units : -units) * weight.ulp
        }
        engine.write(entry, from: 0, moved.span)
      }
    }
    random = SplitMix64(seed: 11)
    let pictures = Self.pictures(batch * graph.shape(graph.pictures).elementsPerPicture, &random)
    let labels = (0..<batch).map { Int32($0 % plan.classes) }
    engine.setBatch(pictures: pictures.span, labels: labels.span, for: stage.training)
    let clock = ModuleClock(learningRate: 0.1, step: 1)
    engine.run(stage.training, batch: batch, clocks: plan.modules.map { _ in clock })
    var sums = graph.metrics.map { MetricSums(module: $0.module) }
    engine.addMetrics(of: stage.training, pictures: batch, to: &sums)
    losses = sums.map(\.meanLoss)
    for entry in stage.resident.entries where entry.value.category == .optimizer {
      gradients += Self.read(entry, engine)
    }
  }

  /// Sums of uniform numbers with neighbours' shares, so that they are smooth as pictures are.
  private static func pictures(_ count: Int, _ random: inout SplitMix64) -> [Float] {
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
