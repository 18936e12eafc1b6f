internal import Diagnostics

// Sorted by code. Codes from E100 are lowering's: what only shapes and counts can tell.
extension Diagnostic {
  static func oddHalving(height: Int, width: Int, item: String, producer: Note?, at span: SourceSpan) -> Self
  {
    Diagnostic(
      code: "E101", message: "\(item) can't read half of a \(height)x\(width) picture",
      primary: span, label: "halves \(height)x\(width)", notes: producer.map { [$0] } ?? [],
      help: "drop this halving, or change `network.input` so that every halving comes out even")
  }

  static func noSuchItem(_ item: Int, count: Int, noun: String, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E102", message: "there is no \(noun) \(item)", primary: span,
      label: "the network has \(count) \(noun)\(count == 1 ? "" : "s")",
      help: "\(noun)s count from 1: write a number from 1 to \(count)")
  }

  static func wrongPartition(_ written: String, wanted: String, family: String, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E103", message: "'\(written)' does not partition a \(family)", primary: span,
      label: "not a \(family)'s", help: "write '\(wanted)'", fixIt: FixIt(span: span, replacement: wanted))
  }

  static func moreModulesThanItems(_ modules: Int, items: Int, noun: String, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E104", message: "\(modules) modules are more than the network has \(noun)s", primary: span,
      label: "\(items) \(noun)s, stem included", help: "ask for \(items) modules or fewer")
  }

  static func cutsDoNotRise(at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E105", message: "cuts must rise", primary: span, label: "not behind the cut before it",
      help: "list each cut once, in rising order")
  }

  static func pictureTooSmall(_ what: String, height: Int, width: Int, needs: Int, at span: SourceSpan)
    -> Self
  {
    Diagnostic(
      code: "E106", message: "\(what) needs pictures of at least \(needs)x\(needs)", primary: span,
      label: "gets \(height)x\(width)", help: "downsample less, or choose another kind")
  }

  static func inputIsNotTheData(_ input: String, data: String, source: String, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E107", message: "the network's input \(input) is not what '\(source)' gives", primary: span,
      label: "pictures are \(data)", help: "write `input: \(data)`, or leave the key out")
  }

  static func tooFewClasses(_ classes: Int, data: Int, source: String, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E108", message: "\(classes) classes are fewer than '\(source)' has", primary: span,
      label: "labels go up to \(data)", help: "write `classes: \(data)`, or leave the key out")
  }

  static func normalizationCount(_ count: Int, channels: Int, key: String, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E109", message: "'\(key)' needs one value a channel", primary: span,
      label: "\(count) for \(channels) channel\(channels == 1 ? "" : "s")", help: "give \(channels) values")
  }

  static func noSuchModule(_ module: Int, count: Int, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E110", message: "there is no module \(module)", primary: span,
      label: "the partition makes \(count) module\(count == 1 ? "" : "s")",
      help: "modules count from 1: write a number from 1 to \(count)")
  }

  static func tooLarge(_ what: String, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E111", message: "\(what) would be larger than any machine's memory", primary: span,
      label: "more than 2^40 numbers", help: "check this number, `network.input` and `training.batch`")
  }

  static func widthCount(_ count: Int, modules: Int, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E112", message: "a list of auxiliary widths needs one entry a module", primary: span,
      label: "\(count) for \(modules) module\(modules == 1 ? "" : "s")",
      help: "give \(modules) widths, or write 'same', a number or `{doubled: N}`")
  }

  static func oneElementStatistics(at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E113", message: "batch norm needs more than one value a channel", primary: span,
      label: "a batch of one 1x1 picture",
      help: "train with a larger batch, or set `network.batch-norm: false`")
  }

  static func nothingToTrainOn(batch: Int, pictures: Int, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E114", message: "no batch of \(batch) can be filled", primary: span,
      label: "\(pictures) training pictures, and `drop-last` is on",
      help: "make the batch \(pictures) or smaller, or drop `drop-last`")
  }
}
