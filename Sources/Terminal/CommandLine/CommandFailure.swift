package import Text

/// One thing that is wrong and, where known, what to do about it. It has no place in a file; faults of a spec's
/// text are diagnostics with spans.
package struct Fault: Hashable, Sendable {
  /// One sentence without a full stop that stands by itself.
  package var message: String
  package var help: String?

  package init(_ message: String, help: String? = nil) {
    self.message = message
    self.help = help
  }
}

/// A command came to an end that is not `done`.
package struct CommandFailure: Error {
  package var exitCode: ExitCode
  /// Every fault at once; empty where the command has told them already.
  package var faults: [Fault]

  package init(_ exitCode: ExitCode, _ faults: [Fault]) {
    self.exitCode = exitCode
    self.faults = faults
  }

  package init(_ exitCode: ExitCode, _ message: String, help: String? = nil) {
    self.init(exitCode, [Fault(message, help: help)])
  }

  /// The faults as people read them, a line each, with `  = help:` below where there is help.
  package func text(_ style: TextStyle) -> String {
    let shown = faults.count > Self.shownCount ? Array(faults.prefix(Self.shownCount)) : faults
    let rest = faults.count - shown.count
    return shown.map { fault in
      let headline = style.bold(style.red("error:")) + " " + style.bold(fault.message) + "\n"
      return headline + (fault.help.map { "  = " + style.bold("help:") + " \($0)\n" } ?? "")
    }.joined()
      + (rest > 0 ? style.bold("and \(rest) more: --json lists them all") + "\n" : "")
  }

  /// Faults that are printed; a folder of images may have thousands.
  private static let shownCount = 20

  /// The faults as programs read them (`strata.error/1`).
  package var json: JSON {
    .object([
      ("schema", "strata.error/1"),
      ("exitCode", .integer(Int(exitCode.rawValue))),
      (
        "errors",
        .array(
          faults.map { fault in
            .object([("message", .string(fault.message)), ("help", fault.help.map { .string($0) } ?? .null)])
          })
      ),
    ])
  }
}
