import CompilerSupport
import CostModel
import Datasets
import Execution
import GraphIR
import Planning
import Testing

/// Where the time of a training goes.
@Suite("Profiles")
struct ProfileTests {
  private static func spec(
    _ optimizer: String = "sgd", strategy: String = "parallel", sets: [String] = []
  ) throws -> DecodedSpec {
    try DecodedSpec(
      """
      strata: 1
      name: profiled
      data: {source: digits, limit: {train: 37, test: 20}}
      network: {family: vgg, widths: [8, 16], head: gap}
      downsampling: {kind: max-pool, before: [2]}
      auxiliary: {kind: cnn, k: 2}
      training:
        strategy: \(strategy)
        epochs: 1
        batch: 16
        optimizer: {kind: \(optimizer), learning-rate: 0.01}
      """, sets: sets)
  }

  private static let facts = DataFacts(trainCount: 37, testCount: 20, residentBytes: 0, fingerprint: nil)
  private static let dataset = Result { try Dataset(.digits, limit: DatasetLimit(train: 37, test: 20)) }

  /// Roofline of a billion multiply-adds, and of a billion bytes, a second.
  private static var roofline: Roofline {
    var profile = MachineProfile(processor: "", threads: 2, secondsPerCall: 0)
    let point = MachineProfile.Point(size: 1, rows: 1, secondsPerUnit: 1e-9)
    profile.add(point, of: .linear(.forward))
    profile.add(point, of: .sweep(.elementwise))
    return Roofline(profile, source: .profile)
  }

  /// A clock that ticks once whenever it is read.
  private static func recorder() -> ProfileRecorder {
    var time = 0.0
    return ProfileRecorder(model: nil, roofline: roofline) {
      time += 1
      return time
    }
  }

  private func step(_ spec: DecodedSpec, microBatch: Int?) throws -> (profile: Profile, plan: Plan) {
    var choices = PlanChoices()
    choices.microBatch = microBatch
    let plan = try spec.plan(facts: Self.facts, choices: choices)
    let engine = try Engine(plan.memoryMap)
    let benchmark = StepBenchmark(
      plan: plan, engine: engine, images: ImagePreparer(dataset: try Self.dataset.get(), seed: 1),
      now: { 0 })
    let recorder = Self.recorder()
    _ = try benchmark.run(plan.stages[0], steps: 3, warmUps: 1, recorder: recorder) { _ in }
    return (recorder.result(), plan)
  }

