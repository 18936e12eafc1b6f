internal import CostModel
internal import Diagnostics
internal import GraphIR
internal import Passes
internal import Planning
internal import SpecLanguage

/// The search of a `BudgetSolver`. Remembers what it has measured.
final class BudgetSearch {
  struct Found {
    var choices: PlanChoices
    var cost: PlanCost
    /// For as many threads as choices are counted for.
    var peakBytes: Int
  }

  private let compiler: Compiler
  private let candidates: PlanCandidates
  private let batch: Int
  private let features: FeatureWays
  /// Images that the programs which learn nothing can pass at the least; nil where they pass no fewer than a batch has.
  private let smallestForwardBatch: Int?
  private let note: ((BudgetSearchState) -> Void)?
  private var state = BudgetSearchState()
  private var measured: [PlanChoices: MeasuredPrograms?] = [:]

  init(_ compiler: Compiler, note: ((BudgetSearchState) -> Void)?) throws(CompilationFailed) {
    self.compiler = compiler
    self.note = note
    let (spec, facts) = (compiler.spec, compiler.options.facts)
    let network = compiler.network
    _ = try checkedTraining(of: spec, network, PlanChoices(), facts: facts, start: compiler.options.start)
    features = compiler.featureWays()
    smallestForwardBatch = compiler.smallestForwardBatch
    batch = spec.training.batch.value
    var isPartitionOpen = false
    if case .auto = spec.training.partition, spec.training.strategy.value != .endToEnd {
      isPartitionOpen = true
    }
    candidates = PlanCandidates(
      ways: features.ways + (features.withoutFeatures.map { [$0] } ?? []), batch: batch,
      mostModules: isPartitionOpen ? network.moduleCount : nil,
      takesPieces: spec.training.strategy.value != .asynchronous && !network.hasSimilarityLoss)
  }

  // MARK: - The cheapest

  /// Nil where no plan fits.
  func cheapest(within budget: Int) -> Found? {
    guard couldFit(budget) else { return nil }
    for group in candidates.groups {
      if let found = cheapest(of: group, within: budget) { return found }
    }
    return nil
  }

  /// The same of what changes no bit of a training.
  func cheapestOfSameBits(within budget: Int) throws(CompilationFailed) -> Found? {
    guard couldFit(budget) else { return nil }
    let natural = try compiler.defaultChoices()
    return cheapest(
      of: candidates.sameBits(as: natural), within: budget,
      keepsForwardBatch: natural.features != .recompute)
  }

  /// Whether the process itself leaves anything of it.
  private func couldFit(_ budget: Int) -> Bool {
    dataBytes(leastHolding) + RuntimeMemory().byteCount(threads: PlanChoices.countedThreads) < budget
  }

  private func cheapest(
    of group: PlanCandidates.Group, within budget: Int, keepsForwardBatch: Bool = false
  ) -> Found? {
    var best: Found?
    for variant in fitting(group, within: budget).sorted(by: { $0.cost < $1.cost }) {
      if let best, best.cost < variant.cost { break }
      for found in plans(
        of: variant, within: budget, cheapestOnly: true, keepsForwardBatch: keepsForwardBatch)
      {
        if best.map({ found.cost < $0.cost }) ?? true { best = found }
      }
      tell(best?.peakBytes)
    }
    return best
  }

  /// Variants that may fit. Where a batch passes in pieces, smaller ones never need more at the most demanding node.
  private func fitting(_ group: PlanCandidates.Group, within budget: Int) -> PlanCandidates.Group {
    guard group.contains(where: { $0.cost.isInPieces }) else { return group }
    return Dictionary(grouping: group) { $0.cost.way }.sorted { $0.key < $1.key }.flatMap { _, variants in
      var (tooFew, enough) = (-1, variants.count)
      while enough - tooFew > 1 {
        let middle = (tooFew + enough) / 2
        if floorBytes(of: variants[middle]).map({ $0 <= budget }) ?? true {
          enough = middle
        } else {
          tooFew = middle
        }
      }
      return Array(variants[enough...])
    }
  }

  /// Nothing of a variant needs less; nil where it can't be.
  private func floorBytes(of variant: PlanCandidates.Variant) -> Int? {
    // Scratch hangs on algorithms: without it all of a kind have the same floor.
    var choices = variant.choices
    (choices.scratch, choices.scratchThreads) = (.fast, nil)
    guard let programs = programs(choices) else { return nil }
    let arena = programs.stages.map { max($0.floorBytesWithoutScratch, $0.feeding.arenaBytes) }.max() ?? 0
    return arena + dataBytes(leastHolding) + RuntimeMemory().byteCount(threads: PlanChoices.countedThreads)
  }

