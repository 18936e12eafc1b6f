import CompilerSupport
import Execution
import GraphIR
import Planning
import TestSupport
import Testing

/// What a plan chooses for its budget changes the memory, and the training only as far as it says.
@Suite("Choices of a plan, executed")
struct ChoicesTests {
  private func plan(
    _ spec: DecodedSpec, images: Int, threads: Int = 2, _ choose: (inout PlanChoices) -> Void
  ) throws -> Plan {
    var choices = PlanChoices()
    choose(&choices)
    return try spec.plan(threads: threads, images: images, choices: choices)
  }

  @Test("values that are computed again are the same bits", arguments: 0..<16)
  func recomputing(seed: Int) throws {
    let random = RandomSpec(seed: 300 + seed, size: .run)
    let spec = try DecodedSpec(random.text, sets: ["training.epochs=1"])
    let kept = try plan(spec, images: random.images) { _ in }
    let recomputed = try plan(spec, images: random.images, threads: 1 + seed % 3) {
      $0.recomputeAboveBytes = 1
    }
    let (before, after) = (try TrainedState(spec, kept), try TrainedState(spec, recomputed))
    #expect(before == after, "seed \(seed):\n\(random.text)")
  }

  /// Deep enough that whole chains are made again.
  @Test(arguments: ["parallel", "sequential", "end-to-end"])
  func chains(strategy: String) throws {
    let spec = try DecodedSpec(
      """
      strata: 1
      name: chains
      network:
        family: resnet
        input: 3x16x16
        stem: {width: 8, pool: max}
        stages: [{blocks: 3, width: 8}, {blocks: 2, width: 12}]
      training: {strategy: \(strategy), epochs: 2, batch: 8, partition: {modules: 2}}
      """)
    let kept = try plan(spec, images: 20) { _ in }
    let recomputed = try plan(spec, images: 20) { $0.recomputeAboveBytes = 1 }
    let count = recomputed.stages.map { $0.training.graph.nodes.count { $0.isRecomputed } }.max() ?? 0
    #expect(count > 3)
    #expect(recomputed.arenaBytes < kept.arenaBytes)
    #expect(try TrainedState(spec, kept) == TrainedState(spec, recomputed))
  }

  private static let plainNet = """
    strata: 1
    name: pieces
    network: {family: vgg, input: 3x8x8, widths: [6, 8, 8], batch-norm: false, head: gap}
    downsampling: {kind: max-pool, before: [2, 3]}
    auxiliary: {kind: mlp-sr, convolutions: 1, hidden: 1}
    training: {strategy: parallel, epochs: 2, batch: 16, optimizer: {learning-rate: 0.05}}
    """

  @Test(
    "pieces of a batch add up to the batch", arguments: ["parallel", "sequential", "end-to-end"],
    [16, 7, 5, 1])
  func pieces(strategy: String, microBatch: Int) throws {
    for optimizer in [
      "sgd", "{kind: sgd, nesterov: true, learning-rate: 0.02}", "{kind: adam, epsilon: 1e-3}",
    ] {
      let spec = try DecodedSpec(
        Self.plainNet, sets: ["training.strategy=\(strategy)", "training.optimizer=\(optimizer)"])
      // 43 images: two whole batches, and one of 11.
      let whole = try TrainedState(spec, try plan(spec, images: 43) { _ in })
      let inPieces = try TrainedState(spec, try plan(spec, images: 43) { $0.microBatch = microBatch })
      let distance = inPieces.largestDistance(from: whole)
      #expect(distance < 2e-4, "\(optimizer): \(distance)")
      for (loss, other) in zip(inPieces.losses, whole.losses) { #expect(abs(loss - other) < 1e-4 * other) }
    }
  }

  @Test(
    "pieces of a batch give the same bits for any number of threads, with batch norm and recomputed values")
  func threads() throws {
    let spec = try DecodedSpec(Self.plainNet, sets: ["network.batch-norm=true"])
    let states = try [1, 2, 3].map { threads in
      try TrainedState(
        spec,
        try plan(spec, images: 43, threads: threads) {
          $0.microBatch = 5
          $0.recomputeAboveBytes = 1
        })
    }
    #expect(states[0] == states[1] && states[1] == states[2])
  }

  @Test("convolutions of little scratch differ by rounding alone")
  func smallScratch() throws {
    let spec = try DecodedSpec(Self.plainNet, sets: ["network.widths=[16, 16, 16]", "network.input=3x16x16"])
    let fast = try plan(spec, images: 32) { _ in }
    let small = try plan(spec, images: 32) {
      $0.recomputeAboveBytes = 1
      $0.scratch = .small
    }
    #expect(small.arenaBytes < fast.arenaBytes)
    #expect(small.stages[0].training.graph != fast.stages[0].training.graph)
    let distance = try TrainedState(spec, small).largestDistance(from: TrainedState(spec, fast))
    #expect(distance > 0 && distance < 1e-3, "\(distance)")
  }

  @Test("evaluation on fewer images at once is the same training", arguments: ["parallel", "sequential"])
  func forwardPieces(strategy: String) throws {
    let spec = try DecodedSpec(
      Self.plainNet, sets: ["training.strategy=\(strategy)", "network.batch-norm=true"])
    let whole = try TrainedState(spec, try plan(spec, images: 43) { _ in })
    let inPieces = try TrainedState(spec, try plan(spec, images: 43) { $0.forwardBatch = 5 })
    #expect(inPieces.tensors == whole.tensors)
    for (loss, other) in zip(inPieces.losses, whole.losses) { #expect(abs(loss - other) < 1e-5 * other) }
  }

  @Test("features made of fewer images at once are the same up to rounding")
  func featurePieces() throws {
    let spec = try DecodedSpec(Self.plainNet, sets: ["training.strategy=sequential"])
    let states = try [nil, 3, 1].map { forwardBatch in
      let plan = try plan(spec, images: 43) {
        ($0.features, $0.featureStages, $0.forwardBatch) = (.memory, .all, forwardBatch)
      }
      #expect(plan.stages.dropFirst().allSatisfy { $0.features != nil })
      return try TrainedState(spec, plan)
    }
    for state in states.dropFirst() { #expect(state.largestDistance(from: states[0]) < 1e-4) }
  }

  /// Statistics are a piece's: the first piece alone decides what it is normalised with.
  @Test("with batch norm, a batch in pieces is not the batch")
  func statistics() throws {
    let spec = try DecodedSpec(Self.plainNet, sets: ["network.batch-norm=true", "training.epochs=1"])
    let whole = try TrainedState(spec, try plan(spec, images: 32) { _ in })
    let inPieces = try TrainedState(spec, try plan(spec, images: 32) { $0.microBatch = 8 })
    #expect(inPieces.largestDistance(from: whole) > 1e-3)
  }

  @Test("a batch is cut evenly")
  func cuts() {
    var choices = PlanChoices()
    choices.microBatch = 48
    let pieces = choices.pieces
    #expect((0..<pieces.count(of: 128)).map { pieces.piece($0, of: 128) } == [0..<43, 43..<86, 86..<128])
    #expect(pieces.count(of: 48) == 1 && pieces.count(of: 49) == 2)
    #expect(pieces.piece(1, of: 49) == 25..<49)
  }
}
