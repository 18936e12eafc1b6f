import CompilerSupport
import Execution
import GraphIR
import Operators
import Planning
import TestSupport
import Testing

/// One training step of nets that are drawn from seeds, against the same nets in Double: losses, running statistics, and
/// gradients by central differences; then their evaluation.
@Suite("Training steps of random specs")
struct RandomTrainingTests {
  @Test(arguments: 0..<20)
  func random(seed: Int) throws {
    let random = RandomSpec(seed: 1000 + seed, size: .run)
    try expectAgreement(random.text, images: random.images, seed: seed)
  }

  /// One turn of every module, each on what the one before it has just passed on: as weights do not move, that is a parallel step.
  @Test(arguments: 0..<12)
  func asynchronous(seed: Int) throws {
    let random = RandomSpec(seed: 2000 + seed, size: .run, strategy: "asynchronous")
    try expectAgreement(random.text, images: random.images, seed: seed)
  }

  /// What is too rare to be drawn.
  @Test(arguments: [
    // The auxiliary's pool changes nothing: its batch norm reads the layer's ReLU.
    """
    network: {family: vgg, input: 3x2x2, widths: [6, 5], batch-norm: [false, true]}
    auxiliary: linear
    """,
    // The head's: two values of one image, and batch norm between two layers of one module.
    """
    network: {family: vgg, input: 3x4x4, widths: [6, 5, 4], kernel: [5, 1, 3], bias: [true, false, true], head: gap}
    downsampling: {kind: stride, before: [1]}
    """,
    // ReLU's mask is taken behind the pool.
    """
    network: {family: vgg, input: 3x8x8, widths: [6, 5, 4], batch-norm: false, head: gap}
    downsampling: {kind: max-pool, before: [2, 3]}
    """,
    """
    network: {family: vgg, input: 3x18x10, widths: [6]}
    auxiliary: vgg
    """,
    """
    network:
      family: resnet
      input: 3x8x8
      block: bottleneck
      shortcut: zero-pad
      bias: true
      stem: {width: 8, kernel: 5, stride: 2, pool: max}
      stages: [{blocks: 2, width: 2}, {blocks: 1, width: 3}]
      head: gap
    """,
    """
    network: {family: resnet, input: 3x8x8, batch-norm: false, stages: [{blocks: 2, width: 4}, {blocks: 1, width: 6}]}
    auxiliary: {kind: cnn, k: 2, loss: predsim}
    downsampling: {kind: invertible, before: [1, 3]}
    """,
    """
    network: {family: resnet, input: 3x8x8, head: gap, stages: [{blocks: 1, width: 4, kernel: 1}, {blocks: 2, width: 6, kernel: 5}]}
    auxiliary: linear
    """,
    """
    network:
      family: resnet
      input: 3x8x8
      block: bottleneck
      stages: [{blocks: 1, width: 3, kernel: 5}, {blocks: 1, width: 4, kernel: 1}]
    """,
    // Sides that are odd: pools leave the last row and column out, strides take them.
    """
    network: {family: vgg, input: 3x7x9, widths: [6, 5, 4], head: gap}
    downsampling: {kind: max-pool, before: [2, 3]}
    """,
    """
    network: {family: vgg, input: 3x9x7, widths: [9, 5, 4], batch-norm: false, head: gap}
    downsampling: {kind: average-pool, before: [1, 3]}
    """,
    """
    network: {family: vgg, input: 2x9x7, widths: [6, 8, 4], kernel: [3, 5, 1], head: {kind: linear, pool: 1}}
    downsampling: {before: [{at: 1, kind: stride}, {at: 2, kind: average-pool}, {at: 3, kind: stride}]}
    auxiliary: {kind: cnn, k: 2}
    """,
    """
    network:
      family: resnet
      input: 3x13x11
      stem: {width: 4, kernel: 5, stride: 2, pool: max}
      stages: [{blocks: 1, width: 4}, {blocks: 2, width: 6}]
      head: gap
    auxiliary: linear
    """,
    """
    network: {family: resnet, input: 2x7x5, block: bottleneck, shortcut: zero-pad, stages: [{blocks: 1, width: 2}, {blocks: 1, width: 3}], head: gap}
    auxiliary: {kind: mlp-sr, convolutions: 1, hidden: 0, loss: predsim}
    """,
    """
    network: {family: resnet, input: 2x7x5, stages: [{blocks: 2, width: 4}, {blocks: 1, width: 5}], head: gap}
    downsampling: {kind: average-pool, before: [2, {at: 3, kind: max-pool}]}
    auxiliary: linear
    """,
    """
    network: {family: vgg, input: 1x6x4, widths: [5, 3, 6], classes: 4}
    auxiliary: {kind: mlp, hidden: 1, loss: sim, overrides: [{module: 2, kind: linear, pool: 3}]}
    """,
  ])
  func corner(sections: String) throws {
    for (seed, strategy) in ["parallel", "sequential", "end-to-end", "asynchronous"].enumerated() {
      let text = "strata: 1\nname: corner\n\(sections)\ntraining: {batch: 5, strategy: \(strategy)}\n"
      try expectAgreement(text, images: 10, seed: seed)
    }
  }

