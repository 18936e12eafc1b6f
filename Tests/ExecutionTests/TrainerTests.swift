import CompilerSupport
import Datasets
import Execution
import Planning
import Testing

/// A small net of two layers on some of the digits.
private struct Trained {
  /// Parameters and statistics by name, at the end.
  private(set) var tensors: [String: [Float]] = [:]
  /// Training figures, then test figures, epoch after epoch.
  private(set) var figures: [EpochFigures] = []
  private(set) var events: [String] = []
  private(set) var stepCounts: [Int] = []
  private(set) var frozen: [FrozenModules] = []

  static let images = 110

  /// - Parameter training: its lines, but for the batch of 40.
  init(_ training: [String], threads: Int = 2, stopAfterSteps: Int = .max) throws {
    let spec = try DecodedSpec(
      """
      strata: 1
      name: small
      data: {source: digits, augment: {pad-crop: 1}, limit: {train: \(Self.images), test: 30}}
      network: {family: vgg, widths: [6, 8]}
      auxiliary: linear
      downsampling: {kind: max-pool, before: [2]}
      training:
        batch: 40
        \(training.joined(separator: "\n  "))
      """)
    let dataset = try Dataset(.digits, limit: DatasetLimit(train: Self.images, test: 30))
    let plan = try spec.plan(
      threads: threads,
      facts: DataFacts(trainCount: Self.images, testCount: 30, residentBytes: 0, fingerprint: nil))
    let engine = try Engine(plan.memoryMap)
    let trainer = Trainer(
      plan: plan, engine: engine,
      images: ImagePreparer(
        dataset: dataset, augmentation: Augmentation(padCrop: 1, flipHorizontal: false), seed: 1),
      now: { 0 })
    var frozen: [FrozenModules] = []
    var (events, figures, stepCounts, steps) = ([String](), [EpochFigures](), [Int](), 0)
    _ = try trainer.run { event throws(ObserverFailure) in
      switch event {
      case .stageBegan(let stage): events.append("stage \(stage) began")
      case .frozenUnchanged(let modules): frozen.append(modules)
      case .stageEnded(let stage): events.append("stage \(stage) ended")
      case .narrowed(let report): events.append("module \(report.module) narrowed")
      case .stepEnded(let step):
        steps += 1
        stepCounts.append(step.position.sums[0].imageCount)
        if steps == stopAfterSteps { throw ObserverFailure(message: "enough") }
      case .epochEnded(let report):
        events.append("stage \(report.next.stage) epoch \(report.epoch)")
        figures += report.figures
      }
    }
    (self.events, self.figures, self.stepCounts, self.frozen) = (events, figures, stepCounts, frozen)
    for entry in plan.resident.entries {
      var numbers = [Float](repeating: .nan, count: entry.value.type.elementCount)
      var span = numbers.mutableSpan
      engine.read(entry, from: 0, into: &span)
      tensors[entry.value.name] = numbers
    }
  }

  /// Of layer and auxiliary 1.
  var firstModule: [String: [Float]] { tensors.filter { $0.key.contains("s.1.") } }
}

@Suite("Epochs, stages and steps")
struct TrainerTests {
  private static let optimizers = ["optimizer: {kind: sgd, learning-rate: 0.05}", "optimizer: adam"]

  @Test("a module learns the same whatever the others do behind it", arguments: optimizers)
  func firstModule(optimizer: String) throws {
    let parallel = try Trained(["strategy: parallel", "epochs: 3", optimizer])
    #expect(parallel.firstModule.count > 6)
    let sequential = try Trained(["strategy: sequential", "epochs: 3", optimizer])
    #expect(sequential.firstModule == parallel.firstModule)
    // Its optimizer's state moves in memory as the second module comes and it itself ends.
    let staggered = try Trained(["strategy: parallel", "epochs: 3", optimizer, "start: {every: 1}"])
    #expect(staggered.firstModule == parallel.firstModule)
    #expect(staggered.events.filter { $0.hasSuffix("began") }.count == 3)
    let longer = try Trained(
      ["strategy: parallel", "epochs: 4", optimizer, "overrides: [{module: 1, epochs: 3}]"])
    #expect(longer.firstModule == parallel.firstModule)
    // And the second one does learn in each.
    for other in [sequential, staggered, longer] {
      let isSame = other.tensors["layers.2.conv.weight"] == parallel.tensors["layers.2.conv.weight"]
      #expect(!isSame)
    }
  }

  @Test("a module that is done stays as it is while those before it go on", arguments: optimizers)
  func shorterModule(optimizer: String) throws {
    let once = try Trained(["strategy: parallel", "epochs: 1", optimizer])
    let shorter = try Trained(
      ["strategy: parallel", "epochs: 3", optimizer, "overrides: [{module: 2, epochs: 1}]"])
    for name in once.tensors.keys where name.contains("s.2.") {
      let isSame = shorter.tensors[name] == once.tensors[name]
      #expect(isSame, "\(name)")
    }
  }

  @Test("a second module that starts later goes on from where its own epochs left it", arguments: optimizers)
  func secondModule(optimizer: String) throws {
    // The second module's last epoch is a stage of its own: its state has moved to another place by then.
    let staggered = try Trained(
      ["strategy: parallel", "epochs: 2", optimizer, "start: {every: 1}"], threads: 1)
    let again = try Trained(["strategy: parallel", "epochs: 2", optimizer, "start: {every: 1}"], threads: 3)
    #expect(staggered.tensors == again.tensors)
    let losses = staggered.figures.filter { $0.module == 2 && $0.split == .train }.map(\.loss)
    #expect(losses.count == 2 && losses[1] < losses[0])
  }

