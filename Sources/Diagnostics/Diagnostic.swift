/// How grave a diagnostic is: an error stops the phase, a warning does not, unless the command is told `--strict`.
package enum Severity: String, Hashable, Sendable {
  case error, warning
}

/// One fault of the user's, worded for a person: a stable code, a standalone message, and the place it points at.
package struct Diagnostic: Hashable, Sendable {
  /// A second place that belongs to the fault ("first written here", "this layer makes 7x7 images").
  package struct Note: Hashable, Sendable {
    package var span: SourceSpan
    package var label: String

    package init(span: SourceSpan, label: String) {
      self.span = span
      self.label = label
    }
  }

  /// An edit that removes the fault: replace `span` by `replacement`.
  package struct FixIt: Hashable, Sendable {
    package var span: SourceSpan
    package var replacement: String

    package init(span: SourceSpan, replacement: String) {
      self.span = span
      self.replacement = replacement
    }
  }

  /// Stable, like `E021`, or `W001` for a warning: `strata explain E021` tells more.
  package var code: String
  package var severity: Severity
  /// One sentence without a full stop that stands by itself.
  package var message: String
  package var primary: SourceSpan
  /// Sits under the carets; short and local.
  package var label: String
  package var notes: [Note]
  /// What to do.
  package var help: String?
  package var fixIt: FixIt?

  package init(
    code: String, severity: Severity = .error, message: String, primary: SourceSpan, label: String,
    notes: [Note] = [], help: String? = nil, fixIt: FixIt? = nil
  ) {
    self.code = code
    self.severity = severity
    self.message = message
    self.primary = primary
    self.label = label
    self.notes = notes
    self.help = help
    self.fixIt = fixIt
  }
}

/// A phase of compilation found faults; there is at least one.
package struct CompilationFailed: Error {
  package var diagnostics: [Diagnostic]

  package init(diagnostics: [Diagnostic]) {
    precondition(!diagnostics.isEmpty, "a phase fails only with a diagnostic")
    self.diagnostics = diagnostics
  }
}