  @Test(
    "count the same products, whether a batch passes whole or in uneven pieces", arguments: ["sgd", "adam"])
  func pieces(optimizer: String) throws {
    let whole = try step(Self.spec(optimizer), microBatch: nil)
    let cut = try step(Self.spec(optimizer), microBatch: 7)
    #expect(whole.profile.stepCount == 3 && cut.profile.stepCount == 3)
    #expect(cut.plan.stages[0].training.graph.batch < 16)
    func products(_ profile: Profile) -> [String: Int] {
      Dictionary(
        profile.rows.filter { $0.figures.multiplyAdds > 0 }.map {
          // Which algorithm is taken depends on the batch.
          ("\($0.module) \($0.operation.prefix { $0 != "[" })", $0.figures.multiplyAdds)
        }, uniquingKeysWith: +)
    }
    let expected = whole.plan.stages[0].training.graph
    let total = expected.nodes.map { $0.productMultiplyAdds(in: expected) }.reduce(0, +)
    #expect(whole.profile.rows.map(\.figures.multiplyAdds).reduce(0, +) == 3 * total)
    #expect(products(whole.profile) == products(cut.profile))
    // Weights move once a step, over weights, gradient and all of the optimizer's state.
    for (profile, plan) in [whole, cut] {
      let states = optimizer == "sgd" ? 1 : 2
      let parameters = plan.resident.entries.filter { $0.value.category == .parameter }
        .map(\.value.type.byteCount).reduce(0, +)
      let updates = profile.rows.filter { $0.operation.contains(optimizer) }
      let moved = updates.map(\.figures.executed.byteCount).reduce(0, +)
      let once = 3 * parameters * (3 + 2 * states)
      if plan.choices.microBatch == nil || optimizer == "adam" {
        #expect(moved == once)
      } else {
        // Three pieces of a batch; two of them leave the weights alone.
        #expect(moved == once + 2 * 3 * parameters * 4)
      }
    }
  }

  @Test("know what the roofline allow, and give every tick of the clock to a node or to preparation")
  func figures() throws {
    let (profile, plan) = try step(Self.spec(), microBatch: nil)
    let graph = plan.stages[0].training.graph
    for row in profile.rows {
      let work = row.figures.executed
      let least = 1e-9 * Double(work.multiplyAdds) + 1e-9 * Double(work.byteCount)
      #expect(abs(row.figures.rooflineSeconds - least) < 1e-12, "\(row.operation)")
      #expect(row.figures.seconds == Double(3 * row.nodeCount))
    }
    #expect(profile.rows.map(\.nodeCount).reduce(0, +) == graph.nodes.count)
    #expect(profile.preparationSeconds == 3)
    let winograd = try #require(profile.rows.first { $0.operation.contains("winograd-4x4") })
    #expect(winograd.figures.multiplyAdds == 4 * winograd.figures.executed.multiplyAdds)
    let pool = try #require(profile.rows.first { $0.operation == "layers: max_pool[2x2 s2 p0]" })
    // 16 images of 8x8x8 to 4x4x8; nothing goes back through a module's first operation.
    #expect(pool.figures.executed.byteCount == 3 * 16 * (64 * 8 * 4 + 16 * 8 * 4))
  }

  @Test(
    "of whole trainings leave the weights as they are",
    arguments: ["parallel", "sequential", "asynchronous", "end-to-end"])
  func training(strategy: String) throws {
    let spec = try Self.spec(
      strategy: strategy,
      sets: strategy == "sequential" ? ["memory.features=cache", "training.epochs=2"] : [])
    // As the spec says of features; by themselves plans of tests keep none.
    let plan = try spec.plan(
      facts: Self.facts, choices: strategy == "sequential" ? nil : PlanChoices())
    let recorder = Self.recorder()
    let plain = try TrainedState(spec, plan)
    let recorded = try TrainedState(spec, plan, recorder: recorder)
    #expect(plain == recorded)
    let profile = recorder.result()
    let activities = Set(profile.rows.map(\.activity))
    #expect(activities.isSuperset(of: [.training, .evaluation]))
    #expect(activities.contains(.features) == plan.stages.contains { $0.features != nil })
    // Batches of 16, 16 and 5 images: a convolution of the first layer has met all 37 in every epoch.
    let images = 37 * plan.stages[0].epochs
    let first = try #require(
      profile.rows.first {
        $0.activity == .training && $0.operation.contains("convolution_weight_gradient[")
          && $0.operation.hasPrefix("layers: ")
          && $0.operation.contains("im2col")
      })
    #expect(first.module == 1 && first.figures.multiplyAdds == images * 64 * 9 * plan.input.channels * 8)
  }

  @Test("begin with roofline that leave nothing in the arena")
  func roofline() throws {
    let spec = try Self.spec()
    let plan = try spec.plan(facts: Self.facts)
    let engine = try Engine(plan.memoryMap)
    #expect(engine.measureRoofline().multiplyAddsPerSecond > 0)
    let graph = plan.stages[0].training.graph
    for value in graph.values.indices
    where graph.values[value].type.byteCount == 4 * graph.values[value].type.elementCount {
      let isClear = engine.withValue(ValueID(index: value), of: plan.stages[0].training) { floats in
        floats.indices.allSatisfy { floats[$0] == 0 }
      }
      #expect(isClear, "\(graph.values[value].name)")
    }
  }
}
