package import Diagnostics

// Every warning about a spec, one factory each, sorted by code. Warnings without a place are worded where they arise.

extension Diagnostic {
  static func warmUpOfOneEpoch(at span: SourceSpan) -> Self {
    Diagnostic(
      code: "W001", severity: .warning, message: "a warm-up of one epoch changes nothing", primary: span,
      label: "the first epoch has the whole learning rate",
      help: "a warm-up of n epochs begins with an n-th of the rate: take 2 or more, or leave the key out")
  }

  static func warmUpOfAllEpochs(
    _ warmUp: Int, epochs: Int, at span: SourceSpan, epochsAt: SourceSpan
  ) -> Self {
    let words =
      warmUp > epochs ? "the learning rate never reaches its full value" : "nothing is left for the cosine"
    return Diagnostic(
      code: "W001", severity: .warning,
      message: "the warm-up takes all of \(count(epochs)): \(words)", primary: span,
      label: "\(warmUp) of \(epochs)", notes: [epochsNote(epochs, at: epochsAt)],
      help: "train for more epochs, or warm up for fewer")
  }

  static func rateNeverFalls(_ key: String, epochs: Int, at span: SourceSpan, epochsAt: SourceSpan) -> Self {
    Diagnostic(
      code: "W002", severity: .warning,
      message: "the learning rate never falls: '\(key)' is not reached in \(count(epochs))", primary: span,
      label: "of \(epochs)", notes: [epochsNote(epochs, at: epochsAt)],
      help: epochs > 1 ? "let it fall after \(epochs - 1) epochs or fewer, or train for more epochs" : nil)
  }

  static func milestonesBeyondEpochs(
    _ milestones: [Int], epochs: Int, at span: SourceSpan, epochsAt: SourceSpan
  ) -> Self {
    let isOne = milestones.count == 1
    let words = list(milestones.map { "\($0)" }, "and")
    return Diagnostic(
      code: "W002", severity: .warning,
      message: isOne
        ? "milestone \(words) does nothing in \(count(epochs))"
        : "milestones \(words) do nothing in \(count(epochs))",
      primary: span, label: "the rate falls behind an epoch, if another follows",
      notes: [epochsNote(epochs, at: epochsAt)],
      help: "drop \(isOne ? "it" : "them"), or train for more epochs")
  }

  static func factorOfOne(at span: SourceSpan) -> Self {
    Diagnostic(
      code: "W003", severity: .warning, message: "a factor of 1 leaves the learning rate as it is",
      primary: span, label: "the rate is multiplied by this", help: "take a factor below 1, or 'constant'")
  }

  static func floorOfOne(at span: SourceSpan) -> Self {
    Diagnostic(
      code: "W003", severity: .warning, message: "a floor of 1 leaves the learning rate as it is",
      primary: span, label: "the share that is left in the end",
      help: "take a floor below 1, or 'constant'")
  }

  static func cosineOfOneEpoch(
    warmUp: Int, epochs: Int, at span: SourceSpan, epochsAt: SourceSpan
  ) -> Self {
    let behind = warmUp > 0 ? " behind \(count(warmUp)) of warm-up" : ""
    return Diagnostic(
      code: "W003", severity: .warning,
      message: "the cosine has one epoch\(behind), in which the learning rate is whole", primary: span,
      label: "changes nothing", notes: [epochsNote(epochs, at: epochsAt)],
      help: "train for more epochs, or take 'constant'")
  }

  static func nothingAtDecay(_ key: String, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "W003", severity: .warning, message: "'\(key)' does nothing: the learning rate never falls",
      primary: span, label: "waits for a fall", help: "give `training.schedule` a fall, or leave the key out")
  }

  private static func count(_ epochs: Int) -> String { epochs == 1 ? "one epoch" : "\(epochs) epochs" }

  private static func epochsNote(_ epochs: Int, at span: SourceSpan) -> Note {
    Note(span: span, label: "trained for \(count(epochs))")
  }

  private static func list(_ words: [String], _ conjunction: String) -> String {
    guard words.count > 1, let last = words.last else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " \(conjunction) " + last
  }

  static func batchBeyondImages(batch: Int, images: Int, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "W004", severity: .warning,
      message: "the batch of \(batch) is larger than the \(images) training images: every step has them all",
      primary: span, label: "there are \(images)", help: "set `training.batch: \(images)` or less")
  }

  /// - Parameter words: which images, with their numbers.
  package static func largeImages(_ words: String, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "W020", severity: .warning, message: words, primary: span, label: "read from here",
      help: "scale the images, or set `data.normalize`: networks are made for numbers near 1")
  }

  /// - Parameters:
  ///   - classes: that have no image, rising, from 0.
  ///   - split: `train` or `test`.
  ///   - isLimited: by `data.limit`.
  ///   - isBalanced: the limit leaves each class its share.
  package static func classWithoutImage(
    classes: [Int], of classCount: Int, split: String, images: Int, isLimited: Bool, isBalanced: Bool,
    at span: SourceSpan
  ) -> Self {
    let shown = classes.prefix(8).map { "\($0)" }.joined(separator: ", ")
    let list = classes.count > 8 ? "\(shown) and \(classes.count - 8) more" : shown
    let first = isLimited && !isBalanced ? "first " : ""
    return Diagnostic(
      code: "W021", severity: .warning,
      message:
        "class\(classes.count == 1 ? "" : "es") \(list) of \(classCount) (they count from 0) "
        + "\(classes.count == 1 ? "has" : "have") no image among the \(first)\(images) \(split == "train" ? "training" : "test") images",
      primary: span,
      label: !isLimited ? "\(classCount) classes" : isBalanced ? "leaves so many" : "takes the first ones",
      help: isLimited && isBalanced
        ? "raise `data.limit.\(split)`, or add images of the class"
        : isLimited
          ? "raise `data.limit.\(split)`, or mix the files' images: the first ones are taken"
          : "add images of the class, or set `network.classes` to what there are")
  }

  /// - Parameter files: paths with reasons.
  package static func skippedImages(_ files: [String], at span: SourceSpan) -> Self {
    let shown = files.prefix(20).joined(separator: "; ")
    let rest = files.count > 20 ? "; and \(files.count - 20) more" : ""
    return Diagnostic(
      code: "W023", severity: .warning,
      message:
        "\(files.count) image \(files.count == 1 ? "file was" : "files were") left out: \(shown)\(rest)",
      primary: span, label: "`on-bad-image: skip`", help: "mend or remove them")
  }

  static func unknownWiring(path: String, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "W060", severity: .warning,
      message:
        "the weights at '\(path)' do not say how their layers compute: names and shapes alone are compared",
      primary: span, label: "no `wiring` in its metadata",
      help: "check halvings, activations and shortcuts yourself, or save with the metadata of Strata's file")
  }

  static func restartedClassifiers(_ names: [String], path: String, at span: SourceSpan) -> Self {
    let list = names.map { "'\($0)'" }.joined(separator: ", ")
    return Diagnostic(
      code: "W061", severity: .warning,
      message:
        "\(list) of '\(path)' \(names.count == 1 ? "is" : "are") not used: tensors are missing or of other shapes",
      primary: span, label: "starts from `network.init`",
      help: "store it whole, or leave it out of the file")
  }
}
