import Artifacts
import CompilerSupport
import Foundation
import Pipeline
import Planning
import SpecLanguage
import Testing

/// What must hold of budgets for every spec, tried on specs that are drawn from seeds: `STRATA_BUDGETS` sets how many,
/// `STRATA_BUDGETS_FROM` which is the first.
@Suite("Budgets of random specs")
struct BudgetCampaignTests {
  private static let usualCount = 5
  private static let budgetCount = 8
  static let seeds: Range<Int> = {
    func number(_ name: String) -> Int? { ProcessInfo.processInfo.environment[name].flatMap { Int($0) } }
    let first = number("STRATA_BUDGETS_FROM") ?? 0
    return first..<first + (number("STRATA_BUDGETS") ?? usualCount)
  }()

  /// A spec with data and threads.
  private struct Trial {
    let seed: Int
    let text: String
    let options: CompileOptions
    let decoded: DecodedSpec

    init(seed: Int) throws {
      self.seed = seed
      let random = RandomSpec(seed: 2000 + seed)
      var lines = random.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      // Every third spec leaves its partition open.
      if seed % 3 == 0, let place = lines.firstIndex(where: { $0.contains("partition:") }),
        !random.text.contains("compression")
      {
        lines[place] = "  partition: auto"
      }
      text = lines.joined(separator: "\n")
      decoded = try DecodedSpec(text)
      let streamed = DataFacts.Share(byteCount: 4096, byteCountPerThread: 512)
      options = CompileOptions(
        threads: [1, 2, 3, 8][seed % 4],
        facts: DataFacts(
          trainCount: random.images, testCount: random.images, residentBytes: 100_000 + seed * 100,
          streamed: seed % 2 == 0 ? streamed : nil, fingerprint: nil), specText: resolvedText(decoded.spec))
    }

    var comment: Comment { "seed \(seed), \(options.threads) threads:\n\(text)" }

    func solver(_ spec: Spec, _ budget: Int, threads: Int? = nil) throws -> BudgetSolver {
      var options = options
      options.threads = threads ?? options.threads
      return try BudgetSolver(LoweredSpec(spec), options: options, budgetBytes: budget)
    }

    func natural(_ spec: Spec, threads: Int = 2) throws -> Plan {
      var options = options
      options.threads = threads
      return try compile(LoweredSpec(spec), options: options)
    }
  }

  /// Read from the plan itself: modules of an open partition, pieces, little scratch, multiply-adds on top.
  private func cost(_ plan: Plan, batch: Int) -> [Double] {
    let pieces = plan.choices.pieces.count(of: batch)
    // Not those of `choiceEffects`, which are on top of the plan that chose nothing, where frozen modules may run too. Stages
    // that read features and run some modules all the same do so because that takes less time.
    let extra = plan.recomputedShare + (plan.choices.features == .recompute ? plan.frozenShare : 0)
    // Each doubling of pieces is as dear as twice the step, each half doubling as one.
    let steps = pieces == 1 ? 0 : Double(pieceStep(plan.choices, batch: batch))
    return [
      Double(plan.choices.modules ?? 1), pieces > 1 ? 1 : 0, plan.choices.scratch == .small ? 1 : 0,
      extra + steps * PlanCost.pieceStep,
    ]
  }

  private func pieceStep(_ choices: PlanChoices, batch: Int) -> Int {
    var ladder = [1]
    var power = 2
    while power <= batch {
      ladder += [power, power * 3 / 2].filter { $0 <= batch && $0 > ladder[ladder.count - 1] }
      power *= 2
    }
    if ladder[ladder.count - 1] < batch { ladder.append(batch) }
    return ladder.firstIndex { (batch + $0 - 1) / $0 == choices.microBatch } ?? 0
  }

