package import Text

/// What one command has warned of, each warning once. A warning ends nothing: that is why it is kept here, while a fault is
/// thrown.
package final class WarningLog {
  package struct Entry: Hashable, Sendable {
    /// Like `W001`: `strata explain W001` tells more.
    package var code: String
    /// One sentence without a full stop that stands by itself.
    package var message: String
    /// `net.yaml:14:3`; nil where nothing in a file is the reason.
    package var place: String?

    package init(code: String, message: String, place: String? = nil) {
      self.code = code
      self.message = message
      self.place = place
    }
  }

  /// Whether warnings are faults of the command (`--strict`).
  package var isStrict = false
  /// In the order in which they came.
  package private(set) var entries: [Entry] = []
  /// The same as objects of a `strata.diagnostics/1` document.
  package private(set) var objects: [String] = []
  private var known: Set<Entry> = []

  package init() {}

  /// - Parameter object: the warning as an object of a `strata.diagnostics/1` document.
  /// - Returns: whether it is new.
  package func add(_ entry: Entry, object: String) -> Bool {
    guard known.insert(entry).inserted else { return false }
    entries.append(entry)
    objects.append(object)
    return true
  }
}

extension WarningLog.Entry {
  /// A member of the `warnings` of a plan that is printed and of a run's summary.
  package var json: JSON {
    .object([
      ("code", .string(code)), ("message", .string(message)), ("place", .optional(place, JSON.string)),
    ])
  }

  /// As a run's log keeps it: `warning[W001]: ... (net.yaml:14:3)`.
  package var logLine: String { "warning[\(code)]: \(message)" + (place.map { " (\($0))" } ?? "") }
}
