import CompilerSupport
import Datasets
import Execution
import Foundation
import Planning
import Testing

/// A sequential training whose stages start from the activation cache.
private struct KeptFeatures {
  private let spec: DecodedSpec
  let dataset: Dataset
  private(set) var plan: Plan
  private(set) var engine: Engine
  private(set) var figures: [EpochFigures] = []
  private(set) var questionCount = 0
  /// Whether the file of features was there at the end of each stage.
  private(set) var fileWasThere: [Bool] = []
  let path = FileManager.default.temporaryDirectory.appending(path: "features-\(UUID().uuidString).bin").path

  /// - Parameter smallScratchAbove: bytes of arena above which convolutions do with little scratch; nil: none does.
  init(
    _ network: String, storage: PlanChoices.Features, epochs: Int = 2, batch: Int = 20, threads: Int = 2,
    smallScratchAbove: Int? = nil
  ) throws {
    spec = try DecodedSpec(
      """
      strata: 1
      name: kept
      data: {source: digits, limit: {train: 130, test: 50}}
      \(network)
      training: {strategy: sequential, epochs: \(epochs), batch: \(batch), optimizer: {learning-rate: 0.01}}
      memory: {features: \(storage == .recompute ? "recompute" : "cache")}
      """)
    dataset = try Dataset(.digits, limit: DatasetLimit(train: 130, test: 50))
    var choices = PlanChoices()
    choices.features = storage
    if let smallScratchAbove { (choices.scratch, choices.recomputeAboveBytes) = (.small, smallScratchAbove) }
    plan = try Self.plan(spec, threads: threads, choices)
    engine = try Engine(plan.memoryMap)
  }

  private static func plan(_ spec: DecodedSpec, threads: Int, _ choices: PlanChoices) throws -> Plan {
    try spec.plan(
      threads: threads,
      facts: DataFacts(trainCount: 130, testCount: 50, residentBytes: 0, fingerprint: nil), choices: choices)
  }

  /// Trains from `position` on, until the question with the number `stop` has been asked.
  mutating func run(from position: RunPosition = .start, stop: Int = .max) throws -> RunOutcome {
    var questions = 0
    let path = path
    let trainer = Trainer(
      plan: plan, engine: engine, images: ImagePreparer(dataset: dataset, seed: 1), featuresPath: path,
      now: { 0 },
      shouldStop: {
        questions += 1
        return questions == stop
      })
    var (figures, files) = (self.figures, fileWasThere)
    let outcome = try trainer.run(from: position) { event throws(ObserverFailure) in
      if case .epochEnded(let report) = event { figures += report.figures }
      if case .stageEnded = event { files.append(FileManager.default.fileExists(atPath: path)) }
    }
    (self.figures, fileWasThere, questionCount) = (figures, files, questions)
    return outcome
  }

  /// - Parameter threads: nil: as many as before.
  mutating func moveToNewEngine(at position: RunPosition, threads: Int? = nil) throws {
    let other = try threads.map { try Self.plan(spec, threads: $0, plan.choices) } ?? plan
    engine = try engine.moved(plan, at: position, to: other)
    plan = other
  }

  var weights: [String: [UInt8]] { engine.finalBytes(plan) }
}

@Suite("Features that are kept")
struct KeptFeatureTests {
  /// Features that grow, shrink and stay from module to module; blocks with a stem; convolutions without batch norm.
  static let networks = [
    "network: {family: vgg, widths: [4, 8, 6, 6]}\ndownsampling: {kind: max-pool, before: [3]}",
    "network: {family: vgg, widths: [8, 8, 16], batch-norm: false}\ndownsampling: {kind: invertible, before: [2]}\nauxiliary: {kind: mlp-sr, convolutions: 1, hidden: 1}",
    "network: {family: resnet, stem: {width: 8, kernel: 3, stride: 1}, stages: [{blocks: 1, width: 8}, {blocks: 2, width: 16}], head: gap}",
  ]