  /// Behind a narrowed layer, and of an auxiliary alone.
  @Test(arguments: [
    """
    network: {family: vgg, input: 3x8x8, widths: [6, 5, 7]}
    auxiliary: {kind: cnn, k: 2}
    downsampling: {kind: invertible, before: [2]}
    compression: {width: [4, 5, 3], epochs: 1}
    """,
    """
    network: {family: vgg, input: 3x6x6, widths: [6, 7], batch-norm: false, head: gap}
    auxiliary: {kind: mlp-sr, convolutions: 1, hidden: 1, loss: predsim}
    compression: {width: 3, epochs: 1, fine-tune: module, criterion: activation}
    """,
    """
    network: {family: vgg, input: 3x8x8, widths: [6, 7]}
    auxiliary: linear
    downsampling: {kind: max-pool, before: [2]}
    compression: {width: 2, epochs: 1, criterion: weight-norm}
    """,
  ])
  func narrowed(sections: String) throws {
    let text = "strata: 1\nname: narrowed\n\(sections)\ntraining: {batch: 5, strategy: sequential}\n"
    for seed in 0..<3 { try expectAgreement(text, images: 10, seed: seed) }
  }

  private func expectAgreement(_ text: String, images: Int, seed: Int) throws {
    // With momentum 0 and no decay the velocity behind a step is the gradient.
    let spec = try DecodedSpec(
      text, sets: ["training.optimizer={kind: sgd, momentum: 0, weight-decay: 0}", "training.epochs=1"])
    let plan = try spec.plan(threads: 1 + seed % 3, images: images)
    let forward = try spec.graphs(after: "stage").filter { !$0.title.hasSuffix(", feeding") }.map(\.graph)
    let dumps = try spec.graphs(after: "evaluation")
    let measured = dumps.filter { $0.title.hasSuffix(", evaluation") }.map(\.graph)
    let depths = dumps.filter { $0.title.hasSuffix(", evaluation of all depths") }
    try #require(forward.count == plan.stages.count && measured.count == plan.stages.count)
    #expect(depths.map(\.stage) == plan.stages.filter { $0.programs[.depthEvaluation] != nil }.map(\.index))
    let engine = try Engine(plan.memoryMap)
    for (index, stage) in plan.stages.enumerated() {
      let trial = StageTrial(
        plan: plan, engine: engine, stage: stage, forward: forward[index], evaluation: measured[index],
        depthEvaluation: depths.first { $0.stage == stage.index }?.graph, seed: seed, text: text)
      trial.expectAgreement()
    }
  }
}

/// One stage, from random parameters and statistics.
private struct StageTrial {
  let plan: Plan
  let engine: Engine
  let stage: StagePlan
  let forward, evaluation: Graph
  let depthEvaluation: Graph?
  let seed: Int
  let text: String

  private var place: Comment { "seed \(seed), stage \(stage.index):\n\(text)" }

  func expectAgreement() {
    // Numbers near a kink or a tie could take another branch in Float: others are drawn then, until they keep well away, or as well as
    // any that were drawn where a network has so many numbers that some are always near.
    var best: (reference: ReferenceProgram, batch: Batch, random: SplitMix64)?
    for attempt in 0..<50 {
      var random = SplitMix64(seed: UInt64(1_000_000 * attempt + seed))
      let batch = self.batch(&random)
      var reference = ReferenceProgram(
        forward, tensors: tensors(&random), images: batch.images, labels: batch.labels)
      reference.run(modules: modules(of: forward))
      if reference.margin > best?.reference.margin ?? 1e-5 { best = (reference, batch, random) }
      if let margin = best?.reference.margin, margin > 2e-4 || attempt >= 10 { break }
    }
    guard let (reference, batch, drawn) = best else {
      Issue.record("no numbers away from every kink: \(place)")
      return
    }
    var random = drawn
    write(reference.tensors)
    expectMetrics(run(stage.training, batch), of: stage.training, forward, reference)
    expectStatistics(reference)
    for module in stage.schedule.indices { expectGradients(module, reference, &random) }
    expectEvaluation(batch)
  }

