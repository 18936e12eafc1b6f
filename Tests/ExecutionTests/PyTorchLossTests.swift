import CompilerSupport
import Execution
import Planning
import TestSupport
import Testing

/// Three parallel steps of small nets of every kind against PyTorch in float64: losses, weights and
/// statistics.
@Suite("Every kind of net learns as in PyTorch")
struct PyTorchLossTests {
  @Test(arguments: LossFixture.all, ["strict", "fast"])
  func agrees(net: LossFixture, numerics: String) throws {
    let fixture = try Fixture(named: net.path)
    let plan = try DecodedSpec(net.text(numerics: numerics)).plan(images: 6)
    let engine = try Engine(plan.memoryMap)
    let stage = try #require(plan.stages.first)
    engine.initialize(stage.schedule.indices, in: stage.resident, seed: plan.training.seed)
    let entries = stage.resident.entries.filter { $0.value.category != .optimizer }
    #expect(entries.map(\.value.name).sorted() == fixture.names(under: "initial."))
    for entry in entries {
      let initial = try fixture.tensor("initial.\(entry.value.name)").floats
      engine.write(entry, from: 0, initial.span)
    }

    let losses = try train(stage, of: plan, net, fixture, on: engine)
    let expected = try fixture.tensor("loss.parallel")
    #expect(losses.map(\.count) == Array(repeating: plan.modules.count, count: expected.shape[0]))
    for (index, (actual, expected)) in zip(losses.flatMap { $0 }, expected.values).enumerated() {
      let (step, module) = index.quotientAndRemainder(dividingBy: plan.modules.count)
      #expect(
        abs(actual - expected) <= net.tolerance * expected,
        "step \(step + 1), module \(module + 1): \(actual), PyTorch's \(expected)")
    }
    for entry in entries {
      let name = entry.value.name
      var final = [Float](repeating: 0, count: entry.value.type.elementCount)
      var span = final.mutableSpan
      engine.read(entry, from: 0, into: &span)
      let error = relativeL2(final, try fixture.tensor("final.parallel.\(name)").values)
      // Biases in front of a batch norm included: their gradient is zero, and Adam would scale rounding up.
      #expect(error < 1e-5, "\(name) is off by \(error)")
    }
  }

  /// The mean loss by step, then module.
  private func train(
    _ stage: StagePlan, of plan: Plan, _ net: LossFixture, _ fixture: Fixture, on engine: Engine
  ) throws -> [[Double]] {
    let images = PyTorchLayouts.images(try fixture.tensor("images")).values.map { Float($0) }
    let labels = try fixture.tensor("labels").integers.map { Int32($0) }
    return try (1...fixture.tensor("loss.parallel").shape[0]).map { step in
      let clock = StepParameters(learningRate: net.learningRate, step: step)
      engine.setBatch(images: images.span, labels: labels.span, for: stage.training)
      engine.run(stage.training, batch: labels.count, clocks: plan.modules.map { _ in clock })
      var sums = stage.training.graph.metrics.map { MetricSums(module: $0.module) }
      engine.addMetrics(of: stage.training, images: labels.count, to: &sums)
      return sums.map(\.meanLoss)
    }
  }
}
