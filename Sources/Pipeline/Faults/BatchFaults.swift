internal import Diagnostics
internal import GraphIR
internal import Operators
internal import Planning
internal import SpecLanguage

/// Batches that can't be trained on: none at all, and batches or pieces that leave batch norm without a variance.
func batchFaults(
  of spec: Spec, _ training: TrainingSettings, _ network: Graph, _ choices: PlanChoices, images: Int
) -> [Diagnostic] {
  let span = spec.training.batch.span
  guard training.steps(images: images) > 0 else {
    return [.nothingToTrainOn(batch: training.batch, images: images, at: span)]
  }
  let needsTwo = network.nodes.contains { $0.normalizesOnePixel(in: network) }
  let leftOver = training.lastBatch(images: images)
  if leftOver == 1, needsTwo {
    return [.lastBatchOfOne(images: images, batch: training.batch, at: span)]
  }
  let hasSimilarities = network.hasSimilarityLoss
  if hasSimilarities, let forwardBatch = choices.forwardBatch, forwardBatch < training.batch {
    return [similarityFault(of: spec, "in evaluations of fewer images than a batch has")]
  }
  guard let microBatch = choices.microBatch, microBatch < training.batch else { return [] }
  if spec.training.strategy.value == .asynchronous {
    return [.unsupported("strategy: asynchronous in micro-batches", at: spec.training.strategy.span)]
  }
  if hasSimilarities { return [similarityFault(of: spec, "in micro-batches")] }
  let smallest = [min(training.batch, images), leftOver].filter { $0 > 0 }
    .map { $0 / choices.pieces.count(of: $0) }.min()
  if smallest == 1, needsTwo { return [.oneElementStatistics(at: span)] }
  return []
}

private func similarityFault(of spec: Spec, _ words: String) -> Diagnostic {
  .unsupported("loss: \(spec.auxiliary.loss.value.rawValue) \(words)", at: spec.auxiliary.loss.span)
}

/// Batch norm over a single number has no variance.
func oneElementFault(of graph: Graph) -> Diagnostic? {
  guard graph.batch == 1 else { return nil }
  return graph.nodes.first { $0.normalizesOnePixel(in: graph) }.map { .oneElementStatistics(at: $0.origin) }
}

extension Graph {
  /// A loss of pairs of images: the sum over pieces of a batch is not the batch's, in training and in evaluation.
  var hasSimilarityLoss: Bool {
    nodes.contains { $0.op.is(SimilarityLoss.self) }
  }
}

extension Node {
  /// Whether this is a batch norm of images of 1x1, whose statistics come from the batch alone.
  func normalizesOnePixel(in graph: Graph) -> Bool {
    guard op.is(BatchNorm.self) else { return false }
    let shape = graph.shape(operands[0])
    return shape.height * shape.width == 1
  }
}
