internal import Diagnostics
internal import Planning
package import Text

/// What differs between two plans: what alters results apart from what alters the cost, and both from names.
package struct PlanDiff {
  package struct Figure {
    /// `memory.peakBytes`, `stages[2].steps`.
    package var path: String
    package var old, new: JSON?
  }

  let old, new: PlanLock
  let changes: [SpecDifference.Change]
  let figures: [Figure]
  let dataHasChanged: Bool
  /// SHA-256 of the weights that training starts from; nil: not from stored ones.
  let starts: [String?]
  /// Whether stages start from features of other modules, or from none where the other plan's do.
  let featuresHaveChanged: Bool
  let keepsFeatures: Bool
  let hasSmallScratch: Bool

  /// Members that say where things lie, repeat the spec or follow from it, are told in words of their own, or are times of one machine.
  private static func isSkipped(_ path: String) -> Bool {
    ["schema", "name", "data.fingerprint", "data.path", "start.path", JSON.checksumKey].contains(path)
      || path.hasPrefix("spec.") || path.hasSuffix("].index")
      || path.hasPrefix("memory.attribution") || path.hasPrefix("learningRates")
      || path.hasPrefix("choiceEffects")
      || PlanLock.isOfPrinting(path)
  }

  /// A figure as it is compared: an operation without the file and the line that it comes from.
  private static func compared(_ value: JSON, _ path: String) -> String {
    guard path == "memory.peakOperation", let operation = value.string else { return JSONWriter.line(value) }
    return operation.lastIndex(of: "(").map { String(operation[..<$0]) } ?? operation
  }

  package init(_ old: PlanLock, _ new: PlanLock) {
    self.old = old
    self.new = new
    changes = SpecDifference(from: old.specText, to: new.specText).changes
    let (before, after) = (old.document.leaves(), new.document.leaves())
    let present = Dictionary(after.map { ($0.path, $0.value) }, uniquingKeysWith: { first, _ in first })
    let known = Set(before.map(\.path))
    figures =
      before.compactMap { path, value in
        guard !Self.isSkipped(path) else { return nil }
        let other = present[path]
        return other.map { Self.compared($0, path) } == Self.compared(value, path)
          ? nil : Figure(path: path, old: value, new: other)
      }
      + after.filter { !known.contains($0.path) && !Self.isSkipped($0.path) }.map {
        Figure(path: $0.path, old: nil, new: $0.value)
      }
    let prints = [old, new].map { $0.document["data"]?["fingerprint"]?.string }
    dataHasChanged = prints[0] != nil && prints[1] != nil && prints[0] != prints[1]
    starts = [old, new].map { $0.document["start"]?["sha256"]?.string }
    let kept = [old, new].map { record in
      (record.document["stages"]?.elements ?? []).map { $0["features"]?["module"]?.integer }
    }
    featuresHaveChanged = kept[0] != kept[1]
    keepsFeatures = kept.joined().contains { $0 != nil }
    hasSmallScratch = [old, new].contains {
      $0.document["choices"]?["scratch"]?.string == PlanChoices.ConvolutionScratch.small.rawValue
    }
  }

  package var isEmpty: Bool { changes.isEmpty && figures.isEmpty && !dataHasChanged }

  /// Whether the two come to other weights.
  package var altersResults: Bool {
    dataHasChanged || startHasChanged || featuresHaveChanged
      || changes.contains { effect(of: $0) == .results }
      || !choiceFigures.isEmpty
      || figures.contains { ["data.train", "data.test", "data.source"].contains($0.path) }
  }

  var startHasChanged: Bool { starts[0] != starts[1] }

  /// What a change of the spec does between these two: weights are what they are, wherever they lie.
  func effect(of change: SpecDifference.Change) -> SpecDifference.Effect {
    change.key == "network.from" && starts[0] != nil && !startHasChanged ? .cosmetic : change.effect
  }

  /// Of how the plan meets its budget, what changes the weights, be it in their last bits.
  var choiceFigures: [Figure] { figures.filter(altersResults) }

  func altersResults(_ choice: Figure) -> Bool {
    switch choice.path {
    // Pieces of a batch have batch-norm statistics of their own, modules learn apart, and other algorithms round otherwise.
    case "choices.microBatch", "choices.modules", "choices.scratch", "choices.scratchThreads": true
    // Which convolutions do with little scratch hangs on it.
    case "choices.recomputeAboveBytes": hasSmallScratch
    // Where an image lies in its batch decides how products round; where features lie does not.
    case "choices.features", "choices.featureStages": featuresHaveChanged
    case "choices.forwardBatch": keepsFeatures
    case _: false
    }
  }

  func isOtherChoice(_ figure: Figure) -> Bool {
    figure.path.hasPrefix("choices") && !altersResults(figure)
  }

  // MARK: - JSON

  /// `strata.diff/1`.
  package var json: JSON {
    let spec = changes.map { change in
      JSON.object([
        ("key", .string(change.key)), ("a", .optional(change.old, JSON.string)),
        ("b", .optional(change.new, JSON.string)), ("effect", .string(effect(of: change).rawValue)),
      ])
    }
    let list = figures.map { figure in
      JSON.object([("path", .string(figure.path)), ("a", figure.old ?? .null), ("b", figure.new ?? .null)])
    }
    return .object([
      ("schema", "strata.diff/1"), ("a", .string(old.path)), ("b", .string(new.path)),
      ("equal", .bool(isEmpty)), ("altersResults", .bool(altersResults)),
      ("dataChanged", .bool(dataHasChanged)), ("spec", .array(spec)), ("figures", .array(list)),
    ])
  }
}

extension JSON {
  /// Of a plan's document: the row of its comparison that is the plan itself, whatever others of its strategy there are.
  var comparisonRowOfPlan: JSON? {
    self["comparison"]?.elements.first { row in
      if case .bool(true) = row["isPlan"] { true } else { false }
    }
  }
}
