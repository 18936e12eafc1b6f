import CompilerSupport
import Datasets
import Execution
import Planning
import Testing

/// A training that stops at any moment and goes on in another engine, with nothing but the resident bytes and the position.
private struct Interrupted {
  static let images = 70
  static let tests = 30

  private let spec: DecodedSpec
  private let choices: PlanChoices
  let dataset: Dataset
  private(set) var plan: Plan
  private(set) var engine: Engine
  private(set) var figures: [EpochFigures] = []
  /// Times that the training has asked whether it should stop.
  private(set) var questionCount = 0

  init(
    _ training: [String], widths: String = "[6, 8, 8]", threads: Int = 2, choices: PlanChoices = PlanChoices()
  ) throws {
    self.choices = choices
    spec = try DecodedSpec(
      """
      strata: 1
      name: small
      data: {source: digits, augment: {pad-crop: 1}, limit: {train: \(Self.images), test: \(Self.tests)}}
      network: {family: vgg, widths: \(widths)}
      downsampling: {kind: max-pool, before: [2]}
      training:
        batch: 20
        \(training.joined(separator: "\n  "))
      """)
    dataset = try Dataset(.digits, limit: DatasetLimit(train: Self.images, test: Self.tests))
    plan = try Self.plan(spec, threads: threads, choices)
    engine = try Engine(plan.memoryMap)
  }

  private static func plan(_ spec: DecodedSpec, threads: Int, _ choices: PlanChoices) throws -> Plan {
    try spec.plan(
      threads: threads,
      facts: DataFacts(trainCount: images, testCount: tests, residentBytes: 0, fingerprint: nil),
      choices: choices)
  }

  /// Trains from `position` on, until the question with the number `stop` has been asked.
  mutating func run(from position: RunPosition = .start, stop: Int = .max) throws -> RunOutcome {
    let images = ImagePreparer(
      dataset: dataset, augmentation: Augmentation(padCrop: 1, flipHorizontal: false), seed: 1)
    var questions = 0
    let trainer = Trainer(
      plan: plan, engine: engine, images: images, now: { 0 },
      shouldStop: {
        questions += 1
        return questions == stop
      })
    var figures = self.figures
    let outcome = try trainer.run(from: position) { event throws(ObserverFailure) in
      if case .epochEnded(let report) = event { figures += report.figures }
    }
    (self.figures, questionCount) = (figures, questions)
    return outcome
  }

  /// - Parameter threads: nil: as many as before.
  mutating func moveToNewEngine(at position: RunPosition, threads: Int? = nil) throws {
    // As a run is gone on with: by the choices of its plan.
    let other = try threads.map { try Self.plan(spec, threads: $0, plan.choices) } ?? plan
    engine = try engine.moved(plan, at: position, to: other)
    plan = other
  }

  var weights: [String: [UInt8]] { engine.finalBytes(plan) }
}

@Suite("Trainings that stop and go on")
struct PositionTests {
  static let trainings = [
    ["strategy: parallel", "epochs: 2"],
    ["strategy: sequential", "epochs: 2", "optimizer: adam"],
    ["strategy: end-to-end", "epochs: 2", "optimizer: {kind: sgd, nesterov: true}"],
    ["strategy: parallel", "epochs: 3", "start: {every: 1}", "optimizer: adam"],
    [
      "strategy: parallel", "epochs: 3", "schedule: {kind: step, every: 1, factor: 0.5}",
      "momentum-at-decay: drop", "optimizer: adam",
    ],
    ["strategy: parallel", "epochs: 2", "drop-last: true", "overrides: [{module: 1, epochs: 1}]"],
    ["strategy: asynchronous", "epochs: 2", "asynchronous: {order: sequential}"],
    [
      "strategy: asynchronous", "epochs: 2", "optimizer: adam", "overrides: [{module: 1, epochs: 1}]",
      "schedule: {kind: step, every: 1, factor: 0.5}", "momentum-at-decay: drop",
      "asynchronous: {buffer: 2, reuse: 2, slow: {module: 2, by: 1.5}, at-decay: clear}",
    ],
  ]

