import Artifacts
import CompilerSupport
import Foundation
import GraphIR
import Pipeline
import Planning
import SpecLanguage
import TestSupport
import Testing

/// A spec and what the solver makes of it.
private struct Trial {
  let spec: DecodedSpec
  let options: CompileOptions

  init(_ spec: DecodedSpec, images: Int, streamed: DataFacts.Share? = nil, residentBytes: Int = 0) {
    self.spec = spec
    options = CompileOptions(
      threads: 2,
      facts: DataFacts(
        trainCount: images, testCount: images, residentBytes: residentBytes, streamed: streamed,
        fingerprint: nil), specText: resolvedText(spec.spec))
  }

  var natural: Plan { get throws { try compile(LoweredSpec(spec.spec), options: options) } }

  func solver(_ budgetBytes: Int) throws -> BudgetSolver {
    try BudgetSolver(LoweredSpec(spec.spec), options: options, budgetBytes: budgetBytes)
  }

  func solve(_ budgetBytes: Int) throws -> Plan? { try solver(budgetBytes).solve() }

  /// As `run PLAN` does it.
  func again(_ plan: Plan) throws -> Plan {
    var options = options
    options.choices = plan.choices
    options.budgetBytes = plan.budgetBytes
    return try compile(LoweredSpec(spec.spec), options: options)
  }
}

@Suite("Plans for a budget")
struct BudgetSolverTests {
  private static let threeLayers = """
    strata: 1
    name: three
    network: {family: vgg, input: 3x32x32, widths: [32, 48, 64]}
    downsampling: {kind: max-pool, before: [2, 3]}
    auxiliary: {kind: mlp-sr, convolutions: 1, hidden: 1}
    training: {batch: 64}
    """

  @Test("a plan that fits as it comes is left as it is")
  func natural() throws {
    let trial = Trial(try DecodedSpec(Self.threeLayers), images: 256)
    let natural = try trial.natural
    let plan = try #require(try trial.solve(natural.memory.peakBytes))
    #expect(plan.choices == PlanChoices())
    #expect(plan.layoutText == natural.layoutText)
    #expect(plan.budgetBytes == natural.memory.peakBytes)
  }

  /// Of the arena: what the program itself takes can't be saved.
  @Test(
    "tighter and tighter budgets are met, and the plans compile again as they are",
    arguments: ["parallel", "sequential", "end-to-end"])
  func tighter(strategy: String) throws {
    let trial = Trial(
      try DecodedSpec(Self.threeLayers, sets: ["training.strategy=\(strategy)"]), images: 256)
    let natural = try trial.natural
    var kinds: Set<String> = []
    for percent in stride(from: 95, through: 30, by: -13) {
      let budget = natural.memory.peakBytes - natural.arenaBytes + natural.arenaBytes * percent / 100
      let plan = try #require(try trial.solve(budget), "\(percent)%")
      #expect(plan.memory.peakBytes <= budget)
      let (rows, plain) = (
        try trial.spec.comparison(with: plan).rows, try trial.spec.comparison(with: natural).rows
      )
      #expect(Array(rows.dropLast()) == plain && rows.last?.memory == plan.memory)
      for stage in plan.stages {
        try GraphVerifier(stage.training.graph).verify()
        try PlanVerifier(stage.training, workers: plan.threads).verify()
      }
      let again = try trial.again(plan)
      #expect(again.layoutText == plan.layoutText)
      if plan.choices.recomputeAboveBytes != nil { kinds.insert("recompute") }
      if plan.choices.microBatch != nil { kinds.insert("pieces") }
    }
    #expect(kinds.contains("pieces"))
  }

  @Test("the smallest budget that is named would do, and no smaller one", arguments: 0..<8)
  func smallest(seed: Int) throws {
    let random = RandomSpec(seed: 500 + seed)
    let trial = Trial(try DecodedSpec(random.text), images: random.images)
    let smallest = try trial.solver(1).smallest().memory.peakBytes
    #expect(try trial.solve(1) == nil)
    let plan = try trial.solve(smallest)
    #expect(plan.map { $0.memory.peakBytes <= smallest } == true, "seed \(seed):\n\(random.text)")
    #expect(try trial.natural.memory.peakBytes >= smallest)
  }

