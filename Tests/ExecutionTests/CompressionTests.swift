import CompilerSupport
import Datasets
import Execution
import Foundation
import Planning
import Testing

/// A training that narrows its layers, which stops at any moment and goes on in another engine.
private struct Compressing {
  let plan: Plan
  let dataset: Dataset
  private(set) var engine: Engine
  private(set) var figures: [EpochFigures] = []
  private(set) var reports: [NarrowingReport] = []
  private(set) var frozen: [FrozenModules] = []
  private(set) var questionCount = 0
  let path = FileManager.default.temporaryDirectory.appending(path: "features-\(UUID().uuidString).bin").path

  static let network = """
    network: {family: vgg, widths: [9, 8, 12], head: {kind: cnn, k: 2, width: 6}}
    downsampling: {kind: invertible, before: [2]}
    auxiliary: {kind: cnn, k: 2}
    """

  /// - Parameter compression: its keys, but for the width.
  init(
    _ compression: String = "epochs: 2", width: String = "[5, 8, 7]",
    network: String = Self.network, augmented: Bool = false, choices: PlanChoices = PlanChoices(),
    threads: Int = 2
  ) throws {
    let spec = try DecodedSpec(
      """
      strata: 1
      name: compressing
      data: {source: digits, limit: {train: 110, test: 50}\(augmented ? ", augment: {pad-crop: 1}" : "")}
      \(network)
      training: {strategy: sequential, epochs: 2, batch: 40, optimizer: {learning-rate: 0.05}}
      compression: {width: \(width), \(compression)}
      memory: {features: \(choices.features == .recompute ? "recompute" : "cache")}
      """)
    dataset = try Dataset(.digits, limit: DatasetLimit(train: 110, test: 50))
    plan = try spec.plan(
      threads: threads,
      facts: DataFacts(trainCount: 110, testCount: 50, residentBytes: 0, fingerprint: nil), choices: choices)
    engine = try Engine(plan: plan)
  }

  mutating func run(from position: RunPosition = .start, stop: Int = .max) throws -> RunOutcome {
    var questions = 0
    let augmentation = Augmentation(padCrop: plan.data.padCrop, flipHorizontal: false)
    let trainer = Trainer(
      engine: engine, pictures: PicturePreparer(dataset: dataset, augmentation: augmentation, seed: 1),
      featuresPath: path, now: { 0 },
      shouldStop: {
        questions += 1
        return questions == stop
      })
    var (figures, reports, frozen) = (self.figures, self.reports, self.frozen)
    let outcome = try trainer.run(from: position) { event throws(ObserverFailure) in
      switch event {
      case .epochEnded(let report): figures += report.figures
      case .narrowed(let report): reports.append(report)
      case .frozenUnchanged(let modules): frozen.append(modules)
      case .stageBegan, .stageEnded, .stepEnded: break
      }
    }
    (self.figures, self.reports, self.frozen, questionCount) = (figures, reports, frozen, questions)
    return outcome
  }

  mutating func moveToNewEngine(at position: RunPosition) throws { engine = try engine.moved(at: position) }

  var weights: [String: [UInt8]] { engine.finalBytes }

  var outcome: [String] {
    figures.map { "\($0.module) \($0.epoch) \($0.split.rawValue) \($0.loss) \($0.top1)" }
      + reports.map { "\($0.module) \($0.epoch) \($0.kept) \($0.scores) \($0.test)" }
  }
}

@Suite("Layers that lose channels while a network is trained")
struct CompressionTests {
  @Test("are trained, ranked, narrowed and fine-tuned in turn, and the next one reads what is left")
  func order() throws {
    var training = try Compressing()
    #expect(training.plan.stages.map(\.schedule.indices) == [[1], [1], [2], [3], [3]])
    #expect(training.plan.stages.map(\.epochs) == [2, 2, 2, 2, 2])
    #expect(training.plan.stages.map { $0.narrowing?.module } == [1, nil, nil, 3, nil])
    guard case .finished = try training.run() else {
      Issue.record("not finished")
      return
    }
    // A module's epochs are counted through, and the second layer keeps all its channels.
    let epochs = (1...3).map { module in
      training.figures.filter { $0.module == module && $0.split == .test }.map(\.epoch)
    }
    #expect(epochs == [[1, 2, 3, 4], [1, 2], [1, 2, 3, 4]])
    #expect(training.reports.map(\.module) == [1, 3] && training.reports.map(\.epoch) == [2, 2])
    for (report, width) in zip(training.reports, [(9, 5), (12, 7)]) {
      #expect(report.scores.count == width.0 && report.kept.count == width.1)
      #expect(report.kept == channelsToKeep(report.scores, count: width.1))
      #expect(report.scores.allSatisfy { $0 > 0 && $0.isFinite } && Set(report.scores).count > 1)
    }
    // Auxiliaries are fine-tuned behind layers that do not change.
    #expect(training.frozen.map(\.stage) == [2, 3, 4, 5])
    #expect(training.frozen.map(\.layers) == [1, nil, nil, 3])
    // The next layer reads four times what is left; the head's first convolution what the last layer has left.
    let types = Dictionary(
      uniqueKeysWithValues: training.plan.resident.entries.map { ($0.value.name, $0.value.type.pyTorchShape) }
    )
    #expect(types["layers.1.conv.weight"] == [5, 1, 3, 3])
    #expect(types["layers.2.conv.weight"] == [8, 20, 3, 3])
    #expect(types["layers.3.conv.weight"] == [7, 8, 3, 3])
    #expect(types["head.convolutions.1.conv.weight"] == [6, 7, 3, 3])
    #expect(types["auxiliaries.1.convolutions.1.conv.weight"] == [9, 5, 3, 3])
  }

