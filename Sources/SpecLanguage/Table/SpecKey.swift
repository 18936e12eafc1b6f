/// One key of the language: what it is called, what it takes, what it means. The table of all keys (`SpecTable`) drives
/// decoding, suggestions, the JSON Schema, the reference and the order of the canonical text.
package struct SpecKey: Sendable {
  package let name: String
  package let shape: ValueShape
  package let fallback: Fallback
  /// Values of the section's discriminator (`kind: cnn`) that have this key; empty: all.
  package let kinds: [String]
  package let unit: String?
  /// One line, without a full stop.
  package let documentation: String
  /// Words that people write for it elsewhere, for suggestions only.
  package let alsoKnownAs: [String]
  /// The shapes of the network hang on it: where it is broken, checking shapes would only make noise.
  package let isStructural: Bool

  package init(
    _ name: String, _ shape: ValueShape, _ fallback: Fallback, kinds: [String] = [], unit: String? = nil,
    structural: Bool = false, alsoKnownAs: [String] = [], _ documentation: String
  ) {
    self.name = name
    self.shape = shape
    self.fallback = fallback
    self.kinds = kinds
    self.unit = unit
    self.documentation = documentation
    self.alsoKnownAs = alsoKnownAs
    isStructural = structural
  }

  /// What holds where the key is not written.
  package enum Fallback: Sendable {
    case required
    /// A fixed value.
    case value(SpecValue)
    /// Follows from other keys; the words say how.
    case derived(String)
    /// Nothing; the words say what that means.
    case absent(String)
  }
}

/// A mapping with a closed set of keys.
package struct SectionShape: Sendable {
  package let keys: [SpecKey]
  /// The key whose word decides which other keys there are (`kind`, `family`).
  package let discriminator: String?
  /// `schedule: constant` for `schedule: {kind: constant}`.
  package let allowsBareWord: Bool
  /// Two keys that exclude each other.
  package let alternatives: Alternatives?
  /// Entries of a list in a section: keys that they do not write are the section's, unless they have a discriminator of their own.
  package let inheritsEnclosing: Bool

  package struct Alternatives: Sendable {
    package var first: String
    package var second: String
    package var isOneRequired: Bool
  }

  package init(
    _ keys: [SpecKey], discriminator: String? = nil, allowsBareWord: Bool = false,
    alternatives: Alternatives? = nil, inheritsEnclosing: Bool = false
  ) {
    self.keys = keys
    self.inheritsEnclosing = inheritsEnclosing
    self.alternatives = alternatives
    self.discriminator = discriminator
    self.allowsBareWord = allowsBareWord
    precondition(
      discriminator.map { name in keys.contains { $0.name == name } } ?? true, "a discriminator is a key")
  }

  package subscript(name: String) -> SpecKey? {
    keys.first { $0.name == name }
  }

  /// The words the discriminator takes.
  var kinds: [String] {
    guard let discriminator, let key = self[discriminator], case .word(let words) = key.shape else {
      return []
    }
    return words
  }
}

/// What a key takes.
package indirect enum ValueShape: Sendable {
  /// The version of the language, `SpecTable.version`.
  case version
  case flag
  case integer(ClosedRange<Int>, odd: Bool = false)
  /// 0 to 2^64 - 1.
  case seed
  case number(NumberRange)
  /// One of these.
  case word([String])
  case name
  case path
  case image
  case size
  case list(ValueShape, count: ClosedRange<Int>)
  case section(SectionShape)
  /// Any of these; at most one of them is a list, and sections differ in their keys.
  case either([ValueShape])

  /// The words of an enumeration.
  static func word<T: RawRepresentable & CaseIterable>(_ type: T.Type) -> ValueShape
  where T.RawValue == String {
    .word(type.allCases.map(\.rawValue))
  }
}

/// An interval of numbers whose ends may be open.
package struct NumberRange: Sendable {
  package enum End: Sendable {
    case included(Double)
    case excluded(Double)
  }

  package var lower: End
  package var upper: End

  /// Numbers are computed in single precision, where the smallest are zero: what is above an end is above it there, too.
  func contains(_ value: Double) -> Bool {
    let aboveLower =
      switch lower {
      case .included(let end): value >= end
      case .excluded(let end): min(value, Self.single(value)) > end
      }
    let belowUpper =
      switch upper {
      case .included(let end): value <= end
      case .excluded(let end): value < end
      }
    return aboveLower && belowUpper
  }

  /// As kernels have it: what is smaller than the smallest normal number they flush to zero.
  static func single(_ value: Double) -> Double {
    abs(value) < Double(Float.leastNormalMagnitude) ? 0 : Double(Float(value))
  }
}

/// A value of the language, read from a text or taken as a default.
package indirect enum SpecValue: Sendable, Hashable {
  case flag(Bool)
  case integer(Int)
  case seed(UInt64)
  case number(Double)
  case word(String)
  /// Names and paths.
  case text(String)
  case image(ImageShape)
  case size(MemoryBudget)
  case list([SpecValue])
}
