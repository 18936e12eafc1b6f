import CompilerSupport
import Execution
import Foundation
import GraphIR
import Planning
import TestSupport
import Testing

/// What the engine makes of several modules' answers, against the formula, from the modules' own logits.
@Suite("Ensembles over depth")
struct EnsembleTests {
  private static let images = 12

  /// Three layers, of which the first two are frozen as another run has left them.
  ///
  /// - Parameter unmeasured: a module whose classifier that run does not have.
  private func plan(_ mean: String, unmeasured: Int?, strategy: String) throws -> Plan {
    func text(_ widths: String, _ network: String, _ overrides: String) -> String {
      """
      strata: 1
      name: depths
      network: {family: vgg, input: 3x8x8, classes: 5, widths: \(widths), ensemble: \(mean)\(network)}
      auxiliary: {kind: linear\(overrides)}
      training: {strategy: \(strategy), epochs: 2, batch: \(Self.images)}

      """
    }
    let facts = DecodedSpec.facts(images: Self.images)
    let first = try DecodedSpec(text("[4, 6]", "", "")).plan(facts: facts)
    let overrides = unmeasured.map { ", overrides: [{module: \($0), kind: mlp, hidden: 1}]" } ?? ""
    return try DecodedSpec(text("[4, 6, 5]", ", from: runs/first, frozen: 2", overrides)).plan(
      facts: facts, startingFrom: first)
  }

  @Test(
    "at every depth, the weight of a module is that of its depth, whether or not all before it are measured",
    arguments: ["logits", "probabilities"], [nil, 1, 2])
  func byHand(mean: String, unmeasured: Int?) throws {
    for strategy in ["sequential", "parallel", "asynchronous"] {
      let plan = try plan(mean, unmeasured: unmeasured, strategy: strategy)
      let measured: [Int] = [1, 2, 3].filter { $0 != unmeasured }
      let engine = try Engine(plan.memoryMap)
      engine.initialize([1, 2, 3], in: plan.resident, seed: plan.training.seed)
      let program = plan.evaluation
      #expect(program.graph.metrics.filter { !$0.isEnsemble }.map(\.module) == measured)
      let batch = Batch(program.graph)
      let logits = program.graph.metrics.filter { !$0.isEnsemble }.map { metric in
        batch.values(of: metric.logits, in: program, engine)
      }
      batch.run(program, engine)
      var sums = program.graph.metrics.map { MetricSums(module: $0.module, isEnsemble: $0.isEnsemble) }
      engine.addMetrics(of: program, images: Self.images, to: &sums)
      #expect(sums.ensemble(upTo: measured[0]) == nil)
      for (index, module) in measured.enumerated().dropFirst() {
        let found = try #require(sums.ensemble(upTo: module))
        let weights = measured[...index].map { exp2(Double($0)) }
        let expected = loss(Array(logits[...index]), weights, batch.labels, ofProbabilities: mean != "logits")
        #expect(
          abs(found.meanLoss - expected) <= 1e-5 * expected, "\(module): \(found.meanLoss), \(expected)")
        // The other rule, and weights that go by position where a module is left out, come to something else.
        let otherRule = loss(
          Array(logits[...index]), weights, batch.labels, ofProbabilities: mean == "logits")
        #expect(abs(otherRule - expected) > 1e-4 * expected)
        guard unmeasured == 2 else { continue }
        let byPosition = loss(
          Array(logits[...index]), [2, 4], batch.labels, ofProbabilities: mean != "logits")
        #expect(abs(byPosition - expected) > 1e-4 * expected)
      }
      #expect(sums.ensemble?.module == 3 && sums.count == 2 * measured.count - 1)
    }
  }

  /// The mean cross entropy of the mean of logits, or of probabilities.
  private func loss(
    _ logits: [[Double]], _ weights: [Double], _ labels: [Int], ofProbabilities: Bool
  ) -> Double {
    let classes = logits[0].count / labels.count
    func softmax(_ row: [Double]) -> [Double] {
      let sum = row.map { exp($0) }.reduce(0, +)
      return row.map { exp($0) / sum }
    }
    let losses = labels.enumerated().map { image, label in
      var mean = [Double](repeating: 0, count: classes)
      for (module, weight) in zip(logits, weights) {
        let row = Array(module[image * classes..<(image + 1) * classes])
        for (index, value) in (ofProbabilities ? softmax(row) : row).enumerated() {
          mean[index] += weight / weights.reduce(0, +) * value
        }
      }
      return -log((ofProbabilities ? mean : softmax(mean))[label])
    }
    return losses.reduce(0, +) / Double(labels.count)
  }

  /// Made-up images, and labels.
  private struct Batch {
    let floats: [Float]
    let labels: [Int]

    init(_ graph: Graph) {
      var random = SplitMix64(seed: 7)
      let shape = graph.shape(graph.images)
      floats = random.uniform(count: shape.elementCount).map { Float(3 * $0) }
      labels = (0..<shape.batch).map { _ in Int.random(in: 0..<5, using: &random) }
    }

    func run(_ program: Program, _ engine: Engine) {
      let numbers = labels.map { Int32($0) }
      engine.setBatch(images: floats.span, labels: numbers.span, for: program)
      engine.run(program, batch: labels.count)
    }

    /// Before a later node takes their place.
    func values(of id: ValueID, in program: Program, _ engine: Engine) -> [Double] {
      run(program.truncated(behind: id), engine)
      return engine.withValue(id, of: program) { values in values.indices.map { Double(values[$0]) } }
    }
  }

  @Test("a stage with frozen modules measures them once, behind its last epoch", arguments: [nil, 1])
  func depthEvaluations(unmeasured: Int?) throws {
    for strategy in ["sequential", "parallel", "asynchronous"] {
      let plan = try plan("logits", unmeasured: unmeasured, strategy: strategy)
      let stage = try #require(plan.stages.first)
      #expect(plan.stages.count == 1)
      #expect(stage.evaluation.graph.metrics.map(\.module) == [3])
      let measured = unmeasured == nil ? [1, 2, 3] : [2, 3]
      let metrics = try #require(stage.programs[.depthEvaluation]).graph.metrics
      #expect(metrics.filter { !$0.isEnsemble }.map(\.module) == measured)
      #expect(metrics.filter(\.isEnsemble).map(\.module) == Array(measured.dropFirst()))
    }
  }
}
