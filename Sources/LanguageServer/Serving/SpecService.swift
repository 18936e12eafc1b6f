package import Diagnostics
package import Pipeline
package import Planning
package import SpecLanguage

/// What the compiler finds in a text, as `strata check` does.
package struct CheckedSpec: Sendable {
  /// Every fault, then every warning, each in order of their places.
  package var diagnostics: [Diagnostic]
  package var texts: SourceTexts
  /// What no place in the text is the reason for: files that can't be read.
  package var failures: [SpecFailure]
  /// Nil where the text is too broken.
  package var spec: Spec?
  package var origins: [String: ValueOrigin]

  package init(
    diagnostics: [Diagnostic], texts: SourceTexts, failures: [SpecFailure], spec: Spec?,
    origins: [String: ValueOrigin]
  ) {
    self.diagnostics = diagnostics
    self.texts = texts
    self.failures = failures
    self.spec = spec
    self.origins = origins
  }

  /// Whether there is no fault, and so something to plan.
  package var isSound: Bool {
    spec != nil && failures.isEmpty && diagnostics.allSatisfy { $0.severity == .warning }
  }
}

/// A fault without a place.
package struct SpecFailure: Hashable, Sendable {
  /// Of a warning; nil for faults of files.
  package var code: String?
  package var message: String
  package var help: String?

  package init(code: String? = nil, message: String, help: String?) {
    self.code = code
    self.message = message
    self.help = help
  }
}

/// A spec's plan with what is shown of it, as `strata plan` makes it.
package struct PlannedSpec: Sendable {
  package var plan: Plan
  package var places: SourcePlaces
  package var outline: NamedOutline
  /// What a run takes on this machine; nil where it was never measured.
  package var time: TimeFigures?
  /// With the other strategies, and with their times where the machine was measured.
  package var comparison: PlanComparison
  /// What the process is to stay within, in bytes; nil: there is no budget.
  package var budgetBytes: Int?
  /// The smallest budget that would do, in bytes, where the spec's is too small: the plan is the one that needs the least then.
  package var smallestBudgetBytes: Int?
  /// What is warned of only when planned.
  package var warnings: [SpecFailure]

  package init(
    plan: Plan, places: SourcePlaces, outline: NamedOutline, time: TimeFigures?,
    comparison: PlanComparison, budgetBytes: Int?, smallestBudgetBytes: Int?, warnings: [SpecFailure]
  ) {
    self.plan = plan
    self.places = places
    self.outline = outline
    self.time = time
    self.comparison = comparison
    self.budgetBytes = budgetBytes
    self.smallestBudgetBytes = smallestBudgetBytes
    self.warnings = warnings
  }
}

/// A change of a spec after which a plan fits its budget.
package struct FittingChange: Hashable, Sendable {
  /// Dotted keys with their new values, as `--set` takes them.
  package var assignments: [SpecAssignment]
  package var peakBytes: Int

  package init(assignments: [SpecAssignment], peakBytes: Int) {
    self.assignments = assignments
    self.peakBytes = peakBytes
  }
}

package struct SpecAssignment: Hashable, Sendable {
  package var key, value: String

  package init(key: String, value: String) {
    self.key = key
    self.value = value
  }
}

/// Where a spec is looked at: its text, and the path at which paths in it start.
package struct SpecSource: Hashable, Sendable {
  /// Of its file; for a text without one, a name in the current folder.
  package var path: String
  package var bytes: [UInt8]

  package init(path: String, bytes: [UInt8]) {
    self.path = path
    self.bytes = bytes
  }
}

/// The compiler as the command line calls it. All calls but `check` and those that say so may take long, and are made on another
/// thread than the server's.
package protocol SpecService: Sendable {
  /// As `strata check`. Called on the server's own thread, for every text.
  func check(_ source: SpecSource) -> CheckedSpec
  /// As `strata plan`.
  ///
  /// - Throws: why there is no plan: data that is not there, say.
  func plan(_ source: SpecSource) throws(SpecFailure) -> PlannedSpec
  /// The cheapest changes after which a plan fits the spec's budget, each planned.
  func fittingChanges(_ source: SpecSource) -> [FittingChange]
  /// The canonical text of the spec with these values; nil where they are faults of it. Called on the server's own thread.
  func resolvedText(_ source: SpecSource, with assignments: [SpecAssignment]) -> String?
  /// What is known of the data that the spec names, in Markdown; nil where it is not there. Called on the server's own thread.
  func dataFacts(_ source: SpecSource) -> String?
  /// Where the page of a spec's plan goes; nil where there is no place for one.
  func pagePath(of source: SpecSource) -> String?
  /// Writes the plan as a page.
  func writePage(_ source: SpecSource, to path: String) throws(SpecFailure)
  /// What `strata explain` says of a code, as a file; nil where there is no place for one.
  func explanationPath(code: String) -> String?
}

extension SpecFailure: Error {}
