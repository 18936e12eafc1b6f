import CompilerSupport
import Datasets
import Execution
import Foundation
import GraphIR
import Operators
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
  /// Of each ranking: the numbers that it has looked at last.
  private(set) var watched: [[[Float]]] = []
  private(set) var questionCount = 0
  /// Another process that has read what was kept behind the last stage.
  private var stageEnd: (position: RunPosition, engine: Engine)?
  let path = FileManager.default.temporaryDirectory.appending(path: "features-\(UUID().uuidString).bin").path

  static let network = """
    network: {family: vgg, widths: [9, 8, 12], head: {kind: cnn, k: 2, width: 6}}
    downsampling: {kind: invertible, before: [2]}
    auxiliary: {kind: cnn, k: 2}
    """

  /// - Parameters:
  ///   - compression: its keys, but for the width.
  ///   - sets: of further keys.
  ///   - change: makes the plan another than the compiler's.
  init(
    _ compression: String = "epochs: 2", width: String = "[5, 8, 7]",
    network: String = Self.network, augmented: Bool = false, choices: PlanChoices = PlanChoices(),
    threads: Int = 2, sets: [String] = [], change: (inout Plan) -> Void = { _ in }
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
      """, sets: sets)
    dataset = try Dataset(.digits, limit: DatasetLimit(train: 110, test: 50))
    var plan = try spec.plan(
      threads: threads,
      facts: DataFacts(trainCount: 110, testCount: 50, residentBytes: 0, fingerprint: nil), choices: choices)
    change(&plan)
    self.plan = plan
    engine = try Engine(plan.memoryMap)
  }

  mutating func run(from position: RunPosition = .start, stop: Int = .max) throws -> RunOutcome {
    var questions = 0
    let augmentation = Augmentation(padCrop: plan.data.padCrop, flipHorizontal: false)
    let trainer = Trainer(
      plan: plan, engine: engine,
      images: ImagePreparer(dataset: dataset, augmentation: augmentation, seed: 1),
      featuresPath: path, now: { 0 },
      shouldStop: {
        questions += 1
        return questions == stop
      })
    var (figures, reports, frozen) = (self.figures, self.reports, self.frozen)
    var (watched, stageEnd) = (self.watched, self.stageEnd)
    let (plan, engine) = (plan, engine)
    let outcome = try trainer.run(from: position) { event throws(ObserverFailure) in
      switch event {
      case .epochEnded(let report):
        figures += report.figures
        guard report.epoch == plan.stages[report.next.stage - 1].epochs else { break }
        do {
          stageEnd = (report.next, try engine.moved(plan, at: report.next))
        } catch {
          throw ObserverFailure(message: "\(error)")
        }
      case .narrowed(let report): reports.append(report)
      case .frozenUnchanged(let modules): frozen.append(modules)
      case .stageEnded(let stage):
        guard let ranking = plan.stages[stage - 1].programs[.ranking], let node = ranking.graph.nodes.last
        else { break }
        watched.append(
          node.operands.dropFirst().map { operand in
            engine.withValue(operand, of: ranking) { span in span.indices.map { span[$0] } }
          })
      case .stageBegan, .stepEnded: break
      }
    }
    (self.figures, self.reports, self.frozen, questionCount) = (figures, reports, frozen, questions)
    (self.watched, self.stageEnd) = (watched, stageEnd)
    return outcome
  }

  mutating func moveToNewEngine(at position: RunPosition) throws {
    engine = try engine.moved(plan, at: position)
  }

  /// Goes on with what was kept behind the last stage.
  mutating func moveBack(to position: RunPosition) throws {
    let end = try #require(stageEnd)
    #expect(end.position == position)
    engine = end.engine
  }

  var weights: [String: [UInt8]] { engine.finalBytes(plan) }

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
    var returns = 0
    for stop in 1...whole.questionCount {
      var parts = try Compressing(compression, choices: choices)
      let position: RunPosition
      switch try parts.run(stop: stop) {
      // Nobody looks behind the last step.
      case .finished: continue
      case .stopped(let moment):
        position = moment
        try parts.moveToNewEngine(at: position)
      case .returned(let end):
        position = end
        returns += 1
        try parts.moveBack(to: position)
      }
      guard case .finished = try parts.run(from: position) else {
        Issue.record("not finished from \(position)")
        continue
      }
      let isSame = parts.weights == whole.weights
      #expect(isSame && parts.outcome == whole.outcome, "stopped at question \(stop), \(position)")
    }
    // Between the two batches that measure what is left of the first and of the third layer.
    #expect(returns == 2)
  }

  @Test("take features along that the stage before has kept, and compute them no second time")
  func features() throws {
    var choices = PlanChoices()
    choices.features = .memory
    let training = try Compressing(width: "[5, 6, 7]", choices: choices)
    #expect(training.plan.stages.map { $0.features?.module } == [nil, nil, 1, 1, 2, 2])
    #expect(training.plan.stages.map { $0.features?.stays } == [nil, nil, false, true, false, true])
    #expect(
      training.plan.stages.map { $0.programs[.featuresOfPrevious] != nil } == [
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

  @Test("computed again where memory is short, ranking included, come to the same bits")
  func recomputed() throws {
    var choices = PlanChoices()
    choices.recomputeAboveBytes = 1
    var (training, natural) = (try Compressing("epochs: 1", choices: choices), try Compressing("epochs: 1"))
    let graphs = training.plan.stages.flatMap {
      [$0.training.graph] + [$0.programs[.ranking]?.graph].compactMap(\.self)
    }
    #expect(graphs.contains { $0.nodes.contains(where: \.isRecomputed) })
    _ = try training.run()
    _ = try natural.run()
    let isSame = training.weights == natural.weights
    #expect(isSame && training.outcome == natural.outcome && training.reports.count == 2)
  }

  @Test("keep the channels of the highest scores, and another criterion others")
  func criteria() throws {
    var kept: [[[Int]]] = []
    for criterion in ChannelCriterion.allCases {
      var training = try Compressing("epochs: 1, criterion: \(criterion.rawValue)", width: "4")
      _ = try training.run()
      kept.append(training.reports.map(\.kept))
      for report in training.reports { #expect(report.kept == channelsToKeep(report.scores, count: 4)) }
      let narrowing = try #require(training.plan.stages[0].narrowing)
      #expect(narrowing.batches.images == (criterion.readsImages ? 110 : 0))
      let sizes = (0..<narrowing.batches.count).map { narrowing.batches[$0].count }
      #expect(sizes == (criterion.readsImages ? [37, 37, 36] : [0]))
    }
    #expect(Set(kept).count == 3)
  }

  @Test("have the scores that the criterion says", arguments: ChannelCriterion.allCases)
  func scores(criterion: ChannelCriterion) throws {
    // One batch, so that all of the numbers that were looked at are still there.
    let images = 37
    var training = try Compressing(
      "epochs: 1, criterion: \(criterion.rawValue)"
        + (criterion.readsImages ? ", pictures: \(images)" : ""),
      width: "4")
    _ = try training.run()
    try #require(training.reports.count == 3 && training.watched.count == 3)
    for (report, watched) in zip(training.reports, training.watched) {
      let channels = report.scores.count
      for (channel, score) in report.scores.enumerated() {
        let values = watched.map { numbers in
          stride(from: channel, to: numbers.count, by: channels).map { Double(numbers[$0]) }
        }
        // Of planned batches of forty, whose last images are none.
        let pixels = values[0].count / 40
        let expected: Double
        switch criterion {
        case .weightNorm: expected = values[0].map(\.magnitude).reduce(0, +)
        case .activation:
          expected = values[0].prefix(images * pixels).reduce(0, +) / Double(images * pixels)
        case .taylor:
          let changes = (0..<images).map { image in
            (image * pixels..<(image + 1) * pixels).map { values[0][$0] * values[1][$0] }.reduce(0, +)
          }
          // Gradients are of the batch's mean loss.
          expected = changes.map(\.magnitude).reduce(0, +) / Double(pixels)
        }
        let error = abs(Double(score) - expected)
        #expect(error < 1e-4 * expected + 1e-7, "module \(report.module), channel \(channel)")
      }
    }
  }

  @Test("are not reached where the last update has broken the weights, and nothing is cut")
  func divergence() throws {
    var training = try Compressing(
      "epochs: 1, learning-rate: 0.05",
      sets: [
        "network.batch-norm=false", "training.epochs=1", "training.batch=55",
        "training.optimizer.learning-rate=1e6",
      ])
    do {
      _ = try training.run()
      Issue.record("a rate of 1e6 trains")
    } catch let error as RunError {
      // The last step of the epoch, or its evaluation, is what is named, before the weights are ranked.
      guard case .notFinite(let found) = error else { throw error }
      #expect(found.module == 1 && found.epoch == 1 && found.learningRate == 1e6)
      #expect(found.split == .train ? found.step == 2 : found.loss != nil)
    }
  }
}

/// Activations that overflow, while weights are numbers still.
@Suite("Rankings of networks that have diverged")
struct DivergedRankingTests {
  @Test("touch no running statistics, whatever the batch's are", arguments: ["taylor", "activation"])
  func overflow(criterion: String) throws {
    var training = try Compressing(
      "epochs: 1, learning-rate: 1e-9, criterion: \(criterion)", width: "[8, 8, 4]",
      network: """
        network: {family: vgg, widths: [16, 16, 8], batch-norm: [false, false, true], bias: false}
        auxiliary: {kind: linear}
        """,
      sets: [
        "training.epochs=1", "training.batch=110", "training.optimizer.learning-rate=1e6",
        "training.optimizer.momentum=0",
      ])
    // A ranking that changes anything else ends the process.
    _ = try training.run()
    #expect(training.reports.map(\.module) == [1, 2, 3])
  }
}

/// Programs that change what they must not: each ends the process.
@Suite("What is frozen, and what is ranked")
struct UnchangedWeightsTests {
  @Test("layers behind which the auxiliary is fine-tuned stay as they are, or the run ends")
  func frozenLayers() async {
    await #expect(processExitsWith: .failure) {
      // An error is none of the ends that are asked for.
      do {
        var training = try Compressing(
          network: """
            network: {family: vgg, widths: [9, 8, 12], head: {kind: cnn, k: 2, width: 6}}
            auxiliary: {kind: cnn, k: 2, width: 5}
            """
        ) { plan in
          plan.stages[1].programs[.training] = plan.stages[1].training.changed { graph in
            guard let frozen = graph.value(named: "layers.1.batch_norm.bias"),
              let bias = graph.value(named: "auxiliaries.1.convolutions.1.batch_norm.bias")
            else { return }
            for index in graph.nodes.indices {
              guard graph.nodes[index].op.is(Update.self), graph.nodes[index].operands[0] == bias
              else { continue }
              graph.nodes[index].operands[0] = frozen
            }
          }
        }
        _ = try training.run()
      } catch {}
    }
  }

  @Test("a ranking leaves the module that it ranks as it is, or the run ends")
  func ranking() async {
    await #expect(processExitsWith: .failure) {
      do {
        var training = try Compressing { plan in
          plan.stages[0].programs[.ranking] = plan.stages[0].programs[.ranking]?.changed { graph in
            guard let bias = graph.value(named: "layers.1.batch_norm.bias") else { return }
            graph.nodes[graph.nodes.count - 1].operands[0] = bias
          }
        }
        _ = try training.run()
      } catch {}
    }
  }
}

extension Program {
  /// With other operands, and everything in its place.
  fileprivate func changed(_ change: (inout Graph) -> Void) -> Program {
    var changed = graph
    change(&changed)
    return Program(
      graph: changed, offsets: offsets, scratch: graph.nodes.indices.map { scratch(ofNode: $0) ?? 0..<0 },
      arenaBytes: arenaBytes)
  }
}

extension Graph {
  fileprivate func value(named name: String) -> ValueID? {
    values.firstIndex { $0.name == name }.map { ValueID(index: $0) }
  }
}
