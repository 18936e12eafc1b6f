package import Diagnostics
package import Planning
package import SpecLanguage

/// Finds a plan that stays within a budget: a search over `compile(spec, choices)`, what costs least first.
///
/// 1. The plan as it comes; with `partition: auto` in as few modules as fit, with one of the next two where they are needed.
/// 2. Pictures read from their files for every batch instead of kept: the same bits, for a few milliseconds a step.
/// 3. Values computed again instead of kept: the same bits, for more arithmetic.
/// 4. Convolutions by im2col instead of Winograd where they make the peak: equal up to rounding, and slower.
/// 5. Batches in pieces, the fewest that fit: gradients equal up to rounding, batch-norm statistics of smaller batches.
///
/// What the spec states is never changed.
package struct BudgetSolver {
  private let spec: Spec
  private let options: CompileOptions
  private let budgetBytes: Int
  private let natural: Plan

  /// - Throws: the faults of the spec.
  package init(_ spec: Spec, options: CompileOptions, budgetBytes: Int) throws(CompilationFailed) {
    self.spec = spec
    self.budgetBytes = budgetBytes
    var options = options
    options.budgetBytes = budgetBytes
    options.choices = PlanChoices()
    self.options = options
    natural = try Compiler(spec, options: options).plan(PlanChoices())
  }

  /// Nil where no plan of this spec fits.
  package func solve() -> Plan? {
    let found =
      isPartitionOpen
      ? fewest(upTo: natural.modules.count) { modules in
        var choices = PlanChoices()
        choices.modules = modules
        return inOnePiece(choices)
      } : inOnePiece(PlanChoices())
    if let found { return found }
    return inPieces(thrifty)
  }

  /// What costs next to nothing; with a partition left open, pieces of a batch come behind the finest one.
  private var thrifty: PlanChoices {
    var choices = PlanChoices()
    if isPartitionOpen { choices.modules = natural.modules.count }
    if options.facts.streamed != nil { choices.data = .streamed }
    return choices
  }

  private var isPartitionOpen: Bool {
    guard case .auto = spec.training.partition else { return false }
    return spec.training.strategy.value != .endToEnd
  }

  /// As it comes, with the data streamed, with values recomputed, with little scratch: whichever fits first.
  private func inOnePiece(_ choices: PlanChoices) -> Plan? {
    var choices = choices
    if let plan = plan(choices), fits(plan) { return plan }
    if options.facts.streamed != nil {
      choices.data = .streamed
      if let plan = plan(choices), fits(plan) { return plan }
    }
    return thriftier(choices)
  }

  /// With values recomputed, then with convolutions of little scratch as well.
  private func thriftier(_ choices: PlanChoices) -> Plan? {
    if let plan = recomputing(choices) { return plan }
    var choices = choices
    choices.scratch = .small
    return recomputing(choices)
  }

  private func fits(_ plan: Plan) -> Bool { plan.memory.peakBytes <= budgetBytes }

  /// Nil where a batch can't pass in these pieces.
  private func plan(_ choices: PlanChoices) -> Plan? {
    try? Compiler(spec, options: options).plan(choices, comparison: natural.comparison)
  }

  // MARK: - Recomputing

  /// The same choices with as much recomputed as the budget asks for; nil where that is not enough.
  private func recomputing(_ choices: PlanChoices) -> Plan? {
    guard let kept = plan(choices) else { return nil }
    if fits(kept) { return kept }
    let arenaLimit = budgetBytes - (kept.memory.peakBytes - kept.arenaBytes)
    guard arenaLimit > 0 else { return nil }
    // Evaluation has nothing to recompute.
    let fixed =
      kept.stages.flatMap { [$0.evaluation.arenaBytes, $0.feeding?.arenaBytes ?? 0] }
      + [kept.evaluation.arenaBytes]
    guard choices.scratch == .small || fixed.allSatisfy({ $0 <= arenaLimit }) else { return nil }
    var choices = choices
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
  private func inPieces(_ choices: PlanChoices) -> Plan? {
    let batch = natural.training.batch
    let fewest = fewest(upTo: batch) { pieces in
      pieces == 1 ? nil : thriftier(with(choices, pieces: pieces))
    }
    guard let fewest, fewest.recomputedShare > Self.feltShare else { return fewest }
    let pieces = fewest.choices.pieceCount(of: batch)
    for more in pieces + 1..<max(pieces + 1, min(2 * pieces, batch) + 1) {
      guard let plan = thriftier(with(choices, pieces: more)) else { continue }
      if plan.recomputedShare < fewest.recomputedShare / 4 { return plan }
    }
    return fewest
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
    for pieces in Self.ladder(upTo: natural.training.batch) {
      var choices = pieces == 1 ? thrifty : with(thrifty, pieces: pieces)
      for (limit, scratch) in [(nil, PlanChoices.ConvolutionScratch.fast), (1, .fast), (1, .small)] {
        choices.recomputeAboveBytes = limit
        choices.scratch = scratch
        if let plan = plan(choices), plan.memory.peakBytes < best.memory.peakBytes { best = plan }
      }
    }
    return best
  }
}