  // MARK: - The smallest

  /// The plan that needs the least; of equal ones the cheapest.
  func smallest() -> Found? {
    var best: Found?
    for group in candidates.groups.reversed() {
      for variant in group.reversed() {
        let limit = best?.peakBytes ?? .max
        guard let floor = floorBytes(of: variant), floor <= limit else {
          // Larger pieces of the same way need no less.
          continue
        }
        for found in plans(of: variant, within: limit, cheapestOnly: false) {
          guard let known = best else {
            best = found
            continue
          }
          if (found.peakBytes, found.cost) < (known.peakBytes, known.cost) { best = found }
        }
        tell(best?.peakBytes)
      }
    }
    return best
  }

  // MARK: - Variants

  /// What there is of a variant within a budget.
  ///
  /// - Parameter cheapestOnly: what is dearer than another of them may be left out.
  private func plans(
    of variant: PlanCandidates.Variant, within budget: Int, cheapestOnly: Bool,
    keepsForwardBatch: Bool = false
  ) -> [Found] {
    func fitting(
      _ variant: PlanCandidates.Variant, _ programs: MeasuredPrograms, _ learning: Needs, _ work: TrainingWork
    ) -> [Found] {
      self.fitting(
        variant, programs, learning, work, within: budget, cheapestOnly: cheapestOnly,
        keepsForwardBatch: keepsForwardBatch)
    }
    if variant.choices.scratch == .small {
      return small(variant, within: budget).flatMap { fitting($0, $1, $1.learning, $1.work) }
    }
    guard let programs = programs(variant.choices) else { return [] }
    let whole = fitting(variant, programs, programs.learning, programs.work)
    if cheapestOnly, !whole.isEmpty { return whole }
    let arenaLimit =
      budget - dataBytes(leastHolding)
      - programs.learning.runtime.byteCount(threads: PlanChoices.countedThreads)
    // Pieces come in steps of their own: one ladder has to do.
    let ladders = variant.cost.isInPieces ? 0..<1 : 0..<RecomputeRungs.perDoubling
    var found = whole
    for ladder in ladders {
      programs.recomputed(ladder: ladder, within: arenaLimit) { recomputed in
        var variant = variant
        variant.choices.recomputeAboveBytes = recomputed.rung
        variant.choices.scratchThreads = PlanChoices.countedThreads
        variant.cost.depth = recomputed.depth
        let plans = fitting(variant, programs, recomputed.learning, recomputed.work)
        found += plans
        return cheapestOnly && !plans.isEmpty
      }
    }
    return found
  }

  /// A variant with little scratch at each of the rungs that it has: convolutions change with them, so that each is a plan of
  /// its own from the ground. Few have to do, and in pieces only the last.
  private func small(
    _ variant: PlanCandidates.Variant, within budget: Int
  ) -> [(PlanCandidates.Variant, MeasuredPrograms)] {
    guard let floor = floorBytes(of: variant), floor <= budget else { return [] }
    var choices = variant.choices
    (choices.scratch, choices.scratchThreads) = (.fast, nil)
    guard let start = programs(choices)?.stages.map(\.neededBytes).max() else { return [] }
    let rungs = variant.cost.isInPieces ? [] : [start / 2, start / 4, start / 8].map { $0 & ~63 }
    return (rungs.filter { $0 > 1 } + [1]).enumerated().compactMap { index, rung in
      var variant = variant
      variant.choices.recomputeAboveBytes = rung
      variant.cost.depth = index + 1
      return programs(variant.choices).map { (variant, $0) }
    }
  }

