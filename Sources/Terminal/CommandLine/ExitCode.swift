/// How a command ended, as the shell sees it. Scripts rely on these numbers: they never change.
package enum ExitCode: Int32, CaseIterable, Sendable {
  case done = 0
  case failed = 1
  case faultyInput = 2
  case overBudget = 3
  case stalePlan = 4
  case faultyData = 5
  case interrupted = 6
  case internalError = 70

  /// What the number means, as `strata help` prints it.
  package var meaning: String {
    switch self {
    case .done: "done"
    case .failed: "failed while running"
    case .faultyInput: "fault in the spec or the command line"
    case .overBudget: "does not fit the budget"
    case .stalePlan: "stale plan"
    case .faultyData: "fault in the data"
    case .interrupted: "interrupted, checkpoint written"
    case .internalError: "a bug of Strata's own"
    }
  }
}