  @Test("fine-tuning learns: the loss of the narrowed module falls")
  func fineTuning() throws {
    for part in ["auxiliary", "module"] {
      var training = try Compressing("epochs: 6, fine-tune: \(part)", width: "3")
      _ = try training.run()
      for report in training.reports {
        let losses = training.figures.filter {
          $0.module == report.module && $0.split == .train && $0.epoch > 2
        }.map(\.loss)
        #expect(losses.count == 6 && losses[5] < 0.9 * losses[0], "\(part), module \(report.module)")
      }
      #expect(training.frozen.compactMap(\.layers) == (part == "module" ? [] : [1, 2, 3]))
    }
  }

  @Test(
    "come to the same bits for any number of threads",
    arguments: [
      "epochs: 1", "epochs: 1, criterion: activation", "epochs: 1, criterion: weight-norm, fine-tune: module",
    ])
  func threads(compression: String) throws {
    var runs: [Compressing] = []
    for threads in 1...3 {
      var training = try Compressing(compression, augmented: true, threads: threads)
      _ = try training.run()
      runs.append(training)
    }
    for other in runs.dropFirst() {
      let isSame = other.weights == runs[0].weights
      #expect(isSame && other.outcome == runs[0].outcome)
    }
  }

  static let trainings: [(String, PlanChoices.Features)] = [
    ("epochs: 1", .recompute), ("epochs: 2, fine-tune: module, pictures: 90", .memory), ("epochs: 1", .file),
  ]

  @Test("from any moment on, to the same bytes and figures", arguments: trainings)
  func resume(compression: String, features: PlanChoices.Features) throws {
    var choices = PlanChoices()
    choices.features = features
    var whole = try Compressing(compression, choices: choices)
    _ = try whole.run()
    #expect(whole.plan.stages.dropFirst(2).allSatisfy { ($0.features != nil) == (features != .recompute) })
    for stop in 1...whole.questionCount {
      var parts = try Compressing(compression, choices: choices)
      guard case .stopped(let position) = try parts.run(stop: stop) else {
        // Nobody looks behind the last step.
        continue
      }
      try parts.moveToNewEngine(at: position)
      guard case .finished = try parts.run(from: position) else {
        Issue.record("not finished from \(position)")
        continue
      }
      let isSame = parts.weights == whole.weights
      #expect(isSame && parts.outcome == whole.outcome, "stopped at question \(stop), \(position)")
    }
  }

  @Test("take features along that the stage before has kept, and compute them no second time")
  func features() throws {
    var choices = PlanChoices()
    choices.features = .memory
    let training = try Compressing(width: "[5, 6, 7]", choices: choices)
    #expect(training.plan.stages.map { $0.features?.module } == [nil, nil, 1, 1, 2, 2])
    #expect(training.plan.stages.map { $0.features?.stays } == [nil, nil, false, true, false, true])
    #expect(
      training.plan.stages.map { $0.features?.fromPrevious != nil } == [
        false, false, false, false, true, false,
      ])
    var recomputing = try Compressing(width: "[5, 6, 7]")
    var keeping = training
    _ = try recomputing.run()
    _ = try keeping.run()
    for (kept, computed) in zip(keeping.figures, recomputing.figures) {
      #expect(abs(kept.loss - computed.loss) < 5e-3 * computed.loss, "module \(kept.module), \(kept.epoch)")
    }
    #expect(keeping.reports.map(\.kept) == recomputing.reports.map(\.kept))
  }

  @Test("fit a budget: in pieces, recomputed, with little scratch")
  func choices() throws {
    var choices = PlanChoices()
    choices.microBatch = 16
    choices.recomputeAboveBytes = 1
    choices.scratch = .small
    var training = try Compressing("epochs: 1", choices: choices)
    _ = try training.run()
    let natural = try Compressing("epochs: 1")
    #expect(training.plan.arenaBytes < natural.plan.arenaBytes)
    #expect(training.figures.allSatisfy { $0.loss.isFinite } && training.reports.count == 2)
  }

  @Test("keep the smallest scores' channels out, whatever the criterion")
  func criteria() throws {
    var kept: [[[Int]]] = []
    for criterion in ["taylor", "activation", "weight-norm"] {
      var training = try Compressing("epochs: 1, criterion: \(criterion)", width: "4")
      _ = try training.run()
      kept.append(training.reports.map(\.kept))
      let narrowing = try #require(training.plan.stages[0].narrowing)
      #expect(narrowing.pictures == (criterion == "weight-norm" ? 0 : 110))
      #expect(narrowing.batchSizes == (criterion == "weight-norm" ? [0] : [37, 37, 36]))
    }
    #expect(Set(kept).count == 3)
  }
}
