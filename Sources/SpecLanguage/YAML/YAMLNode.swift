package import Diagnostics

/// A piece of YAML with its exact place: what the text says, before anyone asks whether it is a spec.
package struct YAMLNode: Hashable, Sendable {
  package var content: Content
  /// Scalars and flow collections: from first to last byte, quotes and brackets included. Block collections: from the
  /// start of the first child to the end of the last. An absent value: empty, where it would stand.
  package var span: SourceSpan

  package enum Content: Hashable, Sendable {
    /// Unquoted: its meaning follows from the core schema.
    case plain(String)
    /// Quoted or a block scalar: always a string.
    case quoted(String)
    case sequence([YAMLNode])
    case mapping([YAMLPair])
    /// Something the language refuses, already reported: nothing more is said about it.
    case refused
  }
}

/// A key of a mapping and its value.
package struct YAMLPair: Hashable, Sendable {
  package var key: String
  package var keySpan: SourceSpan
  package var value: YAMLNode
}