  private func modules(of graph: Graph) -> [Int] { Array(1...(graph.nodes.map(\.module).max() ?? 1)) }

  // MARK: - Numbers

  private struct Batch {
    var images: Images
    var labels: [Int]
  }

  private func batch(_ random: inout SplitMix64) -> Batch {
    let shape = forward.shape(forward.images)
    let classes = forward.shape(forward.metrics[0].logits).channels
    return Batch(
      images: Images(
        batch: shape.batch, height: shape.height, width: shape.width, channels: shape.channels,
        values: random.uniform(count: shape.elementCount)),
      labels: (0..<shape.batch).map { _ in Int.random(in: 0..<classes, using: &random) })
  }

  /// In the engine's layouts, small enough that activations neither die nor explode.
  private func tensors(_ random: inout SplitMix64) -> [String: [Double]] {
    var tensors: [String: [Double]] = [:]
    for entry in stage.resident.entries {
      let name = entry.value.name
      let count = entry.value.type.elementCount
      switch (entry.value.category, entry.value.type.extent) {
      case (.optimizer, _), (.replay, _): continue
      case (.statistics, _):
        let isVariance = name.hasSuffix("running_var")
        tensors[name] = random.uniform(count: count, in: isVariance ? 0.5...1.5 : -0.5...0.5)
      case (_, .filter(let kernelSize, let inChannels, _)):
        let bound = 1.5 / Double(kernelSize * kernelSize * inChannels).squareRoot()
        tensors[name] = random.uniform(count: count, in: -bound...bound)
      case (_, .matrix(_, let height, let width, let channels)):
        let bound = 1.5 / Double(height * width * channels).squareRoot()
        tensors[name] = random.uniform(count: count, in: -bound...bound)
      case _:
        let isScale = name.hasSuffix(".weight")
        tensors[name] = random.uniform(count: count, in: isScale ? 0.5...1.5 : -0.5...0.5)
      }
    }
    return tensors
  }

  // MARK: - The engine

  private func write(_ tensors: [String: [Double]]) {
    // Clears the optimizer's state, too.
    engine.initialize(Array(1...stage.schedule.lastModule), in: stage.resident, seed: plan.training.seed)
    for entry in stage.resident.entries {
      guard let numbers = tensors[entry.value.name] else { continue }
      let theirs = pyTorch(numbers.map { Float($0) }, entry)
      engine.write(entry, from: 0, theirs.span)
    }
  }

  private func read(_ entry: ResidentLayout.Entry) -> [Float] {
    var numbers = [Float](repeating: .nan, count: entry.value.type.elementCount)
    var span = numbers.mutableSpan
    engine.read(entry, from: 0, into: &span)
    let theirs = numbers
    var index = 0
    PyTorchLayout(entry.value.type).forEachElement(in: 0..<theirs.count) { ours in
      numbers[ours] = theirs[index]
      index += 1
    }
    return numbers
  }

  /// From the engine's layout to PyTorch's, which it is written in.
  private func pyTorch(_ numbers: [Float], _ entry: ResidentLayout.Entry) -> [Float] {
    var theirs: [Float] = []
    PyTorchLayout(entry.value.type).forEachElement(in: 0..<numbers.count) { theirs.append(numbers[$0]) }
    return theirs
  }

  /// - Returns: the program's metrics.
  private func run(_ program: Program, _ batch: Batch) -> [MetricSums] {
    let images = batch.images.floats
    let labels = batch.labels.map { Int32($0) }
    engine.setBatch(images: images.span, labels: labels.span, for: program)
    // Rate 0: the weights stay.
    let clock = StepParameters(learningRate: 0, step: 1)
    var sums = program.graph.metrics.map { MetricSums(module: $0.module) }
    guard stage.programs[.feeding] != nil, program.graph.nodes.contains(where: { $0.op.is(RingWrite.self) })
    else {
      engine.run(
        program, batch: batch.labels.count,
        clocks: [StepParameters](repeating: clock, count: plan.modules.count)
      )
      engine.addMetrics(of: program, images: batch.labels.count, to: &sums)
      return sums
    }
    // One after the other: they may share their memory.
    for (index, module) in sums.map(\.module).enumerated() {
      engine.run(program, modules: module...module, batch: batch.labels.count, clock: clock)
      engine.addMetrics(of: program, module: module, images: batch.labels.count, to: &sums[index])
    }
    return sums
  }