  @Test(
    "a plan for every budget from the smallest on, and none costs more than one for less", arguments: seeds)
  func rising(seed: Int) throws {
    let trial = try Trial(seed: seed)
    let spec = trial.decoded.spec
    let smallest = try trial.solver(spec, 1).smallest().memory.peakBytes
    #expect(try trial.solver(spec, smallest - 1).solve() == nil, trial.comment)
    let top = try max(smallest, trial.natural(spec).memory.peakBytes)
    var before: (cost: [Double], solverCost: PlanCost)?
    for step in 0..<Self.budgetCount {
      let budget = smallest + (top - smallest) * step / (Self.budgetCount - 1)
      let solver = try trial.solver(spec, budget)
      let plan = try #require(solver.solve(), "\(budget) bytes, \(trial.comment)")
      #expect(plan.memory.peakBytes <= budget && plan.budgetBytes == budget, trial.comment)
      #expect(plan.threads <= trial.options.threads || plan.threads == 2, trial.comment)
      let own = cost(plan, batch: spec.training.batch.value)
      let solverCost = try #require(solver.cost())
      if let before {
        #expect(!before.cost.lexicographicallyPrecedes(own), "\(budget) bytes, \(trial.comment)")
        #expect(solverCost <= before.solverCost, "\(budget) bytes, \(trial.comment)")
      }
      before = (own, solverCost)
      // No number of threads chooses otherwise.
      let other = try #require(try trial.solver(spec, budget, threads: 5).solve(), trial.comment)
      #expect(other.choices == plan.choices && other.memory.peakBytes <= budget, trial.comment)
    }
  }

  @Test("the largest batch is planned, and one more is not, or in another way", arguments: seeds)
  func largestBatch(seed: Int) throws {
    let trial = try Trial(seed: seed)
    let natural = try trial.natural(trial.decoded.spec)
    let budget = natural.memory.peakBytes - natural.arenaBytes / 8 + natural.arenaBytes * (seed % 5) / 8
    let found = try LargestBatch.all(
      of: LoweredSpec(trial.decoded.spec), options: trial.options, budgetBytes: budget)
    for strategy in found {
      func spec(_ batch: Int) -> Spec? {
        try? DecodedSpec(
          trial.text,
          sets: ["training.strategy=\(strategy.strategy.rawValue)", "training.batch=\(batch)"]
            + strategy.keysLeftOut.map { "\($0)=null" }
        ).spec
      }
      func solve(_ spec: Spec) -> Plan? { try? trial.solver(spec, budget).solve() }
      func naturalPeak(_ spec: Spec) -> Int? {
        try? trial.natural(spec, threads: max(2, trial.options.threads)).memory.peakBytes
      }
      let note: Comment = "\(strategy.strategy), \(budget) bytes, \(trial.comment)"
      if let figure = strategy.natural, let fits = spec(figure.batch), let more = spec(figure.batch + 1) {
        #expect(naturalPeak(fits) == figure.peakBytes && figure.peakBytes <= budget, note)
        #expect(solve(fits) != nil, note)
        if !figure.isAllImages { #expect(naturalPeak(more).map { $0 > budget } ?? true, note) }
        // Where a budget chooses the modules there is no batch of the same bits to speak of.
        let leavesModules = trial.text.contains("partition: auto") && strategy.strategy != .endToEnd
        #expect(strategy.choosesModules == leavesModules, note)
        #expect(
          leavesModules ? strategy.sameBits == nil : (strategy.sameBits?.batch ?? 0) >= figure.batch, note)
      }
      if let figure = strategy.sameBits, let fits = spec(figure.batch), let more = spec(figure.batch + 1) {
        let plan = solve(fits)
        #expect(plan != nil && plan?.choices.microBatch == nil && plan?.choices.scratch == .fast, note)
        if !figure.isAllImages, figure.batchWithDropLast == nil, let larger = solve(more) {
          let effects = larger.choiceEffects.filter { $0.results != .same }
          #expect(!effects.isEmpty, note)
        }
      }
    }
  }
}
