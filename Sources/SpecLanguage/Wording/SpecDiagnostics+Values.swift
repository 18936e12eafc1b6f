internal import Diagnostics

// Sentences about values, sorted by code; keys and the text are in SpecDiagnostics.swift.

// MARK: - E03x: single values

extension Diagnostic {
  static func wrongType(
    _ key: String, expected: String, found: String, at span: SourceSpan, fix: String? = nil
  )
    -> Self
  {
    Diagnostic(
      code: "E030", message: "'\(key)' takes \(expected)", primary: span, label: "this is \(found)",
      help: fix.map { "write \($0)" }, fixIt: fix.map { FixIt(span: span, replacement: $0) })
  }

  static func notABoolean(_ key: String, _ text: String, meant: Bool, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E031", message: "'\(key)' takes true or false", primary: span,
      label: "not a boolean in YAML 1.2",
      help: "write \(meant)", fixIt: FixIt(span: span, replacement: "\(meant)"))
  }

  static func notWhole(_ key: String, reason: String, meant: String?, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E032", message: "'\(key)' takes a whole number in plain digits", primary: span,
      label: reason, help: meant.map { "write \($0)" },
      fixIt: meant.map { FixIt(span: span, replacement: $0) })
  }

  static func numberTooLarge(_ key: String, expected: String, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E033", message: "the number for '\(key)' is too large to be read", primary: span,
      label: "takes \(expected)")
  }

  static func outOfRange(_ key: String, expected: String, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E034", message: "'\(key)' is out of range", primary: span, label: "takes \(expected)")
  }

  static func unknownWord(
    _ text: String, for key: String, expected: String, suggestion: String?, help: String? = nil,
    at span: SourceSpan
  ) -> Self {
    Diagnostic(
      code: "E035", message: "unknown value \(quoted(text)) for '\(key)'", primary: span,
      label: "takes \(expected)", help: suggestion.map { "did you mean '\($0)'?" } ?? help,
      fixIt: suggestion.map { FixIt(span: span, replacement: $0) })
  }

  static func malformedName(_ text: String, suggestion: String?, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E036", message: "a name is made of a-z, 0-9 and '-'", primary: span,
      label: text.count > SpecValueReader.longestName
        ? "longer than \(SpecValueReader.longestName) characters" : "other characters in it",
      help: suggestion.map { "for example '\($0)'" },
      fixIt: suggestion.map { FixIt(span: span, replacement: $0) })
  }

  static func malformedImage(_ key: String, meant: String?, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E037", message: "'\(key)' takes channels x height x width, like 3x32x32", primary: span,
      label: "cannot be read as that", help: meant.map { "write \($0)" },
      fixIt: meant.map { FixIt(span: span, replacement: $0) })
  }

  static func malformedSize(_ key: String, meant: String?, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E038", message: "'\(key)' takes a size like 900MiB or 2GiB, or a share like 50%", primary: span,
      label: "cannot be read as that", help: meant.map { "write \($0)" },
      fixIt: meant.map { FixIt(span: span, replacement: $0) })
  }

  static func wrongCount(
    _ key: String, expected: String, found: Int, unit: String = "entries", at span: SourceSpan
  )
    -> Self
  {
    Diagnostic(
      code: "E039", message: "the list '\(key)' takes \(expected)", primary: span,
      label: found == 1 && unit == "entries" ? "one entry" : "\(found) \(unit)")
  }
}

// MARK: - E04x: values that do not go together

extension Diagnostic {
  static func evenKernel(_ value: Int, key: String, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E040", message: "'\(key)' has to be odd", primary: span, label: "\(value) is even",
      help: "an even kernel has no middle, so padding cannot keep the size: take \(value - 1) or \(value + 1)"
    )
  }

  static func notRising(_ key: String, at span: SourceSpan, after previous: SourceSpan) -> Self {
    Diagnostic(
      code: "E041", message: "the numbers in '\(key)' have to rise", primary: span,
      label: "not greater than the one before", notes: [Note(span: previous, label: "the one before")])
  }

  static func countUnlikeLayers(
    _ key: String, count: Int, layers: Int, at span: SourceSpan, widthsAt: SourceSpan
  )
    -> Self
  {
    Diagnostic(
      code: "E042", message: "'\(key)' and 'widths' speak of different numbers of layers", primary: span,
      label: count == 1 ? "one entry" : "\(count) entries",
      notes: [Note(span: widthsAt, label: layers == 1 ? "one layer" : "\(layers) layers")],
      help: "give one entry a layer, or one value for all")
  }

  static func partitionOfOtherFamily(_ word: String, family: String, meant: String, at span: SourceSpan)
    -> Self
  {
    Diagnostic(
      code: "E043", message: "'partition: \(word)' does not go with 'family: \(family)'", primary: span,
      label: family == "vgg" ? "a vgg network has layers" : "a resnet has blocks", help: "write \(meant)",
      fixIt: FixIt(span: span, replacement: meant))
  }

  static func listInResNet(_ key: String, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E044", message: "'\(key)' takes one value for all layers of a resnet", primary: span,
      label: "a list", help: "lists, one entry a layer, are for 'family: vgg'")
  }

  static func unlikeSource(
    _ key: String, written: String, source: String, fact: String, at span: SourceSpan, sourceAt: SourceSpan
  ) -> Self {
    Diagnostic(
      code: "E045", message: "'\(key)' contradicts the data", primary: span,
      label: "\(written), but '\(source)' has \(fact)", notes: [Note(span: sourceAt, label: "the source")],
      help: "leave the key out, or write \(fact)", fixIt: FixIt(span: span, replacement: fact))
  }

  static func limitBeyondSource(_ key: String, source: String, images: Int, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E046", message: "'\(key)' asks for more images than there are", primary: span,
      label: "'\(source)' has \(images)")
  }

  static func countUnlikeChannels(_ key: String, count: Int, channels: Int, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E047", message: "'\(key)' takes one number a channel", primary: span,
      label: "\(count) for \(channels == 1 ? "one channel" : "\(channels) channels")")
  }

  static func nesterovWithoutMomentum(at span: SourceSpan, momentumAt: SourceSpan) -> Self {
    Diagnostic(
      code: "E048", message: "'nesterov' needs momentum", primary: span, label: "looks ahead along nothing",
      notes: [Note(span: momentumAt, label: "the momentum is 0")])
  }

  static func moduleTwice(_ module: Int, in key: String, at span: SourceSpan, first: SourceSpan) -> Self {
    Diagnostic(
      code: "E049", message: "'\(key)' names module \(module) twice", primary: span, label: "named again",
      notes: [Note(span: first, label: "first named here")], help: "merge the two entries")
  }

  static func unknownVersion(_ version: String, isLater: Bool, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E050", message: "this release reads version \(SpecTable.version) of the language", primary: span,
      label: "version \(version.prefix(20))",
      help: isLater ? "a newer Strata may read it" : "write \(SpecTable.version)",
      fixIt: isLater ? nil : FixIt(span: span, replacement: "\(SpecTable.version)"))
  }
}
