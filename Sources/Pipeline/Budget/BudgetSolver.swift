package import Diagnostics
package import Planning
package import SpecLanguage

/// Finds a plan that stays within a budget: a search over `compile(spec, choices)`, what costs least first.
///
/// 1. The plan as it comes, with what frozen modules give kept in memory; then in a file, where it is kept at all; then kept by
///    all stages that have a frozen prefix, because they are smaller without it. With `partition: auto` in as few modules as fit,
///    with one of the next steps where they are needed.
/// 2. Programs that learn nothing, where they make the peak, on fewer pictures at once.
/// 3. Pictures read from their files for every batch instead of kept: the same bits, for a few milliseconds a step.
/// 4. Values computed again instead of kept: the same bits, for more arithmetic.
/// 5. Convolutions by im2col instead of Winograd where they make the peak: equal up to rounding, and slower.
/// 6. Frozen modules run in every step, where the programs that make features are what is too much.
/// 7. Batches in pieces, the fewest that fit: gradients equal up to rounding, batch-norm statistics of smaller batches.
///
/// What the spec states is never changed.
package struct BudgetSolver {
  private let spec: Spec
  private let options: CompileOptions
  private let budgetBytes: Int
  private let natural: Plan
  private let features: FeatureWays
  /// Pictures that the programs which learn nothing can pass at the least; nil where they pass no fewer than a batch has.
  private let smallestForwardBatch: Int?

  /// - Throws: the faults of the spec.
  package init(_ spec: Spec, options: CompileOptions, budgetBytes: Int) throws(CompilationFailed) {
    self.spec = spec
    self.budgetBytes = budgetBytes
    var options = options
    options.budgetBytes = budgetBytes
    options.choices = nil
    self.options = options
    let compiler = Compiler(spec, options: options)
    natural = try compiler.naturalPlan()
    features = try compiler.featureWays()
    smallestForwardBatch = try compiler.smallestForwardBatch()
  }

  /// Nil where no plan of this spec fits.
  package func solve() -> Plan? {
    let found =
      isPartitionOpen
      ? fewest(upTo: natural.modules.count) { inOnePiece(modules: $0) } : inOnePiece(modules: nil)
    return found ?? inPieces()
  }

  private var isPartitionOpen: Bool {
    guard case .auto = spec.training.partition else { return false }
    return spec.training.strategy.value != .endToEnd
  }

  /// As it comes, with the data streamed, with values recomputed, with little scratch: whichever fits first.
  private func inOnePiece(modules: Int?) -> Plan? {
    func with(_ choices: PlanChoices, _ data: PlanChoices.DataHolding) -> PlanChoices {
      var choices = choices
      choices.modules = modules
      choices.data = data
      return choices
    }
    func fitting(_ ways: [PlanChoices]) -> Plan? {
      for data in holdings {
        if let plan = first(of: ways, { asItComes(with($0, data)) }) { return plan }
      }
      return first(of: ways) { thriftier(with($0, leastHolding)) }
    }
    return fitting(features.ways) ?? fitting(features.withoutFeatures.map { [$0] } ?? [])
  }

  /// The plan of the first way that gives one.
  private func first(of ways: [PlanChoices], _ plan: (PlanChoices) -> Plan?) -> Plan? {
    for way in ways {
      if let plan = plan(way) { return plan }
    }
    return nil
  }

  /// Where the data can be, the fastest first.
  private var holdings: [PlanChoices.DataHolding] {
    options.facts.streamed == nil ? [.resident] : [.resident, .streamed]
  }

  private var leastHolding: PlanChoices.DataHolding { holdings[holdings.count - 1] }

  /// With nothing but the programs that learn nothing made smaller.
  private func asItComes(_ choices: PlanChoices) -> Plan? {
    guard let plan = plan(choices) else { return nil }
    if fits(plan) { return plan }
    guard plan.trainingArenaBytes <= arenaLimit(plan) else { return nil }
    let smaller = withForwardPieces(plan)
    return fits(smaller) ? smaller : nil
  }

  /// With values recomputed, then with convolutions of little scratch as well; features in memory would only be in the way.
  private func thriftier(_ choices: PlanChoices) -> Plan? {
    guard choices.features != .memory,
      let least = first(of: extremes(of: choices), { plan($0).flatMap { fits($0) ? $0 : nil } })
    else { return nil }
    if let plan = recomputing(choices) { return plan }
    var choices = choices
    choices.scratch = .small
    // What the search is too coarse to find is there all the same.
    return recomputing(choices) ?? least
  }

  /// The same choices with all that makes a plan smaller, whatever it costs. Mostly the first needs the least; a layout with
  /// more in it may still be the smaller one.
  private func extremes(of choices: PlanChoices) -> [PlanChoices] {
    let limits: [(Int?, PlanChoices.ConvolutionScratch)] = [(1, .small), (1, .fast), (nil, .fast)]
    return limits.map { limit, scratch in
      var choices = choices
      choices.forwardBatch = smallestForwardBatch
      choices.recomputeAboveBytes = limit
      choices.scratch = scratch
      return choices
    }
  }

  private func fits(_ plan: Plan) -> Bool { plan.memory.peakBytes <= budgetBytes }

  /// What the budget leaves for the arena of a plan with these programs.
  private func arenaLimit(_ plan: Plan) -> Int {
    budgetBytes - (plan.memory.peakBytes - plan.arenaBytes)
  }

  /// Nil where a batch can't pass in these pieces.
  private func plan(_ choices: PlanChoices) -> Plan? {
    try? Compiler(spec, options: options).plan(choices, comparison: natural.comparisonWithoutChoices)
  }

  // MARK: - Evaluation in pieces

  /// The same plan with programs that learn nothing on fewer pictures at once, as many as the budget has room for; where it
  /// has no room for any, as few as can be.
  private func withForwardPieces(_ whole: Plan) -> Plan {
    let limit = arenaLimit(whole)
    func plan(_ forwardBatch: Int) -> Plan? {
      var choices = whole.choices
      choices.forwardBatch = forwardBatch
      return self.plan(choices)
    }
    let atOnce = min(whole.choices.microBatch ?? .max, natural.training.batch)
    guard let smallestForwardBatch, whole.forwardArenaBytes > limit, atOnce > smallestForwardBatch,
      let least = plan(smallestForwardBatch), least.forwardArenaBytes < whole.forwardArenaBytes
    else { return whole }
    guard least.forwardArenaBytes <= limit else { return least }
    for pieces in Self.ladder(upTo: atOnce).dropFirst() {
      let pictures = (atOnce + pieces - 1) / pieces
      if pictures > smallestForwardBatch, let plan = plan(pictures), plan.forwardArenaBytes <= limit {
        return plan
      }
    }
    return least
  }

  // MARK: - Recomputing

  /// The same choices with as much recomputed as the budget asks for; nil where that is not enough.
  private func recomputing(_ choices: PlanChoices) -> Plan? {
    guard let whole = plan(choices) else { return nil }
    if fits(whole) { return whole }
    let kept = withForwardPieces(whole)
    if fits(kept) { return kept }
    let arenaLimit = arenaLimit(kept)
    guard arenaLimit > 0 else { return nil }
    // Programs without a backward pass have nothing to recompute.
    let fixed = kept.stages.compactMap { $0.feeding?.arenaBytes }.reduce(kept.forwardArenaBytes, max)
    guard choices.scratch == .small || fixed <= arenaLimit else { return nil }
    var choices = kept.choices
    // What is live fits, but the layout may need a little more: aim lower by as much.
    var limit = arenaLimit
    for _ in 0..<Self.aims {
      choices.recomputeAboveBytes = limit
      guard let plan = plan(choices) else { return nil }
      if fits(plan) { return plan }
      limit -= max(plan.arenaBytes - arenaLimit, limit >> 8)
      if limit <= 0 { break }
    }
    choices.recomputeAboveBytes = 1
    return plan(choices).flatMap { fits($0) ? $0 : nil }
  }

  private static let aims = 4

  // MARK: - Pieces

  /// The fewest pieces that fit, with as much recomputed as they need; or up to twice as many, where these spare most of a
  /// recomputation that would be felt.
  private func inPieces() -> Plan? {
    let batch = natural.training.batch
    func inPieces(_ pieces: Int) -> Plan? { first(of: thrifty) { thriftier(with($0, pieces: pieces)) } }
    let fewest = fewest(upTo: batch) { $0 == 1 ? nil : inPieces($0) }
    guard let fewest, fewest.recomputedShare > Self.feltShare else { return fewest }
    let pieces = fewest.choices.pieceCount(of: batch)
    for more in pieces + 1..<max(pieces + 1, min(2 * pieces, batch) + 1) {
      guard let plan = inPieces(more) else { continue }
      if plan.recomputedShare < fewest.recomputedShare / 4 { return plan }
    }
    return fewest
  }

  /// What costs next to nothing; with a partition left open, pieces of a batch come behind the finest one.
  private var thrifty: [PlanChoices] {
    (features.ways + (features.withoutFeatures.map { [$0] } ?? [])).map { choices in
      var choices = choices
      if isPartitionOpen { choices.modules = natural.modules.count }
      choices.data = leastHolding
      return choices
    }
  }

  /// Of a step's multiply-adds.
  private static let feltShare = 0.05

  /// The plan of the smallest number that gives one, where larger numbers need less memory or nearly always do.
  private func fewest(upTo limit: Int, _ plan: (Int) -> Plan?) -> Plan? {
    var tooFew = 0
    for number in Self.ladder(upTo: limit) {
      guard var best = plan(number) else {
        tooFew = number
        continue
      }
      var enough = number
      while enough - tooFew > 1 {
        let middle = (tooFew + enough) / 2
        if let plan = plan(middle) {
          (best, enough) = (plan, middle)
        } else {
          tooFew = middle
        }
      }
      return best
    }
    return nil
  }

  private func with(_ choices: PlanChoices, pieces: Int) -> PlanChoices {
    var choices = choices
    let batch = natural.training.batch
    choices.microBatch = (batch + pieces - 1) / pieces
    return choices
  }

  /// 1, 2, 3, 4, 6, 8, 12, ... and `limit`.
  private static func ladder(upTo limit: Int) -> [Int] {
    var numbers = [1]
    var power = 2
    while power <= limit {
      numbers += [power, power + power / 2].filter { $0 <= limit && $0 > numbers[numbers.count - 1] }
      power *= 2
    }
    if numbers[numbers.count - 1] < limit { numbers.append(limit) }
    return numbers
  }

  // MARK: - The least that will do

  /// The plan of this spec that needs the least, whatever the budget.
  package func smallest() -> Plan {
    var best = natural
    for thrifty in thrifty where thrifty.features != .memory {
      for pieces in Self.ladder(upTo: natural.training.batch) {
        for choices in extremes(of: pieces == 1 ? thrifty : with(thrifty, pieces: pieces)) {
          if let plan = plan(choices), plan.memory.peakBytes < best.memory.peakBytes { best = plan }
        }
      }
    }
    return best
  }
}

extension Compiler {
  /// Pictures that programs which learn nothing can pass at the least; nil where they pass no fewer than a batch has.
  fileprivate func smallestForwardBatch() throws(CompilationFailed) -> Int? {
    // Losses of pairs are those of a whole batch.
    guard try !lower(spec).hasSimilarityLoss else { return nil }
    var single = spec
    single.training.batch.value = 1
    // A batch norm of single pixels can be lowered for two pictures, not for one.
    let smallest = (try? lower(single)) == nil ? 2 : 1
    return smallest < spec.training.batch.value ? smallest : nil
  }
}
