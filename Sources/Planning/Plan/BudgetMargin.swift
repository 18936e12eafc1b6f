/// What of a budget is left to chance: the largest resident set of a process may come out a little above its plan, by what the
/// system's libraries touch. A plan fills the rest.
package enum BudgetMargin {
  /// One part of so many.
  package static let parts = 64

  /// What a plan may take.
  package static func usableBytes(of budget: Int) -> Int { budget - budget / parts }

  /// The smallest budget that has room for a plan.
  package static func budget(forPeak peak: Int) -> Int {
    var budget = peak + peak / (parts - 1)
    while usableBytes(of: budget) < peak { budget += 1 }
    while budget > 0, usableBytes(of: budget - 1) >= peak { budget -= 1 }
    return budget
  }
}