  @Test("budgets of random specs are met or refused", arguments: 0..<12)
  func random(seed: Int) throws {
    let random = RandomSpec(seed: 700 + seed)
    let trial = Trial(try DecodedSpec(random.text), images: random.images)
    let natural = try trial.natural
    let fixed = natural.memory.peakBytes - natural.arenaBytes
    for percent in [90, 75, 60] {
      let budget = fixed + natural.arenaBytes * percent / 100
      guard let plan = try trial.solve(budget) else {
        #expect(try trial.solver(budget).smallest().memory.peakBytes > budget, "seed \(seed)")
        continue
      }
      #expect(plan.memory.peakBytes <= budget, "seed \(seed)")
      for stage in plan.stages { try PlanVerifier(stage.training, workers: plan.threads).verify() }
      #expect(try trial.again(plan).layoutText == plan.layoutText, "seed \(seed)")
    }
  }

  /// Where pieces have to be, one more is cheaper than a quarter more arithmetic.
  @Test("more pieces spare recomputing")
  func morePieces() throws {
    let trial = Trial(try DecodedSpec(Self.threeLayers), images: 256)
    let natural = try trial.natural
    for percent in [45, 35, 25] {
      let budget = natural.memory.peakBytes - natural.arenaBytes * (100 - percent) / 100
      guard let plan = try trial.solve(budget), let microBatch = plan.choices.microBatch else { continue }
      var choices = plan.choices
      choices.microBatch = microBatch / 2
      choices.recomputeAboveBytes = nil
      let finer = try trial.spec.plan(images: 256, choices: choices)
      #expect(plan.recomputedShare <= 0.05 || finer.memory.peakBytes > budget)
    }
  }

  @Test("data that can stay in its files goes first")
  func streamed() throws {
    let trial = Trial(
      try DecodedSpec(Self.threeLayers), images: 256,
      streamed: DataFacts.Share(byteCount: 1000, byteCountPerThread: 64), residentBytes: 1 << 24)
    let natural = try trial.natural
    let plan = try #require(try trial.solve(natural.memory.peakBytes - 1))
    #expect(plan.choices.data == .streamed && plan.choices.recomputeAboveBytes == nil)
    #expect(plan.memory.dataBytes == 1000 + 2 * 64)
    #expect(plan.stages[0].training.graph == natural.stages[0].training.graph)
  }

  @Test("an open partition is cut as little as the budget asks for")
  func partition() throws {
    let text = Self.threeLayers.replacingOccurrences(of: "{batch: 64}", with: "{batch: 64, partition: auto}")
    let trial = Trial(try DecodedSpec(text), images: 256)
    #expect(try trial.natural.modules.count == 3)
    let roomy = try #require(try trial.solve(1 << 40))
    #expect(roomy.modules.count == 1 && roomy.choices.modules == 1)
    #expect(roomy.choiceEffects.map(\.results) == [.weights])
    let tight = try #require(try trial.solve(roomy.memory.peakBytes * 6 / 10))
    #expect(tight.memory.peakBytes <= roomy.memory.peakBytes * 6 / 10)
    #expect(try trial.again(tight).layoutText == tight.layoutText)
  }

  /// The head's parameters lie beside what the first layers need for a batch, unless these have gone before.
  private static func heavyHead(features: String) -> String {
    """
    strata: 1
    name: heavy-head
    network: {family: vgg, input: 3x32x32, widths: [96, 8, 8], head: {kind: mlp, hidden: [3072, 3072]}}
    downsampling: {kind: max-pool, before: [2, 3]}
    training: {strategy: sequential, batch: 128}
    memory: {features: \(features)}
    """
  }

  @Test("a stage is smaller without its frozen prefix: features are kept though it takes no less time")
  func featuresForRoom() throws {
    let trial = Trial(try DecodedSpec(Self.heavyHead(features: "auto")), images: 256)
    let natural = try trial.natural
    #expect(natural.stages.allSatisfy { $0.features == nil })
    #expect(natural.peakStage == 3)
    var choices = PlanChoices()
    (choices.features, choices.featureStages, choices.forwardBatch) = (.file, .all, 16)
    let budget = try trial.spec.plan(images: 256, choices: choices).memory.peakBytes
    #expect(budget < natural.memory.peakBytes * 95 / 100)
    let plan = try #require(try trial.solve(budget))
    #expect(plan.memory.peakBytes <= budget)
    #expect(plan.choices.features == .file && plan.choices.featureStages == .all)
    #expect(plan.stages.map { $0.features?.module } == [nil, 1, 2])
    #expect((plan.choices.forwardBatch ?? .max) < 128)
    #expect(plan.choices.microBatch == nil && plan.choices.recomputeAboveBytes == nil)
    let effects = plan.choiceEffects
    #expect(effects.map(\.choice) == ["features", "forwardBatch"])
    #expect(effects.first?.words.contains("a file of up to") == true)
    #expect(try trial.again(plan).layoutText == plan.layoutText)
    // What the spec insists on stays.
    let stubborn = Trial(try DecodedSpec(Self.heavyHead(features: "recompute")), images: 256)
    if let plan = try stubborn.solve(budget) {
      #expect(plan.choices.features == .recompute && plan.stagesWithoutFeatures == 0)
    }
    #expect(try stubborn.solver(1).smallest().choices.features == .recompute)
  }