  // MARK: - Expectations

  private func expectMetrics(
    _ sums: [MetricSums], of program: Program, _ graph: Graph, _ reference: ReferenceProgram
  ) {
    #expect(program.graph.metrics.map(\.module) == graph.metrics.map(\.module))
    #expect(program.graph.metrics.map(\.isEnsemble) == graph.metrics.map(\.isEnsemble))
    for (sum, metric) in zip(sums, graph.metrics) {
      let expected = reference.losses[metric.value] ?? .nan
      #expect(
        abs(sum.meanLoss - expected) <= 1e-4 * abs(expected) + 1e-6,
        "module \(metric.module): \(sum.meanLoss), in Double \(expected); \(place)")
      #expect(sum.top1Count == reference.top1[metric.value], "module \(metric.module); \(place)")
    }
  }

  private func expectStatistics(_ reference: ReferenceProgram) {
    for entry in stage.resident.entries where entry.value.category == .statistics {
      let name = entry.value.name
      // Those of frozen modules stay as they were.
      let expected = reference.movedStatistics[name] ?? reference.tensors[name] ?? []
      #expect(relativeL2(read(entry), expected) < 1e-4, "\(name); \(place)")
    }
  }

  /// A parameter's gradient by the engine, and its derivative along one direction by both.
  private struct Slope {
    var name: String
    var norm, along, difference: Double
  }

  /// Along one random direction a parameter: a derivative of the objective in Double against the gradient's share.
  private func expectGradients(_ module: Int, _ base: ReferenceProgram, _ random: inout SplitMix64) {
    var slopes: [Slope] = []
    for entry in stage.resident.entries
    where entry.value.category == .optimizer && entry.value.module == module {
      let gradient = read(entry).map { Double($0) }
      let direction = gradient.map { _ in Bool.random(using: &random) ? 1.0 : -1.0 }
      let name = String(entry.value.name.dropLast(".momentum".count))
      slopes.append(
        Slope(
          name: name, norm: innerProduct(gradient, gradient).squareRoot(),
          along: innerProduct(gradient, direction),
          difference: difference(name, along: direction, module, base)))
    }
    let largest = slopes.map(\.norm).max() ?? 0
    #expect(largest > 0, place)
    for slope in slopes {
      #expect(
        abs(slope.along - slope.difference) <= 2e-3 * slope.norm + 1e-5 * largest,
        "\(slope.name): \(slope.along) along the direction, in Double \(slope.difference); \(place)")
    }
  }

  /// The objective's central difference.
  private func difference(
    _ name: String, along direction: [Double], _ module: Int, _ base: ReferenceProgram
  ) -> Double {
    let h = 1e-6
    guard let tensor = base.tensors[name] else { return .nan }
    var objectives: [Double] = []
    for step in [h, -h] {
      var moved = base
      moved.tensors[name] = zip(tensor, direction).map { $0 + step * $1 }
      objectives.append(moved.run(modules: [module], watched: base.values))
    }
    return (objectives[0] - objectives[1]) / (2 * h)
  }

  private func expectEvaluation(_ batch: Batch) {
    var tensors: [String: [Double]] = [:]
    for entry in stage.resident.entries {
      guard entry.value.category != .optimizer, entry.value.category != .replay else { continue }
      tensors[entry.value.name] = read(entry).map { Double($0) }
    }
    expectEvaluation(by: stage.evaluation, evaluation, tensors, batch)
    if let program = stage.programs[.depthEvaluation], let graph = depthEvaluation {
      expectEvaluation(by: program, graph, tensors, batch)
    }
  }

  private func expectEvaluation(
    by program: Program, _ graph: Graph, _ tensors: [String: [Double]], _ batch: Batch
  ) {
    var reference = ReferenceProgram(
      graph, tensors: tensors, images: batch.images, labels: batch.labels,
      ensembleMean: text.contains("ensemble: probabilities") ? .probabilities : .logits)
    reference.run(modules: modules(of: graph))
    expectMetrics(run(program, batch), of: program, graph, reference)
  }
}
