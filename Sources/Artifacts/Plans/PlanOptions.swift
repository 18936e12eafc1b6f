internal import Text

/// Options of the command line that made a plan, as they were typed, beside its `--set`s: a stale plan names the line that makes
/// it again. What nobody typed is not kept, so that plans that were made alike have equal files.
package struct PlanOptions: Hashable, Sendable {
  package var budget: String?
  package var threads: String?
  /// From the plan file's folder.
  package var data: String?

  package init(budget: String? = nil, threads: String? = nil, data: String? = nil) {
    self.budget = budget
    self.threads = threads
    self.data = data
  }

  /// Empty without any.
  var members: [(key: String, value: JSON)] {
    let typed = [("budget", budget), ("threads", threads), ("data", data)].compactMap { key, text in
      text.map { (key: key, value: JSON.string($0)) }
    }
    return typed.isEmpty ? [] : [("options", .object(typed))]
  }

  init(_ scanner: inout JSONScanner) throws(JSONScanner.Fault) {
    var (budget, threads, data): (String?, String?, String?)
    try scanner.object { (scanner, key, _) throws(JSONScanner.Fault) in
      switch key {
      case "budget": budget = try scanner.string()
      case "threads": threads = try scanner.string()
      case "data": data = try scanner.string()
      case _: try scanner.skipValue()
      }
    }
    self.init(budget: budget, threads: threads, data: data)
  }
}
