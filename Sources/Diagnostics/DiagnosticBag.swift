/// Faults gathered by a phase that does not stop at the first one.
package struct DiagnosticBag: Sendable {
  /// In the order they were found. A hopeless file (an image, say) could give one for every line, so there is an end.
  package private(set) var diagnostics: [Diagnostic] = []
  /// Faults beyond the limit, counted but not kept.
  package private(set) var droppedCount = 0

  package static let limit = 1000

  package init() {}

  package var isEmpty: Bool { diagnostics.isEmpty }

  package mutating func add(_ diagnostic: Diagnostic) {
    if diagnostics.count < Self.limit {
      diagnostics.append(diagnostic)
    } else {
      droppedCount += 1
    }
  }

  package mutating func add(contentsOf others: [Diagnostic]) {
    for other in others { add(other) }
  }

  /// By file, then place; faults of one place stay in the order they were found.
  package var inSourceOrder: [Diagnostic] {
    diagnostics.enumerated().sorted { a, b in
      let (left, right) = (a.element.primary, b.element.primary)
      if left.file != right.file { return left.file.index < right.file.index }
      if left.utf8.lowerBound != right.utf8.lowerBound { return left.utf8.lowerBound < right.utf8.lowerBound }
      return a.offset < b.offset
    }.map(\.element)
  }

  /// Ends a phase: throws all faults at once, if there are any.
  package func throwIfAny() throws(CompilationFailed) {
    if !isEmpty { throw CompilationFailed(diagnostics: inSourceOrder) }
  }
}