  @Test("from any moment on, to the same bytes and figures", arguments: trainings)
  func everyMoment(training: [String]) throws {
    var whole = try Interrupted(training)
    guard case .finished = try whole.run() else {
      Issue.record("nobody stopped it")
      return
    }
    try #require(whole.questionCount >= 10)
    for stop in 1...whole.questionCount {
      var parts = try Interrupted(training)
      guard case .stopped(let position) = try parts.run(stop: stop) else {
        Issue.record("it did not stop at question \(stop)")
        continue
      }
      try parts.moveToNewEngine(at: position)
      _ = try parts.run(from: position)
      let isSame = parts.weights == whole.weights
      #expect(isSame, "stopped at question \(stop): \(position)")
      #expect(parts.figures == whole.figures, "stopped at question \(stop): \(position)")
    }
  }

  @Test("stopped again and again", arguments: trainings)
  func everyStep(training: [String]) throws {
    var whole = try Interrupted(training)
    _ = try whole.run()
    var parts = try Interrupted(training, threads: 1)
    var position = RunPosition.start
    var stopCount = 0
    while case .stopped(let next) = try parts.run(from: position, stop: 2) {
      position = next
      stopCount += 1
      try parts.moveToNewEngine(at: position)
    }
    #expect(stopCount > 5)
    let isSame = parts.weights == whole.weights
    #expect(isSame && parts.figures == whole.figures)
  }

  @Test(
    "within a budget, with other numbers of threads, to the same bytes and figures",
    arguments: trainings[..<4],
    [PlanChoices.ConvolutionScratch.fast, .small])
  func otherThreads(training: [String], scratch: PlanChoices.ConvolutionScratch) throws {
    let widths = "[16, 16, 16]"
    let natural = try Interrupted(training, widths: widths).plan
    for eighths in [3, 5] {
      var choices = PlanChoices()
      (choices.recomputeAboveBytes, choices.scratch) = (natural.arenaBytes * eighths / 8, scratch)
      var whole = try Interrupted(training, widths: widths, choices: choices)
      _ = try whole.run()
      for (stop, threads) in [(2, 8), (whole.questionCount / 2, 1), (whole.questionCount - 1, 3)] {
        var parts = try Interrupted(training, widths: widths, choices: choices)
        guard case .stopped(let position) = try parts.run(stop: stop) else {
          Issue.record("it did not stop at question \(stop)")
          continue
        }
        try parts.moveToNewEngine(at: position, threads: threads)
        _ = try parts.run(from: position)
        let isSame = parts.weights == whole.weights
        #expect(isSame && parts.figures == whole.figures, "\(eighths)/8, \(position), \(threads) threads")
      }
    }
  }

  @Test("a stop after a step is one after that step, one in an evaluation is before it")
  func positions() throws {
    var first = try Interrupted(["epochs: 1"])
    guard case .stopped(let afterStep) = try first.run(stop: 2) else {
      Issue.record("it did not stop")
      return
    }
    #expect((afterStep.stage, afterStep.epoch, afterStep.step) == (1, 1, 2))
    #expect(afterStep.sums.map(\.imageCount) == [40, 40, 40])
    // Four steps, then the first of two batches of an evaluation.
    var second = try Interrupted(["epochs: 1"])
    guard case .stopped(let inEvaluation) = try second.run(stop: 5) else {
      Issue.record("it did not stop")
      return
    }
    #expect((inEvaluation.stage, inEvaluation.epoch, inEvaluation.step) == (1, 1, 4))
    #expect(second.figures.isEmpty)
    var third = try Interrupted(["epochs: 1"])
    guard case .stopped(let behind) = try third.run(stop: 6) else {
      Issue.record("it did not stop")
      return
    }
    #expect((behind.stage, behind.epoch, behind.step) == (1, 2, 0))
    #expect(third.figures.count == 6)
  }
}
