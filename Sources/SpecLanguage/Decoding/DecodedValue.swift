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
  /// A key on which the network's shapes hang is broken.
  var hasStructuralFault = false
  /// Where each value came from, by dotted path.
  var origins: [String: ValueOrigin] = [:]
}

/// Where a value of the resolved spec came from.
package enum ValueOrigin: Hashable, Sendable {
  /// Written in the file or given by `--set`; which, the span's file tells.
  case written(SourceSpan)
  case `default`
  /// Follows from other keys.
  case derived
}
