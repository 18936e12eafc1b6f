internal import Artifacts
internal import Pipeline
internal import Planning
internal import SpecLanguage
internal import Terminal
internal import Text

/// A spec that no plan makes fit its budget: by how much, and what would help.
struct Shortfall {
  struct Change {
    var assignments: [Assignment]
    var peakBytes: Int

    fileprivate var words: String {
      assignments.map { "--set \(shellQuoted($0.text))" }.joined(separator: " ")
    }
  }

  private let loaded: LoadedSpec
  private let budget: Budget
  private let smallest: Plan
  let changes: [Change]

  private static let changeCount = 3

  /// - Parameters:
  ///   - smallest: the plan of the spec as it is that needs the least.
  ///   - note: is told how the search for changes goes.
  init(
    _ loaded: LoadedSpec, options: CompileOptions, budget: Budget, smallest: Plan,
    note: @escaping (BudgetSearchState) -> Void
  ) {
    self.loaded = loaded
    self.budget = budget
    self.smallest = smallest
    var changes: [Change] = []
    for kind in SpecChanges.candidates(for: loaded.spec) where changes.count < Self.changeCount {
      // The mildest of a kind that fits, as planned with it.
      for assignments in kind {
        guard let spec = loaded.spec(with: assignments),
          let solver = try? BudgetSolver(
            LoweredSpec(spec), options: options, budgetBytes: budget.usableByteCount, note: note),
          let peakBytes = solver.peakBytes()
        else { continue }
        changes.append(Change(assignments: assignments, peakBytes: peakBytes))
        break
      }
    }
    self.changes = changes
  }

  func tell(_ session: Session) -> CommandFailure {
    if session.json {
      session.output.write(JSONWriter.document(self.json))
      return CommandFailure(.overBudget, [])
    }
    let missing = smallestBudget - budget.byteCount
    // Two figures that round to the same text would say that the plan fits.
    let isClose = byteSize(budget.byteCount) == byteSize(smallestBudget)
    let limit = isClose ? "\(grouped(budget.byteCount)) bytes" : byteSize(budget.byteCount)
    let size =
      isClose ? "\(grouped(missing)) byte\(missing == 1 ? "" : "s") more" : byteSize(smallestBudget)
    let fewest = "the smallest budget that would do: --budget \(smallestBudget)B (\(size))"
    let help =
      changes.isEmpty
      ? "no single change that Strata knows would fit"
      : "changes that fit, each planned:\n"
        + changes.map { "      \($0.words)   peak \(byteSize($0.peakBytes))" }.joined(separator: "\n")
    return CommandFailure(
      .overBudget,
      "no plan of '\(loaded.spec.name.value)' stays within \(limit): \(fewest)",
      help: help)
  }

  private var smallestBudget: Int { BudgetMargin.budget(forPeak: smallest.memory.peakBytes) }

  private var json: JSON {
    .object([
      ("schema", "strata.over-budget/1"), ("name", .string(loaded.spec.name.value)),
      ("budgetBytes", .integer(budget.byteCount)),
      ("smallestBudgetBytes", .integer(smallestBudget)),
      (
        "smallest",
        .object([
          ("peakBytes", .integer(smallest.memory.peakBytes)),
          ("choiceEffects", .array(smallest.choiceEffects.map { .string($0.words) })),
        ])
      ),
      (
        "changes",
        .array(
          changes.map { change in
            .object([
              ("set", .array(change.assignments.map { .string($0.text) })),
              ("peakBytes", .integer(change.peakBytes)),
            ])
          })
      ),
    ])
  }
}
