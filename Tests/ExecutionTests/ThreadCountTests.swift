import CompilerSupport
import CostModel
import Execution
import GraphIR
import Operators
import Planning
import Testing

/// Scratch, and with it what a budget makes of a plan, grows with the number of threads. Results must not hang on that.
@Suite("Plans for other numbers of threads")
struct ThreadCountTests {
  private func plan(
    _ spec: DecodedSpec, images: Int = 64, threads: Int, _ choose: (inout PlanChoices) -> Void = { _ in }
  ) throws -> Plan {
    var choices = PlanChoices()
    choose(&choices)
    return try spec.plan(threads: threads, images: images, choices: choices)
  }

  // MARK: - What outlives a step

  /// Parameters in the order in which they are updated.
  private func updates(_ graph: Graph) -> [String] {
    graph.nodes.compactMap { node in
      guard node.op.is(Update.self) else { return nil }
      return graph[node.operands[0]].name
    }
  }

  @Test("keep what outlives a step in the same places, in whatever order it is updated")
  func resident() throws {
    // The first module's backward pass makes the peak with scratch that grows with the number of threads.
    let spec = try DecodedSpec(
      """
      strata: 1
      name: staggered
      network: {family: vgg, input: 3x32x32, classes: 10, widths: [16, 16, 16, 12, 8], head: gap}
      downsampling: {kind: max-pool, before: [4]}
      training: {strategy: parallel, partition: {cuts: [4, 5]}, start: {every: 1}, epochs: 3, batch: 32, optimizer: adam}
      """)
    let natural = try plan(spec, threads: 1)
    var otherwiseUpdated = 0
    for share in 30...120 where otherwiseUpdated < 3 {
      for microBatch in [nil, 16] {
        let plans = try [1, 8, 64].map { threads in
          try plan(spec, threads: threads) {
            $0.microBatch = microBatch
            $0.recomputeAboveBytes = natural.arenaBytes * share / (microBatch == nil ? 100 : 200)
          }
        }
        for index in natural.stages.indices {
          let entries = plans.map { $0.stages[index].resident.entries }
          #expect(entries[1] == entries[0] && entries[2] == entries[0], "stage \(index + 1)")
          if Set(plans.map { updates($0.stages[index].training.graph) }).count > 1 { otherwiseUpdated += 1 }
        }
        // State of modules that learn on moves to the next stage, and must never have to change places.
        for (old, new) in zip(plans[2].stages, plans[2].stages.dropFirst()) {
          let names = [old, new].map { stage in
            stage.resident.entries.filter { $0.value.category == .optimizer }.map(\.value.name)
          }
          #expect(names[0].filter(names[1].contains) == names[1].filter(names[0].contains))
        }
      }
    }
    #expect(otherwiseUpdated > 0)
  }

  // MARK: - Little scratch

  private static let deep = """
    strata: 1
    name: little
    network: {family: resnet, input: 3x16x16, classes: 10, stem: {width: 16, kernel: 3, stride: 1}, stages: [{blocks: 2, width: 16}, {blocks: 1, width: 32}], head: gap}
    training: {strategy: sequential, epochs: 1, batch: 16, partition: {modules: 2}}
    memory: {features: cache}
    """

  /// How each convolution of a program is computed.
  private func algorithms(_ graph: Graph) -> [(place: ConvolutionPlace, algorithm: ConvolutionAlgorithm)] {
    graph.nodes.compactMap { node in
      guard let place = node.convolutionPlace(in: graph), let definition = node.convolutionOperator
      else { return nil }
      return (place, definition.convolution.algorithm)
    }
  }

  /// - Returns: how each convolution is computed, once for the whole plan.
  private func algorithms(_ plan: Plan) -> [ConvolutionPlace: ConvolutionAlgorithm] {
    var found: [ConvolutionPlace: ConvolutionAlgorithm] = [:]
    for program in plan.stages.flatMap(\.programs.allElements) + [plan.evaluation] {
      for (place, algorithm) in algorithms(program.graph) {
        #expect(found[place, default: algorithm] == algorithm, "\(place)")
        found[place] = algorithm
      }
    }
    return found
  }

  @Test(
    "compute a convolution in one way wherever it is computed, and again",
    arguments: ["sequential", "parallel"])
  func oneAlgorithm(strategy: String) throws {
    let spec = try DecodedSpec(Self.deep, sets: ["training.strategy=\(strategy)"])
    let natural = try plan(spec, threads: 2) { $0.features = .file }
    var (mixed, recomputed) = (0, 0)
    for limit in (1...8).map({ natural.arenaBytes * $0 / 8 }) {
      let plan = try plan(spec, threads: 2) {
        ($0.features, $0.scratch, $0.recomputeAboveBytes) = (.file, .small, limit)
      }
      #expect(plan.choices.scratchThreads == 2)
      let found = Set(algorithms(plan).filter { $0.key.geometry.kernelSize == 3 }.values)
      if found.contains(.im2col), found.count > 1 { mixed += 1 }
      recomputed += plan.stages.flatMap(\.training.graph.nodes).count {
        $0.op.is(Convolution.self) && $0.isRecomputed
      }
    }
    #expect(mixed > 2 && recomputed > 0)
  }

  @Test("take the same convolutions for large ones, and come to the same bits")
  func smallScratch() throws {
    let spec = try DecodedSpec(Self.deep)
    let natural = try plan(spec, threads: 2)
    /// A limit at which the number of threads that scratch is counted for makes a difference.
    var telling: Int?
    for limit in (2...12).map({ natural.arenaBytes * $0 / 8 }) {
      func plan(_ threads: Int, counted: Int?) throws -> Plan {
        try self.plan(spec, threads: threads) {
          ($0.features, $0.scratch, $0.recomputeAboveBytes) = (.recompute, .small, limit)
          $0.scratchThreads = counted
        }
      }
      let own = try [1, 8].map { algorithms(try plan($0, counted: nil)) }
      if own[0] != own[1] { telling = telling ?? limit }
      let kept = try [1, 2, 8].map { algorithms(try plan($0, counted: 2)) }
      #expect(kept[0] == kept[1] && kept[2] == kept[1], "\(limit)")
    }
    let limit = try #require(telling)
    let states = try [1, 3, 8].map { threads in
      try TrainedState(
        spec,
        try plan(spec, threads: threads) {
          ($0.scratch, $0.recomputeAboveBytes, $0.scratchThreads) = (.small, limit, 8)
        })
    }
    #expect(states[1] == states[0] && states[2] == states[0])
  }
}
