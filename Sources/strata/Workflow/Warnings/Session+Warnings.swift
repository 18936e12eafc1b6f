internal import Diagnostics
internal import Execution
internal import Terminal
internal import Text

/// Warnings of a command: on standard error as they come, each once, and kept for its documents and for a run's summary.
extension Session {
  /// Warns of a place in a spec or a `--set`.
  func warn(_ diagnostic: Diagnostic, _ texts: SourceTexts) {
    let shown = diagnostic.under(warnings.isStrict)
    let entry = WarningLog.Entry(
      code: diagnostic.code, message: diagnostic.message, place: texts.place(diagnostic.primary))
    let isFirst = warnings.entries.isEmpty
    guard warnings.add(entry, object: DiagnosticJSON(texts: texts).object(shown)) else { return }
    let renderer = DiagnosticRenderer(texts: texts, colour: diagnostics.style.isColoured)
    diagnostics.write((isFirst ? "" : "\n") + renderer.render(shown))
  }

  /// Warns of what no line of a spec is the reason for: the command line, the machine, data.
  ///
  /// - Parameter help: what to do.
  func warn(code: String, _ message: String, help: String? = nil) {
    let isFirst = warnings.entries.isEmpty
    let severity = warnings.isStrict ? Severity.error : .warning
    let object =
      "{\"code\":\(JSONText.string(code)),\"severity\":\"\(severity.rawValue)\","
      + "\"message\":\(JSONText.string(message)),\"file\":null,\"label\":\"\",\"notes\":[],"
      + "\"help\":\(help.map(JSONText.string) ?? "null"),\"fix\":null}"
    guard warnings.add(WarningLog.Entry(code: code, message: message), object: object) else { return }
    diagnostics.write((isFirst ? "" : "\n") + text(severity, code, message, help: help))
  }

  /// Warns of what happens while a command is at work: it is no fault of what was asked for, whatever `--strict` says, and a run
  /// keeps it by itself.
  func warnAtWork(code: String, _ message: String, help: String? = nil) {
    diagnostics.write(text(.warning, code, message, help: help))
  }

  private func text(_ severity: Severity, _ code: String, _ message: String, help: String?) -> String {
    let style = diagnostics.style
    let heading = "\(severity.rawValue)[\(code)]"
    let coloured = severity == .error ? style.red(heading) : style.yellow(heading)
    return style.bold(coloured + ": " + DisplayText.printable(message)) + "\n"
      + (help.map { " = " + style.bold("help") + ": \($0)\n" } ?? "")
  }

  /// With `--strict`: ends the command where anything was warned of, before it does or writes anything.
  ///
  /// - Parameter asDocument: tell programs as well; nil: as the command line asks.
  func requireNoWarnings(asDocument: Bool? = nil) throws(CommandFailure) {
    guard warnings.isStrict, !warnings.entries.isEmpty else { return }
    let count = warnings.entries.count
    let message =
      count == 1
      ? "'--strict' makes this warning a fault" : "'--strict' makes these \(count) warnings faults"
    diagnostics.write("\n" + CommandFailure(.faultyInput, message).text(diagnostics.style))
    if asDocument ?? json {
      output.writeLine(
        "{\"schema\":\"strata.diagnostics/1\",\"diagnostics\":[\(warnings.objects.joined(separator: ","))]}")
    }
    throw CommandFailure(.faultyInput, [])
  }
}

extension Session {
  /// Warns of more workers than processors: they take turns, so that they compute the same, and no sooner.
  func warnOfIdleWorkers(_ threads: Int) {
    let usable = ProcessorLimit.usableProcessors()
    guard threads > usable else { return }
    let processors = usable == 1 ? "1 processor" : "\(usable) processors"
    warn(
      code: "W040", "\(threads) workers share the \(processors) that this process may use",
      help: "they take turns, and need more memory: --threads \(usable) is as fast")
  }
}

extension Diagnostic {
  /// As it counts: `--strict` makes an error of a warning.
  func under(_ isStrict: Bool) -> Diagnostic {
    var diagnostic = self
    if isStrict { diagnostic.severity = .error }
    return diagnostic
  }
}
