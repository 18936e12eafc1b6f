internal import Artifacts
internal import Diagnostics
internal import Pipeline
internal import Planning
internal import SpecLanguage
internal import Terminal
internal import Text

/// Options about ranks that several commands share.
enum RankOptions {
  static let counts = 1...1000

  static let ranks = ValueOption(
    "ranks", .integer(in: counts),
    "split the modules of parallel training on so many ranks, and plan each: a budget is each rank's")

  static let rank = ValueOption(
    "rank", .integer("R", in: 0...counts.upperBound - 1), "look at one rank; ranks count from 0")

  static let link = ValueOption(
    "link",
    ValueForm<LinkRate>("RATE", completion: .words(["1Gbit/s", "10Gbit/s", "100Gbit/s"])) { text in
      LinkRate(text).map { .success($0) }
        ?? .failure(ValueFault(expected: "a rate like 10Gbit/s or 100Mbit/s"))
    }, "with '--ranks': the speed of the links, to tell what they allow")
}

extension LoadedSpec {
  /// Compiles for one process and for so many ranks, each within the budget of the command line or the spec; every fault is told.
  /// Nothing is chosen for the budget.
  func plan(
    ranks count: Int, threads: Int, budget: MemorySize?, dataPath: String?, withFingerprint: Bool,
    _ session: Session
  ) throws(CommandFailure) -> CompiledSpec {
    let compiled = try plan(
      threads: threads, choices: nil, budgetBytes: nil, dataPath: dataPath,
      withFingerprint: withFingerprint, session)
    var compiler = try checked(session) { _ throws(CompilationFailed) in
      try RankCompiler(compiled.lowered, compiled.plan, count: count)
    }
    let costs = Calibration.model(threads: threads)?.rankCosts(of: compiler.whole()) ?? compiler.costs()
    let budget = Budget(budget, spec: spec)
    budget?.tell(session)
    var plan = compiled.plan
    let ranks = compiler.ranks(compiler.groups(costs, count: count), budgetBytes: budget?.byteCount)
    if let budget, ranks.largest.memory.peakBytes > budget.usableByteCount {
      throw shortfall(of: ranks, budget, costs, &compiler, session)
    }
    plan.ranks = ranks
    return CompiledSpec(lowered: compiled.lowered, plan: plan)
  }

  /// A rank that does not fit, and how many ranks would do.
  private func shortfall(
    of ranks: RankedPlan, _ budget: Budget, _ costs: RankCosts, _ compiler: inout RankCompiler,
    _ session: Session
  ) -> CommandFailure {
    let fitting = compiler.fewestRanks(costs, within: budget.usableByteCount)
    let (count, largest) = (ranks.ranks.count, ranks.largest)
    let most = compiler.mostRanks(costs)
    let smallest = BudgetMargin.budget(forPeak: largest.memory.peakBytes)
    if session.json {
      session.output.write(
        JSONWriter.document(
          .object([
            ("schema", "strata.over-budget/1"), ("name", .string(spec.name.value)),
            ("budgetBytes", .integer(budget.byteCount)), ("ranks", .integer(count)),
            ("rank", .integer(largest.rank)), ("peakBytes", .integer(largest.memory.peakBytes)),
            ("smallestBudgetBytes", .integer(smallest)),
            ("fittingRanks", .optional(fitting) { .integer($0.ranks.count) }),
          ])))
      return CommandFailure(.overBudget, [])
    }
    let help: String
    if let fitting {
      let peak = byteSize(fitting.largest.memory.peakBytes)
      help = "the smallest number of ranks that fits: --ranks \(fitting.ranks.count), each at most \(peak)"
    } else {
      let least = most.largest
      help =
        "no number of ranks fits: with a rank for each module, rank \(least.rank) takes "
        + "\(byteSize(least.memory.peakBytes)); make the batch smaller"
    }
    return CommandFailure(
      .overBudget,
      "rank \(largest.rank) of \(count) takes \(byteSize(largest.memory.peakBytes)) "
        + "(\(grouped(largest.memory.peakBytes)) bytes), and a budget of \(byteSize(budget.byteCount)) is each rank's: "
        + "the smallest that would do for \(count): --budget \(smallest)B",
      help: help)
  }
}

extension CompiledSpec {
  /// With the ranks that a plan's file names.
  func withRanks(of stored: PlanLock, _ loaded: LoadedSpec, _ session: Session) throws(CommandFailure) -> Self
  {
    guard let ranks = stored.ranks else { return self }
    guard RankOptions.counts.contains(ranks.groups.count) else { throw LoadedPlan.edited(stored.path) }
    var compiler = try loaded.checked(session) { _ throws(CompilationFailed) in
      try RankCompiler(lowered, self.plan, count: ranks.groups.count)
    }
    guard compiler.isCut(ranks.groups) else { throw LoadedPlan.edited(stored.path) }
    var plan = plan
    plan.ranks = compiler.ranks(ranks.groups, budgetBytes: ranks.budgetBytes)
    return CompiledSpec(lowered: lowered, plan: plan)
  }
}

extension Plan {
  /// Of a plan that has ranks.
  func rank(_ number: Int) throws(CommandFailure) -> RankPlan {
    guard let ranks = ranks?.ranks else {
      throw CommandFailure(
        .faultyInput, "the plan is for one process, and has no ranks", help: "plan for ranks with --ranks N")
    }
    guard number < ranks.count else {
      throw CommandFailure(
        .faultyInput, "there is no rank \(number): the plan has \(ranks.count), from 0 to \(ranks.count - 1)")
    }
    return ranks[number]
  }

  /// - Throws: where the plan is for several ranks.
  func requireOneProcess() throws(CommandFailure) {
    guard let count = ranks?.ranks.count, count > 1 else { return }
    throw CommandFailure(
      .faultyInput, "the plan of '\(name)' is for \(count) ranks, and 'strata run' trains in one process",
      help: "run its spec, or plan again without --ranks: the weights are those of one process")
  }
}
