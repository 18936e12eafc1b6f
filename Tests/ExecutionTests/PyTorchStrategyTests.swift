import CompilerSupport
import Execution
import Planning
import TestSupport
import Testing

/// Ten steps of two modules in every strategy against PyTorch in float64, over five batches and two epochs of each module's
/// own, the learning rate halved behind the first.
@Suite("Every strategy learns as in PyTorch")
struct PyTorchStrategyTests {
  private static let stepsPerEpoch = 5
  private static let batch = 6
  private static let strategies = ["parallel", "sequential", "end-to-end", "asynchronous"]

  private let fixture: Fixture
  private let images: [[Float]]
  private let labels: [[Int32]]

  init() throws {
    fixture = try Fixture(named: "pytorch/strategies.safetensors")
    let stored = try fixture.tensor("images")
    let size = Self.batch * 3 * 8 * 8
    images = (0..<Self.stepsPerEpoch).map { step in
      let values = Array(stored.values[step * size..<(step + 1) * size])
      let batch = Fixture.Tensor(shape: [Self.batch, 3, 8, 8], values: values)
      return PyTorchLayouts.images(batch).values.map { Float($0) }
    }
    let all = try fixture.tensor("labels").integers.map { Int32($0) }
    labels = (0..<Self.stepsPerEpoch).map { Array(all[$0 * Self.batch..<($0 + 1) * Self.batch]) }
  }

  private func plan(_ strategy: String, _ numerics: String) throws -> Plan {
    try DecodedSpec(
      """
      strata: 1
      name: strategies
      data: {source: synthetic}
      network: {family: vgg, input: 3x8x8, classes: 10, widths: [8, 12], head: {kind: mlp, hidden: [16, 16]}}
      downsampling: {kind: max-pool, before: [2]}
      auxiliary: {kind: mlp-sr, convolutions: 1, hidden: 1}
      numerics: \(numerics)
      training:
        strategy: \(strategy)
        epochs: 2
        batch: \(Self.batch)
        optimizer: {kind: sgd, learning-rate: 0.1, momentum: 0.9, weight-decay: 5e-4}
        schedule: {kind: step, every: 1, factor: 0.5}
        asynchronous: {buffer: 3, slow: {module: 2, by: 1.6}}
      """
    ).plan(images: Self.stepsPerEpoch * Self.batch)
  }

  /// An engine with the fixture's weights in the places of a stage.
  private func start(_ modules: [Int], of stage: StagePlan, on engine: Engine) throws {
    engine.initialize(modules, in: stage.resident, seed: 1)
    for entry in stage.resident.entries where modules.contains(entry.value.module) {
      switch entry.value.category {
      case .parameter, .statistics:
        engine.write(entry, from: 0, try fixture.tensor("initial.\(entry.value.name)").floats.span)
      case .batch, .gradient, .optimizer, .activation, .replay, .accumulator: break
      }
    }
  }

  private func clock(_ plan: Plan, module: Int, step: Int) -> StepParameters {
    let epoch = step / Self.stepsPerEpoch + 1
    return StepParameters(
      learningRate: Float(plan.training.learningRate(module: module, epoch: epoch)), step: step + 1)
  }

  @Test(arguments: strategies, ["strict", "fast"])
  func agrees(strategy: String, numerics: String) throws {
    let plan = try plan(strategy, numerics)
    let engine = try Engine(plan.memoryMap)
    let losses: [[Double]]
    if strategy == "asynchronous" {
      losses = try trainAsynchronously(plan, engine)
    } else {
      losses = try trainStages(plan, engine)
    }
    let expected = try fixture.tensor("loss.\(strategy)")
    #expect([10, losses.count] == expected.shape)
    for (module, column) in losses.enumerated() {
      #expect(column.count == 10)
      for (step, loss) in column.enumerated() {
        let expected = expected.values[step * losses.count + module]
        #expect(
          abs(loss - expected) <= 2e-5 * expected,
          "module \(module + 1), step \(step + 1): \(loss), PyTorch's \(expected)")
      }
    }
    for entry in plan.resident.entries {
      var final = [Float](repeating: 0, count: entry.value.type.elementCount)
      var span = final.mutableSpan
      engine.read(entry, from: 0, into: &span)
      let error = relativeL2(
        final, try fixture.tensor("final.\(strategy).\(entry.value.name)").values)
      #expect(error < 1e-4, "\(entry.value.name) is off by \(error)")
    }
  }

  /// Losses by module, then step.
  private func trainStages(_ plan: Plan, _ engine: Engine) throws -> [[Double]] {
    var losses = plan.modules.map { _ in [Double]() }
    var before: StagePlan?
    for stage in plan.stages {
      if let before { engine.carryOptimizerState(from: before.resident, to: stage.resident) }
      try start(stage.schedule.modules.filter { $0.firstEpoch == 1 }.map(\.index), of: stage, on: engine)
      for step in 0..<stage.epochs * Self.stepsPerEpoch {
        let place = step % Self.stepsPerEpoch
        let (images, labels) = (images[place], labels[place])
        engine.setBatch(images: images.span, labels: labels.span, for: stage.training)
        engine.run(
          stage.training, batch: Self.batch,
          clocks: plan.modules.map { clock(plan, module: $0.index, step: step) })
        var sums = stage.training.graph.metrics.map { MetricSums(module: $0.module) }
        engine.addMetrics(of: stage.training, images: Self.batch, to: &sums)
        for sum in sums { losses[sum.module - 1].append(sum.meanLoss) }
      }
      before = stage
    }
    return losses
  }

  private func trainAsynchronously(_ plan: Plan, _ engine: Engine) throws -> [[Double]] {
    let stage = try #require(plan.stages.first)
    let feeding = try #require(stage.programs[.feeding])
    try start([1, 2], of: stage, on: engine)
    var simulation = ReplaySimulation(plan.training, stepsPerEpoch: Self.stepsPerEpoch)
    var losses = plan.modules.map { _ in [Double]() }
    var events: [[Int]] = []
    while let event = simulation.next() {
      events.append([
        event.module, event.batch, event.slotRead ?? -1, event.slotWritten ?? -1,
        event.learning == nil ? 0 : 1,
      ])
      let program = event.learning == nil ? feeding : stage.training
      if event.slotRead == nil {
        let place = event.batch % Self.stepsPerEpoch
        let (images, labels) = (images[place], labels[place])
        engine.setBatch(images: images.span, labels: labels.span, for: program)
      }
      var clock = clock(plan, module: event.module, step: losses[event.module - 1].count)
      clock.slotRead = event.slotRead ?? 0
      clock.slotWritten = event.slotWritten ?? 0
      engine.run(program, modules: event.module...event.module, batch: Self.batch, clock: clock)
      if event.learning != nil {
        var sums = MetricSums(module: event.module)
        engine.addMetrics(of: program, module: event.module, images: Self.batch, to: &sums)
        losses[event.module - 1].append(sums.meanLoss)
      }
    }
    // Whose turn it was, what it read and where it wrote: as another implementation of rules and random numbers has it.
    #expect(events.flatMap { $0 } == (try fixture.tensor("events.asynchronous").integers))
    return losses
  }
}
