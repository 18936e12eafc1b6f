package import Diagnostics

/// A node after it was held against the table.
struct DecodedValue {
  var content: Content
  var span: SourceSpan
  /// Nothing in it was at fault.
  var isSound: Bool

  enum Content {
    case scalar(SpecValue)
    case list([DecodedValue])
    case section(DecodedSection)
    /// Faulty, and reported.
    case broken
  }

  static func broken(at span: SourceSpan) -> DecodedValue {
    DecodedValue(content: .broken, span: span, isSound: false)
  }
}

/// A mapping after it was held against the table: only keys that belong there, each once.
struct DecodedSection {
  let shape: SectionShape
  /// Dotted; entries of lists as `network.stages[2]`.
  let path: String
  /// Of the section's key, or of the nearest enclosing one where the section is not written.
  let span: SourceSpan
  var entries: [Entry] = []

  struct Entry {
    var key: String
    var keySpan: SourceSpan
    var value: DecodedValue
  }

  subscript(key: String) -> Entry? {
    entries.first { $0.key == key }
  }
}

/// What decoding gathers on its way.
final class DecodingState {
  var bag = DiagnosticBag()
  /// What was left out of the file, because a `--set` chose a kind that knows no such key.
  var warnings: [Diagnostic] = []
  /// The file, over which the `--set`s are laid.
  private let file: SourceFileID
  /// A key on which the network's shapes hang is broken.
  var hasStructuralFault = false
  /// Keys that are needed and not there, with their dotted paths. Reported in the end, unless they stand elsewhere.
  private var missing: [(path: String, diagnostic: Diagnostic)] = []
  /// Dotted paths that misplaced keys should have had.
  private var misplaced: Set<String> = []
  /// Where each value came from, by dotted path.
  var origins: [String: ValueOrigin] = [:]

  init(file: SourceFileID) {
    self.file = file
  }

  func isOverride(_ span: SourceSpan) -> Bool { span.file != file }

  /// Of all kinds, so far; tells whether a section added any.
  var faultCount: Int { bag.diagnostics.count + bag.droppedCount + missing.count }

  func reportMissing(_ path: String, _ diagnostic: Diagnostic) {
    missing.append((path, diagnostic))
  }

  func noteMisplaced(_ key: String, belongsTo sections: [String]) {
    for section in sections { misplaced.insert(section.isEmpty ? key : section + "." + key) }
  }

  /// Every fault, by source and place.
  func finish() -> DiagnosticBag {
    var all = bag
    for (path, diagnostic) in missing where !misplaced.contains(path) { all.add(diagnostic) }
    return all
  }
}

/// Where a value of the resolved spec came from.
package enum ValueOrigin: Hashable, Sendable {
  /// Written in the file or given by `--set`; which, the span's file tells.
  case written(SourceSpan)
  case `default`
  /// Follows from other keys.
  case derived
  /// The data's file tells it.
  case file(String)

  package var writtenSpan: SourceSpan? {
    switch self {
    case .written(let span): span
    case .default, .derived, .file: nil
    }
  }
}
