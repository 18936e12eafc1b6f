package import Diagnostics

// Sorted by code. Codes from E100 are lowering's: what only shapes and counts can tell. `strata explain` says more about
// them in LoweringExplanations.swift.
extension Diagnostic {
  /// - Parameters:
  ///   - span: of the word `invertible`.
  ///   - place: of what says before which item.
  static func oddFolding(
    height: Int, width: Int, item: String, producer: Note?, at span: SourceSpan, place: SourceSpan
  ) -> Self {
    Diagnostic(
      code: "E101", message: "\(item) can't read a \(height)x\(width) image folded into channels",
      primary: span, label: "needs even sides",
      notes: (place == span ? [] : [Note(span: place, label: "folds \(height)x\(width)")])
        + (producer.map { [$0] } ?? []),
      help: "the other kinds take odd sides: write 'stride' or 'max-pool', "
        + "or change `network.input` so that these halvings come out even",
      fixIt: FixIt(span: span, replacement: "stride"))
  }

  static func noSuchItem(_ item: Int, count: Int, noun: String, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E102", message: "there is no \(noun) \(item)", primary: span,
      label: "the network has \(count) \(noun)\(count == 1 ? "" : "s")",
      help: "\(noun)s count from 1: write a number from 1 to \(count)")
  }

  static func moreModulesThanItems(_ modules: Int, items: Int, noun: String, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E104", message: "\(modules) modules are more than the network has \(noun)s", primary: span,
      label: noun == "block" ? "\(items - 1) blocks and the stem" : "\(items) \(noun)s",
      help: "ask for \(items) modules or fewer")
  }

  static func imageTooSmall(_ what: String, height: Int, width: Int, needs: Int, at span: SourceSpan)
    -> Self
  {
    Diagnostic(
      code: "E106", message: "\(what) needs images of at least \(needs)x\(needs)", primary: span,
      label: "gets \(height)x\(width)", help: "downsample less, or choose another kind")
  }

  /// - Parameter atMost: whether it is not known what the partition makes.
  static func noSuchModule(_ module: Int, count: Int, atMost: Bool, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E110", message: "there is no module \(module)", primary: span,
      label:
        "the \(atMost ? "network has room for" : "partition makes") \(count) module\(count == 1 ? "" : "s")",
      help: "modules count from 1: write a number from 1 to \(count)")
  }

  static func tooLarge(_ what: String, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E111", message: "\(what) would be larger than any machine's memory", primary: span,
      label: "more than 2^40 numbers", help: "check this number, `network.input` and `training.batch`")
  }

  static func tooManyFeatures(images: Int, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E111",
      message: "the features of all \(images) images would be larger than any machine's memory",
      primary: span, label: "more than 2^60 bytes behind one module",
      help: "take fewer images (`data.limit`), or smaller ones (`network.input`)")
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
      label: "a batch of one 1x1 image",
      help: "train with a larger batch, or set `network.batch-norm: false`")
  }

  static func nothingToTrainOn(batch: Int, images: Int, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E114", message: "no batch of \(batch) can be filled", primary: span,
      label: "\(images) training images, and `drop-last` is on",
      help: "make the batch \(images) or smaller, or drop `drop-last`")
  }

  static func startNeedsParallel(strategy: String, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E115", message: "'training.start' belongs to parallel training", primary: span,
      label: "the strategy is \(strategy)", help: "set `training.strategy: parallel`, or drop `start`")
  }

  static func tooMuchWork(_ what: String, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E116", message: "\(what) would take longer than any machine lasts", primary: span,
      label: "more than 2^46 multiply-adds an image", help: "check this number and `network.input`")
  }

  static func lastBatchOfOne(images: Int, batch: Int, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E117",
      message: "the last batch of an epoch would be a single image, which batch norm can't normalise",
      primary: span, label: "\(images) images leave one over",
      help: "set `training.drop-last: true`, or another batch than \(batch)")
  }

  static func shortcutDropsChannels(
    _ block: String, from inChannels: Int, to outChannels: Int, at span: SourceSpan, shortcut: SourceSpan
  ) -> Self {
    Diagnostic(
      code: "E118", message: "\(block) reads more channels than a zero-padded shortcut can pass on",
      primary: span, label: "\(outChannels) channels from \(inChannels)",
      notes: [Note(span: shortcut, label: "'zero-pad' only adds channels")],
      help: "set `network.shortcut: projection`, or give the block \(inChannels) output channels")
  }

  static func cacheOfDrawnImages(at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E119", message: "features of augmented images can't be kept", primary: span,
      label: "every epoch draws its images anew",
      help: "set `memory.features: recompute`, or drop `data.augment`")
  }

  static func slowInTurn(at span: SourceSpan, order: SourceSpan) -> Self {
    Diagnostic(
      code: "E130", message: "no module is slow where all work in turn", primary: span,
      label: "the order is sequential", notes: [Note(span: order, label: "set here")],
      help: "set `training.asynchronous.order: random`, or drop `slow`")
  }

  static func frozenModules(
    _ message: String, label: String, at span: SourceSpan, help: String
  ) -> Self {
    Diagnostic(code: "E131", message: message, primary: span, label: label, help: help)
  }

  static func rankingBeyondImages(wanted: Int, images: Int, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E133", message: "'compression.pictures' asks for more images than there are", primary: span,
      label: "there are \(images) to train on",
      help: "rank over \(images) or fewer, or leave the key out to rank over all")
  }

  static func tooMuchTraining(at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E134", message: "training would take more multiply-adds than can be counted", primary: span,
      label: "more than 2^62 in all",
      help: "train for fewer epochs, or on fewer images (`data.limit`)")
  }

  static func tooManyDrawings(at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E134", message: "training would take more epochs than can be counted", primary: span,
      label: "the last module would begin behind more than 2^32",
      help: "let modules begin closer together")
  }

  static func rankingOfOne(images: Int, batch: Int, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E135",
      message: "channels would be ranked over a single image, which batch norm can't normalise",
      primary: span,
      label: images == 1 ? "one image" : "\(images) images, \(batch) at once, leave one over",
      help: images == 1
        ? "rank over more images" : "rank over an even number of images, or train with a larger batch")
  }

  /// Of `network.from`: unreadable, or not of this network.
  package static func weights(
    _ message: String, label: String, at span: SourceSpan, notes: [Note] = [], help: String = weightsHelp
  ) -> Self {
    Diagnostic(code: "E132", message: message, primary: span, label: label, notes: notes, help: help)
  }

  static func nothingToPool(
    height: Int, width: Int, item: String, producer: Note?, at span: SourceSpan
  ) -> Self {
    Diagnostic(
      code: "E140", message: "\(item) would read a pooled \(height)x\(width) image, of which nothing is left",
      primary: span, label: "no 2x2 window fits", notes: producer.map { [$0] } ?? [],
      help: "drop this halving, halve by 'stride', or take a larger `network.input`")
  }

  package static let weightsHelp =
    "`network.from` takes a run's folder or a model.safetensors of the same first layers or blocks"

  /// Of `network.from`: a file of another kind.
  package static func foreignWeights(_ message: String, at span: SourceSpan, help: String) -> Self {
    Diagnostic(code: "E160", message: message, primary: span, label: "not stored weights", help: help)
  }

  /// Of `network.from`: numbers that 32-bit floats can't hold.
  static func storedNumbers(_ message: String, label: String, at span: SourceSpan, help: String) -> Self {
    Diagnostic(code: "E161", message: message, primary: span, label: label, help: help)
  }
}