  /// A plan whose training is settled, with each way to hold its data on as many images as there is room for where nothing
  /// learns: the cheapest first.
  private func fitting(
    _ variant: PlanCandidates.Variant, _ programs: MeasuredPrograms, _ learning: Needs, _ work: TrainingWork,
    within budget: Int, cheapestOnly: Bool, keepsForwardBatch: Bool
  ) -> [Found] {
    var cost = variant.cost
    cost.work += work.recomputedShare
    // Where features could be kept, in memory at least, running their modules in every step is work on top.
    if variant.choices.features == .recompute, features.ways.contains(where: { $0.features != .recompute }) {
      cost.work += work.frozenShare
    }
    let atOnce = min(variant.choices.microBatch ?? .max, batch)
    let smaller =
      keepsForwardBatch
      ? [] : PlanCandidates.forwardBatches(below: atOnce, downTo: smallestForwardBatch)
    var found: [Found] = []
    for (index, holding) in holdings.enumerated() {
      guard peakBytes(learning, holding) <= budget else { continue }
      // As many as can be; where the smallest is looked for, it is mostly that of the fewest.
      let steps = Array(([nil] + smaller).enumerated())
      for (step, images) in cheapestOnly ? steps : steps.reversed() {
        guard let forward = programs.forward(images: images) else { continue }
        let all = learning.union(forward)
        if peakBytes(all, holding) <= budget {
          var choices = variant.choices
          (choices.data, choices.forwardBatch) = (holding, images)
          (cost.holding, cost.forward) = (index, step)
          found.append(Found(choices: choices, cost: cost, peakBytes: peakBytes(all, holding)))
          if cheapestOnly { return found }
        }
        // What learns makes the peak: other pieces elsewhere spare nothing.
        if all.arenaBytes == learning.arenaBytes,
          all.runtime.productBufferBytes == learning.runtime.productBufferBytes
        {
          break
        }
      }
    }
    return found
  }

  private func programs(_ choices: PlanChoices) -> MeasuredPrograms? {
    if let known = measured[choices] { return known }
    let programs = MeasuredPrograms(compiler, choices, threads: PlanChoices.countedThreads)
    measured[choices] = .some(programs)
    state.count += 1
    return programs
  }

  /// What a plan with these choices needs on so many threads; nil where it can't be.
  func peakBytes(_ choices: PlanChoices, threads: Int) -> Int? {
    var learning = choices
    learning.forwardBatch = nil
    guard let programs = MeasuredPrograms(compiler, learning, threads: threads),
      let forward = programs.forward(images: choices.forwardBatch)
    else { return nil }
    return peakBytes(programs.learning.union(forward), choices.data, threads: threads)
  }

  /// As many threads as fit of those that were asked for, or `least`, which do.
  func threads(upTo asked: Int, with choices: PlanChoices, within budget: Int, atLeast least: Int) -> Int {
    func fits(_ threads: Int) -> Bool {
      peakBytes(choices, threads: threads).map { $0 <= budget } ?? false
    }
    if asked == least || fits(asked) { return asked }
    // More threads take more memory, so that those that fit can be searched in halves.
    var (most, tooMany) = (least, max(asked, least + 1))
    while tooMany - most > 1 {
      let middle = (most + tooMany) / 2
      if fits(middle) { most = middle } else { tooMany = middle }
    }
    return most
  }

  private func tell(_ peakBytes: Int?) {
    state.peakBytes = peakBytes
    note?(state)
  }

  // MARK: - Bytes

  /// Where the data can be, the fastest first.
  private var holdings: [PlanChoices.DataHolding] {
    compiler.options.facts.streamed == nil ? [.resident] : [.resident, .streamed]
  }

  private var leastHolding: PlanChoices.DataHolding {
    holdings.min { dataBytes($0) < dataBytes($1) } ?? .resident
  }

  private func dataBytes(_ holding: PlanChoices.DataHolding, threads: Int = PlanChoices.countedThreads) -> Int
  {
    compiler.options.facts.residentBytes(holding, threads: threads)
  }

  private func peakBytes(
    _ needs: Needs, _ holding: PlanChoices.DataHolding, threads: Int = PlanChoices.countedThreads
  ) -> Int {
    needs.arenaBytes + dataBytes(holding, threads: threads) + needs.runtime.byteCount(threads: threads)
      + compiler.options.facts.openingBytes(holding, threads: threads, beyond: needs.arenaBytes)
  }
}

extension Compiler {
  /// Images that programs which learn nothing can pass at the least; nil where they pass no fewer than a batch has.
  fileprivate var smallestForwardBatch: Int? {
    // Losses of pairs are those of a whole batch.
    guard !network.hasSimilarityLoss else { return nil }
    var single = spec
    single.training.batch.value = 1
    // A batch norm of single pixels can be lowered for two images, not for one.
    let smallest = (try? lower(single)) == nil ? 2 : 1
    return smallest < spec.training.batch.value ? smallest : nil
  }
}
