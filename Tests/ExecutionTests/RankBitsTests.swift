import CompilerSupport
import Datasets
import Execution
import Planning
import Testing

/// A plan's ranks as engines of their own, batches copied from the send buffers of one to the receive buffers of the next.
private struct CopiedRanks {
  let ranks: [RankPlan]
  let engines: [Engine]
  private let plan: Plan

  init(_ plan: Plan) throws {
    self.plan = plan
    let ranks = plan.ranks?.ranks ?? []
    self.ranks = ranks
    engines = try ranks.map { rank in
      let engine = try Engine(plan.ofRank(rank).memoryMap)
      engine.initialize(Array(rank.modules), in: rank.stage.resident, seed: 1)
      return engine
    }
  }

  /// One tick of the pipeline: each rank works on the batch behind the one that the next rank has.
  func tick(_ tick: Int, steps: Int, _ prepare: (Engine, Program, Int) -> Void) {
    for (rank, engine) in zip(ranks, engines) {
      let step = tick - rank.rank
      guard (0..<steps).contains(step) else { continue }
      if rank.rank == 0 { prepare(engine, rank.stage.training, step) }
      engine.run(rank.stage.training, batch: plan.training.batch, clocks: clocks(step, plan))
    }
    for (index, rank) in ranks.dropLast().enumerated() {
      let step = tick - rank.rank
      guard (0..<steps).contains(step) else { continue }
      for what in ["features", "labels"] {
        let module = rank.modules.upperBound
        let source = rank.stage.resident.entry("send.\(module).\(what)")
        let target = ranks[index + 1].stage.resident.entry("receive.\(module).\(what)")
        let slotBytes = source.value.type.byteCount / RankedPlan.buffersPerLink
        let start = step % RankedPlan.buffersPerLink * slotBytes
        let bytes = engines[index].withBytes(of: source) { span in
          span.withUnsafeBytes { [UInt8]($0[start..<start + slotBytes]) }
        }
        engines[index + 1].withMutableBytes(of: target) { span in
          span.withUnsafeMutableBytes {
            UnsafeMutableRawBufferPointer(rebasing: $0[start..<start + slotBytes]).copyBytes(from: bytes)
          }
        }
      }
    }
  }
}

private func clocks(_ step: Int, _ plan: Plan) -> [StepParameters] {
  plan.training.modules.map { _ in
    var clock = StepParameters(learningRate: 0.05, step: step + 1)
    clock.slotRead = step % RankedPlan.buffersPerLink
    clock.slotWritten = step % RankedPlan.buffersPerLink
    return clock
  }
}

@Suite("Ranks against one process")
struct RankBitsTests {
  private static let vgg = """
    network: {family: vgg, widths: [8, 12, 16, 16], head: gap}
    downsampling: {kind: max-pool, before: [2]}
    auxiliary: {kind: mlp-sr, convolutions: 1, hidden: 1}
    """
  private static let resnet = """
    network: {family: resnet, stages: [{blocks: 1, width: 8}, {blocks: 2, width: 12}]}
    auxiliary: {kind: cnn, k: 2, width: same}
    """

  @Test(
    "train to the same bits, with two buffers a link",
    arguments: [vgg, resnet], [(2, 1), (3, 2), (4, 1)])
  func bits(network: String, run: (count: Int, threads: Int)) throws {
    let decoded = try DecodedSpec(
      """
      strata: 1
      name: ranked
      data: {source: digits, limit: {train: 160, test: 20}}
      \(network)
      training: {strategy: parallel, epochs: 1, batch: 20}
      """)
    let dataset = try Dataset(.digits, limit: DatasetLimit(train: 160, test: 20))
    let images = ImagePreparer(dataset: dataset, seed: 1)
    let facts = DataFacts(trainCount: 160, testCount: 20, residentBytes: 0, fingerprint: nil)
    let plan = try decoded.ranked(run.count, threads: run.threads, facts: facts)
    let steps = 6
    func prepare(_ engine: Engine, _ program: Program, _ step: Int) {
      let indices = (0..<20).map { Int32(step * 20 + $0) }
      engine.prepare(images, split: .train, indices: indices.span, epoch: 1, for: program)
    }
    let stage = plan.stages[0]
    let one = try Engine(plan.memoryMap)
    one.initialize(Array(1...plan.modules.count), in: stage.resident, seed: 1)
    for step in 0..<steps {
      prepare(one, stage.training, step)
      one.run(stage.training, batch: 20, clocks: clocks(step, plan))
    }
    let ranks = try CopiedRanks(plan)
    for tick in 0..<steps + run.count - 1 {
      ranks.tick(tick, steps: steps, prepare)
    }
    var compared = 0
    for (rank, engine) in zip(ranks.ranks, ranks.engines) {
      for entry in rank.stage.resident.entries where entry.value.category != .replay {
        let other = stage.resident.entry(entry.value.name)
        let (mine, theirs) = (bytes(entry, engine), bytes(other, one))
        #expect(mine == theirs, "\(entry.value.name)")
        compared += 1
      }
    }
    #expect(compared == stage.resident.entries.count)
  }

  private func bytes(_ entry: ResidentLayout.Entry, _ engine: Engine) -> [UInt8] {
    engine.withBytes(of: entry) { span in span.withUnsafeBytes { [UInt8]($0) } }
  }
}