  @Test("what is frozen is proved to stay as it is, parameters and running statistics")
  func frozen() throws {
    let sequential = try Trained(["strategy: sequential", "epochs: 2"])
    #expect(sequential.frozen.map(\.stage) == [2] && sequential.frozen.map(\.modules) == [[1]])
    let longer = try Trained(["strategy: sequential", "epochs: 2", "overrides: [{module: 2, epochs: 1}]"])
    #expect(longer.frozen.map(\.sha256) == sequential.frozen.map(\.sha256))
    let other = try Trained(["strategy: sequential", "epochs: 2", "overrides: [{module: 1, epochs: 1}]"])
    #expect(other.frozen.map(\.sha256) != sequential.frozen.map(\.sha256))
    #expect(try Trained(["strategy: parallel", "epochs: 1"]).frozen.isEmpty)
  }

  private static let asynchronous = "asynchronous: {order: sequential}"

  @Test(
    "asynchronous, in turn and with one batch kept, is parallel training to the last bit",
    arguments: optimizers)
  func asynchronousInTurn(optimizer: String) throws {
    let parallel = try Trained(["strategy: parallel", "epochs: 3", optimizer])
    let inTurn = try Trained(["strategy: asynchronous", "epochs: 3", optimizer, Self.asynchronous])
    let isSame = inTurn.tensors == parallel.tensors
    #expect(isSame)
    let key = { (figures: EpochFigures) in "\(figures.module) \(figures.epoch) \(figures.split.rawValue)" }
    #expect(
      inTurn.figures.sorted { key($0) < key($1) } == parallel.figures.sorted { key($0) < key($1) })
  }

  @Test("asynchronous in random order learns, the same for any number of threads", arguments: optimizers)
  func asynchronousAtRandom(optimizer: String) throws {
    let training = [
      "strategy: asynchronous", "epochs: 4", optimizer,
      "asynchronous: {buffer: 3, reuse: 2, slow: {module: 1, by: 1.5}}",
    ]
    let once = try Trained(training, threads: 1)
    let again = try Trained(training, threads: 3)
    let isSame = once.tensors == again.tensors
    #expect(isSame)
    #expect(once.figures == again.figures)
    for module in 1...2 {
      let losses = once.figures.filter { $0.module == module && $0.split == .train }.map(\.loss)
      #expect(losses.count == 4 && losses[3] < losses[0])
    }
    let parallel = try Trained(["strategy: parallel", "epochs: 4", optimizer])
    let isParallel = parallel.tensors == once.tensors
    #expect(!isParallel)
  }

  @Test("a last batch that is smaller counts, unless it is dropped")
  func lastBatch() throws {
    let whole = try Trained(["epochs: 1"])
    #expect(whole.stepCounts == [40, 80, 110])
    let dropped = try Trained(["epochs: 1", "drop-last: true"])
    #expect(dropped.stepCounts == [40, 80])
  }

  @Test("events in order, figures of every module and split, by the module's own epochs")
  func events() throws {
    let staggered = try Trained(["strategy: parallel", "epochs: 2", "start: {every: 1}"])
    #expect(
      staggered.events == [
        "stage 1 began", "stage 1 epoch 1", "stage 1 ended", "stage 2 began", "stage 2 epoch 1",
        "stage 2 ended", "stage 3 began", "stage 3 epoch 1", "stage 3 ended",
      ])
    let places = staggered.figures.map { "\($0.module) \($0.epoch) \($0.split.rawValue)" }
    #expect(
      places == [
        "1 1 train", "1 1 test", "1 2 train", "2 1 train", "1 2 test", "2 1 test", "2 2 train", "2 2 test",
      ])
  }

  @Test("momentum that is dropped at a decay is that of a new optimizer")
  func momentumAtDecay() throws {
    let decay = ["strategy: end-to-end", "epochs: 2", "schedule: {kind: step, every: 1, factor: 0.5}"]
    let keep = try Trained(decay)
    let drop = try Trained(decay + ["momentum-at-decay: drop"])
    let isSame = keep.tensors == drop.tensors
    #expect(!isSame)
    // Without momentum there is nothing to drop.
    let none = decay + ["optimizer: {kind: sgd, momentum: 0}"]
    #expect(try Trained(none).tensors == Trained(none + ["momentum-at-decay: drop"]).tensors)
  }

  @Test("a rate that is too high is told with module, epoch and step")
  func divergence() throws {
    do {
      _ = try Trained(["epochs: 20", "optimizer: {kind: sgd, learning-rate: 1e6}"])
      Issue.record("a rate of 1e6 trains")
    } catch let error as RunError {
      guard case .notFinite(let found) = error else { throw error }
      // Weights may be finite still when the first test image overflows.
      #expect((1...2).contains(found.module) && found.image == nil && found.learningRate == 1e6)
      #expect((1...20).contains(try #require(found.epoch)))
      #expect(found.split == .test ? found.step == nil : (1...3).contains(try #require(found.step)))
    }
  }

  @Test("an observer that can't go on stops the training")
  func observer() throws {
    #expect {
      try Trained(["epochs: 1"], stopAfterSteps: 2)
    } throws: { error in
      guard case .observer(let failure)? = error as? RunError else { return false }
      return failure.message == "enough"
    }
  }
}