  @Test("features in memory go to a file, and where even that is too much, they are computed in every step")
  func featuresLeaveMemory() throws {
    let text = Self.threeLayers.replacingOccurrences(
      of: "{batch: 64}", with: "{strategy: sequential, epochs: 40, batch: 64}")
    let trial = Trial(try DecodedSpec(text), images: 256)
    let natural = try trial.natural
    #expect(natural.choices.features == .memory)
    var inFile = PlanChoices()
    inFile.features = .file
    let budget = try trial.spec.plan(images: 256, choices: inFile).memory.peakBytes
    #expect(budget < natural.memory.peakBytes)
    let plan = try #require(try trial.solve(budget))
    #expect(plan.choices == inFile)
    var without = PlanChoices()
    without.features = .recompute
    let computed = try trial.spec.plan(images: 256, choices: without)
    #expect(computed.stagesWithoutFeatures == natural.stages.count { $0.features != nil })
    let effect = try #require(computed.choiceEffects.first { $0.choice == "features" })
    #expect(effect.extraWork == computed.frozenShare && effect.extraWork > 0.05)
  }

  /// Every way to keep features, in every number of pieces that the solver may take, as small as it gets.
  @Test("no way to keep features needs less than the smallest plan, whatever the pieces", arguments: 0..<6)
  func smallestOfAll(seed: Int) throws {
    let random = RandomSpec(seed: 900 + seed)
    let texts = [
      Self.threeLayers.replacing("{batch: 64}", with: "{strategy: sequential, epochs: 40, batch: 16}"),
      Self.heavyHead(features: "auto").replacing("batch: 128", with: "batch: 16"),
    ]
    let text = seed < texts.count ? texts[seed] : random.text
    let trial = Trial(try DecodedSpec(text), images: seed < texts.count ? 64 : random.images)
    let ways: [(PlanChoices.Features, PlanChoices.FeatureStages)] = [
      (.file, .paying), (.file, .all), (.recompute, .paying),
    ]
    let limits: [(Int?, PlanChoices.ConvolutionScratch)] = [(1, .small), (1, .fast), (nil, .fast)]
    var least = Int.max
    for (features, stages) in ways {
      for pieces in [1, 2, 3, 4, 6, 8, 12, 16] {
        for (limit, scratch) in limits {
          var choices = PlanChoices()
          (choices.features, choices.featureStages) = (features, stages)
          (choices.recomputeAboveBytes, choices.scratch) = (limit, scratch)
          let batch = trial.spec.spec.training.batch.value
          guard pieces <= batch else { continue }
          if pieces > 1 { choices.microBatch = (batch + pieces - 1) / pieces }
          // One image at once where that can be.
          for images in [1, 2] {
            choices.forwardBatch = images
            var options = trial.options
            options.choices = choices
            if let plan = try? compile(LoweredSpec(trial.spec.spec), options: options) {
              least = min(least, plan.memory.peakBytes)
              break
            }
          }
        }
      }
    }
    #expect(try trial.solver(1).smallest().memory.peakBytes <= least, "seed \(seed):\n\(text)")
    guard least < .max else { return }
    let plan = try #require(try trial.solve(least), "seed \(seed):\n\(text)")
    #expect(plan.memory.peakBytes <= least)
  }