  @Test("give the losses of features that are computed in every step", arguments: networks, [20, 32])
  func sameLosses(network: String, batch: Int) throws {
    var recomputing = try KeptFeatures(network, storage: .recompute, epochs: 1, batch: batch)
    _ = try recomputing.run()
    #expect(recomputing.plan.stages.allSatisfy { $0.features == nil })
    var weights: [[String: [UInt8]]] = []
    for storage in [PlanChoices.Features.memory, .file] {
      var keeping = try KeptFeatures(network, storage: storage, epochs: 1, batch: batch)
      #expect(keeping.plan.stages.dropFirst().allSatisfy { $0.features?.storage == storage })
      _ = try keeping.run()
      // Where an image lies in its batch decides how products round.
      for (kept, computed) in zip(keeping.figures, recomputing.figures) {
        #expect(
          abs(kept.loss - computed.loss) < (kept.module == 1 ? 1e-15 : 2e-3) * computed.loss,
          "\(storage), module \(kept.module): \(kept.loss), \(computed.loss)")
      }
      #expect(keeping.figures.count == recomputing.figures.count)
      // The first stage keeps none.
      #expect(keeping.fileWasThere == keeping.plan.stages.map { $0.index > 1 && storage == .file })
      #expect(!FileManager.default.fileExists(atPath: keeping.path))
      weights.append(keeping.weights)
    }
    let isSame = weights[0] == weights[1]
    #expect(isSame, "in memory and in a file")
  }

  @Test("give the same bits for any number of threads")
  func threads() throws {
    var weights: [[String: [UInt8]]] = []
    for threads in 1...3 {
      var training = try KeptFeatures(Self.networks[0], storage: .memory, threads: threads)
      _ = try training.run()
      weights.append(training.weights)
    }
    let isSame = weights[1] == weights[0] && weights[2] == weights[0]
    #expect(isSame)
  }

  @Test("survive a stop anywhere", arguments: [PlanChoices.Features.memory, .file])
  func resume(storage: PlanChoices.Features) throws {
    var whole = try KeptFeatures(Self.networks[0], storage: storage)
    _ = try whole.run()
    for stop in stride(from: 1, to: whole.questionCount, by: 7) {
      var training = try KeptFeatures(Self.networks[0], storage: storage)
      guard case .stopped(let position) = try training.run(stop: stop) else {
        Issue.record("not stopped at \(stop)")
        continue
      }
      #expect(!FileManager.default.fileExists(atPath: training.path))
      try training.moveToNewEngine(at: position)
      guard case .finished = try training.run(from: position) else {
        Issue.record("not finished from \(position)")
        continue
      }
      let isSame = training.weights == whole.weights
      #expect(isSame, "stopped at question \(stop)")
      #expect(training.figures.map(\.loss) == whole.figures.map(\.loss), "stopped at question \(stop)")
    }
  }

  /// What is resident grows from stage to stage. At these limits a convolution of the prefix is within what one stage may take
  /// and beyond what the next may, which makes its features again where a run goes on.
  @Test("survive a stop where convolutions do with little scratch, with any number of threads")
  func smallScratch() throws {
    let network = "network: {family: vgg, widths: [8, 16, 16, 16]}"
    let fast = try KeptFeatures(network, storage: .file)
    let limits = fast.plan.stages.compactMap { $0.programs[.featuresOfPrevious]?.arenaBytes }
    try #require(limits.count == 2)
    for limit in limits {
      var whole = try KeptFeatures(network, storage: .file, epochs: 1, smallScratchAbove: limit)
      #expect(whole.plan.evaluation.graph != fast.plan.evaluation.graph)
      _ = try whole.run()
      for stop in stride(from: 5, to: whole.questionCount, by: 11) {
        var training = try KeptFeatures(network, storage: .file, epochs: 1, smallScratchAbove: limit)
        guard case .stopped(let position) = try training.run(stop: stop) else {
          Issue.record("not stopped at \(stop)")
          continue
        }
        try training.moveToNewEngine(at: position, threads: [1, 3, 8][stop % 3])
        _ = try training.run(from: position)
        let isSame = training.weights == whole.weights
        #expect(isSame, "limit \(limit), stopped at question \(stop), \(position)")
      }
    }
  }

  @Test("are not made where nothing is left that reads them")
  func nothingLeft() throws {
    var training = try KeptFeatures(Self.networks[0], storage: .file)
    _ = try training.run()
    let last = try #require(training.plan.stages.last)
    #expect(last.features != nil && training.questionCount > 0)
    guard case .finished = try training.run(from: RunPosition(stage: last.index, epoch: last.epochs + 1))
    else {
      Issue.record("not finished")
      return
    }
    // Between batches of features it would have been asked whether to stop.
    #expect(training.questionCount == 0)
  }

  @Test("a place that can't be written ends the run with its name")
  func unwritable() throws {
    let training = try KeptFeatures(Self.networks[0], storage: .file)
    let trainer = Trainer(
      plan: training.plan, engine: training.engine,
      images: ImagePreparer(dataset: training.dataset, seed: 1),
      featuresPath: "/nowhere/features.bin", now: { 0 })
    do throws(RunError) {
      _ = try trainer.run { _ in }
      Issue.record("kept nowhere")
    } catch {
      guard case .features(let failure) = error else {
        Issue.record("another failure: \(error)")
        return
      }
      #expect(failure.message == "/nowhere/features.bin: cannot keep features: No such file or directory")
    }
  }
}
