package import Diagnostics
package import Planning
internal import SpecLanguage

/// Finds the cheapest plan that stays within a budget.
///
/// What a plan may choose from (`PlanCandidates`) and what it costs (`PlanCost`) do not hang on the budget, which only leaves out
/// what is too large: a plan that fits a smaller budget is there for a larger one, and no larger one costs more. From cheap to dear:
///
/// 1. The plan as it comes, with what frozen modules give kept in memory; then in a file, where it is kept at all; then kept by
///    all stages that have a frozen prefix, because they are smaller without it; programs that learn nothing on fewer images
///    at once; images read from their files for every batch. With `partition: auto` in as few modules as fit.
/// 2. Values computed again instead of kept, and frozen modules run in every step: whichever takes fewer multiply-adds.
/// 3. Convolutions by im2col instead of Winograd where they make the peak: equal up to rounding, and slower.
/// 4. Batches in pieces: gradients equal up to rounding, batch-norm statistics of smaller batches.
///
/// What is chosen hangs on the spec, its data and the budget, and not on the number of threads: memory is counted for two while
/// something is chosen. As many threads as the budget has room for then run the plan. What the spec states is never changed.
package struct BudgetSolver {
  private let search: BudgetSearch
  private let compiler: Compiler
  private let budgetBytes: Int

  /// - Parameters:
  ///   - budgetBytes: what the plan may take.
  ///   - statedBytes: what the plan is to say that it was asked to stay within; nil for the same.
  ///   - note: is told how the search goes, often.
  /// - Throws: the faults of the spec.
  package init(
    _ lowered: LoweredSpec, options: CompileOptions, budgetBytes: Int, statedBytes: Int? = nil,
    note: ((BudgetSearchState) -> Void)? = nil
  ) throws(CompilationFailed) {
    var options = options
    options.budgetBytes = statedBytes ?? budgetBytes
    options.choices = nil
    self.budgetBytes = budgetBytes
    compiler = Compiler(lowered, options: options)
    search = try BudgetSearch(compiler, note: note)
  }

  /// On as many of the threads that were asked for as fit; nil where no plan of this spec fits.
  package func solve() -> Plan? {
    guard let found = search.cheapest(within: budgetBytes) else { return nil }
    return plan(found.choices, threads: compiler.options.threads)
  }

  /// What the cheapest plan needs; nil where none fits.
  package func peakBytes() -> Int? { search.cheapest(within: budgetBytes)?.peakBytes }

  /// What the cheapest plan costs; nil where none fits.
  package func cost() -> PlanCost? { search.cheapest(within: budgetBytes)?.cost }

  private func plan(_ choices: PlanChoices, threads: Int) -> Plan? {
    let threads = search.threads(
      upTo: threads, with: choices, within: budgetBytes, atLeast: PlanChoices.countedThreads)
    return try? compiler.with(threads: threads).plan(choices)
  }

  /// The plan of this spec that needs the least, whatever the budget; for as many threads as choices are counted for.
  package func smallest() -> Plan {
    let choices = search.smallest()?.choices ?? PlanChoices()
    guard let plan = try? compiler.with(threads: PlanChoices.countedThreads).plan(choices)
    else { preconditionFailure("planned before") }
    return plan
  }
}

/// Where a search stands.
package struct BudgetSearchState: Hashable, Sendable {
  /// Ways to plan that were measured.
  package var count = 0
  /// Of the cheapest plan so far that fits, or of the smallest so far; nil: there is none yet.
  package var peakBytes: Int?
}

/// As many of the threads that were asked for as a plan has room for within its budget.
///
/// - Parameters:
///   - options: with the threads that were asked for.
///   - choices: the plan's.
///   - least: threads that fit.
package func fittingThreads(
  _ lowered: LoweredSpec, options: CompileOptions, choices: PlanChoices, budgetBytes: Int, atLeast least: Int
) throws(CompilationFailed) -> Int {
  try BudgetSearch(Compiler(lowered, options: options), note: nil).threads(
    upTo: options.threads, with: choices, within: budgetBytes, atLeast: least)
}