  @Test("evaluation takes fewer images at once before training does")
  func forwardPieces() throws {
    let text = """
      strata: 1
      name: many
      network: {family: vgg, input: 3x16x16, widths: [64, 64, 64, 64]}
      auxiliary: {kind: mlp, hidden: 2}
      training: {strategy: sequential, batch: 64}
      memory: {features: recompute}
      """
    let trial = Trial(try DecodedSpec(text), images: 256)
    let natural = try trial.natural
    var choices = PlanChoices()
    choices.forwardBatch = 4
    let smaller = try trial.spec.plan(images: 256, choices: choices)
    #expect(smaller.forwardArenaBytes < natural.forwardArenaBytes)
    #expect(smaller.trainingArenaBytes == natural.trainingArenaBytes)
    for (stage, other) in zip(smaller.stages, natural.stages) {
      #expect(stage.training.graph == other.training.graph && stage.evaluation.graph.batch == 4)
    }
    #expect(smaller.choiceEffects.map(\.results) == [.same])
    // Features are made from images beside all that the later stages keep; their steps start from the features.
    let late = Trial(
      try DecodedSpec(
        """
        strata: 1
        name: late
        network: {family: vgg, input: 3x16x16, widths: [64, 128, 128, 128, 128, 128, 128, 128]}
        downsampling: {kind: max-pool, before: [2, 3]}
        auxiliary: {kind: mlp, hidden: 2}
        training: {strategy: sequential, batch: 64}
        memory: {features: cache}
        """), images: 256)
    let whole = try late.natural
    try #require(whole.forwardArenaBytes > whole.trainingArenaBytes)
    let plan = try #require(try late.solve(whole.memory.peakBytes - 1))
    #expect(plan.memory.peakBytes < whole.memory.peakBytes)
    #expect(plan.choices.forwardBatch != nil && plan.choices.recomputeAboveBytes == nil)
  }

  @Test("similarity losses never pass in pieces")
  func similarity() throws {
    let text = Self.threeLayers.replacingOccurrences(
      of: "{kind: mlp-sr, convolutions: 1, hidden: 1}",
      with: "{kind: mlp-sr, convolutions: 1, hidden: 1, loss: predsim}")
    let trial = Trial(try DecodedSpec(text), images: 256)
    let smallest = try trial.solver(1).smallest()
    #expect(smallest.choices.microBatch == nil && smallest.choices.forwardBatch == nil)
    #expect(smallest.memory.peakBytes < (try trial.natural.memory.peakBytes))
    let plan = try #require(try trial.solve(smallest.memory.peakBytes))
    #expect(plan.choices.forwardBatch == nil && plan.memory.peakBytes <= smallest.memory.peakBytes)
    // A loss over the pairs of fewer images would be another one; a whole batch is none of fewer.
    var choices = PlanChoices()
    for (images, isRefused) in [(2, true), (63, true), (64, false)] {
      choices.forwardBatch = images
      do throws(SpecFaults) {
        _ = try trial.spec.plan(images: 256, choices: choices)
        #expect(!isRefused)
      } catch {
        #expect(isRefused && error.diagnostics.map(\.code) == ["E090"], "\(error)")
      }
    }
  }

  @Test("the largest batch fits and one more does not", arguments: [40, 90])
  func largestBatch(mebibytes: Int) throws {
    let trial = Trial(try DecodedSpec(Self.threeLayers), images: 1 << 20)
    let found = try LargestBatch.all(
      of: LoweredSpec(trial.spec.spec), options: trial.options, budgetBytes: mebibytes << 20)
    #expect(found.map(\.strategy) == [.endToEnd, .parallel, .sequential])
    #expect(found.allSatisfy { !$0.isAllImages })
    // Fewer images bound what memory does not, and a last batch of one is none for batch norm.
    let fewest = try #require(found.compactMap(\.batch).min())
    for images in [2, fewest - 1, fewest, fewest + 1] {
      let few = Trial(try DecodedSpec(Self.threeLayers), images: images)
      let bound = try LargestBatch.all(
        of: LoweredSpec(few.spec.spec), options: few.options, budgetBytes: mebibytes << 20)
      for (bound, free) in zip(bound, found) {
        let fits = min(images, free.batch ?? 0)
        let leavesOne = fits > 1 && images % fits == 1
        #expect((bound.natural?.batchWithDropLast ?? bound.batch) == fits)
        #expect((bound.natural?.batchWithDropLast == nil) == !leavesOne)
        let spec = try DecodedSpec(
          Self.threeLayers,
          sets: ["training.batch=\(bound.batch ?? 0)", "training.strategy=\(bound.strategy.rawValue)"])
        #expect(throws: Never.self) { try spec.plan(images: images) }
      }
      #expect(bound.map(\.isAllImages) == found.map { images <= $0.batch ?? 0 })
    }
    for figure in found {
      let batch = try #require(figure.batch)
      for (batch, fits) in [(batch, true), (batch + 1, false)] {
        let spec = try DecodedSpec(
          Self.threeLayers,
          sets: ["training.batch=\(batch)", "training.strategy=\(figure.strategy.rawValue)"])
        let plan = try spec.plan(images: batch)
        #expect((plan.memory.peakBytes <= mebibytes << 20) == fits, "\(figure.strategy) \(batch)")
      }
    }
  }
}
