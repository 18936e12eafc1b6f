internal import GraphIR
internal import Operators
package import Planning
package import Text

/// What a model file says of a network's input and output, so that other programs can feed it and read its answers.
package struct ModelMetadata: Hashable, Sendable {
  /// Channels, height, width: `3x32x32`.
  package let input: String
  /// A stored pixel is divided by it before it is normalised; nil where the plan was made without the data.
  package let pixelScale: Int?
  /// One a channel, on the scale of divided pixels; nil where nobody told them.
  package let mean, standardDeviation: [Float]?
  package let classCount: Int
  /// By label; nil where the source does not name them.
  package let classNames: [String]?

  /// How image files became the network's images: their shorter side before the crop; nil for other sources.
  package let resize: Int?
  package let decodesScaled: Bool
  /// Whether the ensemble is the mean of probabilities; of logits otherwise.
  package let ensembleOfProbabilities: Bool
  /// The last module's number, where the auxiliaries in the file do not tell it; nil where they do.
  package let headModule: Int?

  package init(_ plan: Plan) {
    resize = plan.data.files?.resize
    decodesScaled = plan.data.files?.decodesScaled ?? false
    ensembleOfProbabilities = plan.evaluation.graph.nodes.contains {
      $0.op.as(Ensemble.self)?.mean == .probabilities
    }
    let untrained = Set(plan.start?.unsolved ?? [])
    let auxiliaries = plan.wiring.steps.keys.compactMap { name in
      name.hasPrefix("auxiliaries.") ? Int(name.dropFirst("auxiliaries.".count)) : nil
    }.filter { !untrained.contains($0) }
    headModule = (auxiliaries.max() ?? 0) + 1 == plan.modules.count ? nil : plan.modules.count
    input = "\(plan.input.channels)x\(plan.input.height)x\(plan.input.width)"
    pixelScale = plan.data.facts.images?.pixelScale
    let normalization = plan.data.normalization
    mean = normalization?.mean
    standardDeviation = normalization?.standardDeviation
    classCount = plan.classes
    classNames = plan.classNames
  }

  /// A list of names where they are known, else a number.
  package var classes: JSON {
    classNames.map { .array($0.map(JSON.string)) } ?? .integer(classCount)
  }

  /// By the keys of a file's metadata, whose values are texts: numbers and lists as JSON.
  package var texts: [String: String] {
    func list(_ numbers: [Float]) -> String { JSONWriter.line(.array(numbers.map(JSON.number))) }
    var texts = ["input": input, "classes": JSONWriter.line(classes)]
    texts["pixelScale"] = pixelScale.map { "\($0)" }
    if ensembleOfProbabilities { texts["ensemble"] = "probabilities" }
    texts["resize"] = resize.map { "\($0)" }
    if decodesScaled { texts["decode"] = "scaled" }
    texts["headModule"] = headModule.map { "\($0)" }
    texts["mean"] = mean.map(list)
    texts["standardDeviation"] = standardDeviation.map(list)
    return texts
  }
}
