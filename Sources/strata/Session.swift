internal import Terminal

/// One command at work: where it writes, and who reads it.
struct Session {
  let console: Console
  /// Programs read standard output: results and faults are documents (`--json`).
  let json: Bool

  /// Results.
  var output: TerminalStream { console.output }
  /// Faults, warnings and progress.
  var diagnostics: TerminalStream { console.diagnostics }
  var warnings: WarningLog { console.warnings }
}
