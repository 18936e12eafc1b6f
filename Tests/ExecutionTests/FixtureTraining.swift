import CompilerSupport
import Execution
import GraphIR
import Operators
import Planning
import TestSupport

/// What three steps of the engine make of a fixture's net, in the fixture's own terms.
struct FixtureTraining {
  /// By step, then module.
  private(set) var losses: [[Double]] = []
  /// Of the loss, by parameter's name, at its module's first step.
  private(set) var gradients: [String: [Double]] = [:]
  /// Parameters and running statistics at the end, by name.
  private(set) var final: [String: [Float]] = [:]
  /// By module: `[image, class]`, with the final weights and the running statistics.
  private(set) var logits: [[Float]] = []
  /// Losses and correct answers of the whole evaluation, by module; the ensemble's behind.
  private(set) var evaluation: [MetricSums] = []
  /// Tensors of frozen modules that a later stage changed.
  private(set) var movedWhileFrozen: [String] = []
  /// The convolutions' algorithms, in order of the stages' nodes.
  let algorithms: [String]

  private static let stepCount = 3
  private static let learningRate: Float = 0.1
  private static let weightDecay = 5e-4

  private let engine: Engine
  private let plan: Plan
  private let fixture: Fixture
  private let images: [Float]
  private let labels: [Int32]

  init(_ plan: Plan, _ fixture: Fixture) throws {
    self.plan = plan
    self.fixture = fixture
    engine = try Engine(plan.memoryMap)
    images = PyTorchLayouts.images(try fixture.tensor("images")).values.map { Float($0) }
    labels = try fixture.tensor("labels").integers.map { Int32($0) }
    algorithms = plan.stages.flatMap { stage in
      stage.training.graph.nodes.compactMap { $0.convolutionOperator?.convolution.algorithm.rawValue }
    }
    var previous: StagePlan?
    for stage in plan.stages {
      if let previous { engine.carryOptimizerState(from: previous.resident, to: stage.resident) }
      try train(stage)
      previous = stage
    }
    for entry in plan.resident.entries { final[entry.value.name] = read(entry) }
    logits = self.evaluatedLogits()
    evaluation = evaluate()
  }

  // MARK: - Training

  private mutating func train(_ stage: StagePlan) throws {
    let trained = stage.schedule.indices
    engine.initialize(trained, in: stage.resident, seed: plan.training.seed)
    for entry in stage.resident.entries
    where trained.contains(entry.value.module) && entry.value.category != .optimizer {
      let initial = try fixture.tensor("initial.\(entry.value.name)").floats
      engine.write(entry, from: 0, initial.span)
    }
    let frozen = stage.resident.entries.filter { !trained.contains($0.value.module) }
    let before = frozen.map(read)
    for step in 0..<Self.stepCount {
      let figures = self.step(stage, number: step + 1)
      if losses.count <= step { losses.append([]) }
      losses[step] += figures
      if step == 0 { try readGradients(stage) }
    }
    for (entry, old) in zip(frozen, before) where read(entry).map(\.bitPattern) != old.map(\.bitPattern) {
      movedWhileFrozen.append(entry.value.name)
    }
  }

  /// The mean loss of each trained module.
  private func step(_ stage: StagePlan, number: Int) -> [Double] {
    run(stage.training, clock: StepParameters(learningRate: Self.learningRate, step: number))
    var sums = stage.training.graph.metrics.map { MetricSums(module: $0.module) }
    engine.addMetrics(of: stage.training, images: labels.count, to: &sums)
    return sums.map(\.meanLoss)
  }

  private func run(_ program: Program, clock: StepParameters) {
    engine.setBatch(images: images.span, labels: labels.span, for: program)
    engine.run(program, batch: labels.count, clocks: plan.modules.map { _ in clock })
  }

  /// From the momentum: it starts at zero, so behind the first step it is the gradient and the decayed initial weight.
  private mutating func readGradients(_ stage: StagePlan) throws {
    let suffix = ".momentum"
    for entry in stage.resident.entries where entry.value.category == .optimizer {
      let name = String(entry.value.name.dropLast(suffix.count))
      let initial = try fixture.tensor("initial.\(name)").values
      gradients[name] = zip(read(entry), initial).map { Double($0) - Self.weightDecay * $1 }
    }
  }

  private func read(_ entry: ResidentLayout.Entry) -> [Float] {
    var numbers = [Float](repeating: 0, count: entry.value.type.elementCount)
    var span = numbers.mutableSpan
    engine.read(entry, from: 0, into: &span)
    return numbers
  }

  // MARK: - Evaluation

  private func evaluate() -> [MetricSums] {
    let program = plan.evaluation
    run(program, clock: .idle)
    var sums = program.graph.metrics.map { MetricSums(module: $0.module, isEnsemble: $0.isEnsemble) }
    engine.addMetrics(of: program, images: labels.count, to: &sums)
    return sums
  }

  /// Runs the evaluation up to each module's logits, which later nodes may overwrite.
  private func evaluatedLogits() -> [[Float]] {
    let graph = plan.evaluation.graph
    return graph.metrics.filter { !$0.isEnsemble }.map { metric in
      let program = plan.evaluation.truncated(behind: metric.logits)
      run(program, clock: .idle)
      let count = labels.count * graph.shape(metric.logits).channels
      return engine.withValue(metric.logits, of: program) { logits in
        (0..<count).map { logits[$0] }
      }
    }
  }
}

extension Program {
  /// The nodes up to the one that makes `value`, over the same memory.
  func truncated(behind value: ValueID) -> Program {
    var graph = graph
    guard let last = graph.nodes.firstIndex(where: { $0.results.contains(value) }) else {
      preconditionFailure("logits are computed")
    }
    graph.nodes = Array(graph.nodes[...last])
    graph.metrics = []
    return Program(
      graph: graph, offsets: offsets, scratch: graph.nodes.indices.map { scratch(ofNode: $0) ?? 0..<0 },
      arenaBytes: arenaBytes)
  }
}
