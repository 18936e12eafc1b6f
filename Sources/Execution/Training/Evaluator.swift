package import Datasets
internal import GraphIR
package import Planning

/// Measures loss and accuracy over the test images, in order, without augmentation.
package struct Evaluator {
  private let engine: Engine
  private let source: BatchSource
  private let id: ProgramID

  package init(engine: Engine, images: ImagePreparer) {
    self.init(engine: engine, source: BatchSource(images: images, features: nil), .finalEvaluation)
  }

  /// - Parameter source: what the program starts from.
  init(engine: Engine, source: BatchSource, _ id: ProgramID) {
    self.engine = engine
    self.source = source
    self.id = id
  }

  /// Sums by metric of the program: its modules in order, then the ensembles that it has.
  ///
  /// - Throws: where the loss of a batch is infinite or NaN.
  package func run(_ program: Program) throws(NotFinite) -> [MetricSums] {
    guard let sums = try run(program, unless: { false }) else { preconditionFailure("nobody stopped it") }
    return sums
  }

  /// The same of a program that outputs logits, with what they answer.
  package func run(
    _ program: Program, unless shouldStop: () -> Bool, counting answers: inout AnswerCounts
  ) throws(NotFinite) -> [MetricSums]? {
    guard let logits = program.graph.moduleOutputs.first else {
      preconditionFailure("only the last evaluation of a plan keeps answers")
    }
    return try run(program, unless: shouldStop) { count in
      let labels = engine.labels(of: program, count: count)
      engine.withValue(logits, of: program) { answers.add(logits: $0, labels: labels) }
    }
  }

  /// The same. Nothing that a training keeps is touched: one that stopped here begins the evaluation again.
  ///
  /// - Parameter shouldStop: looked at between batches.
  /// - Returns: nil if it should stop before the last batch is done.
  package func run(
    _ program: Program, unless shouldStop: () -> Bool
  ) throws(NotFinite) -> [MetricSums]? {
    try run(program, unless: shouldStop) { _ in }
  }

  /// - Parameter batchEnded: with its number of images.
  private func run(
    _ program: Program, unless shouldStop: () -> Bool, batchEnded: (Int) -> Void
  ) throws(NotFinite) -> [MetricSums]? {
    var sums = program.graph.metrics.map { MetricSums(module: $0.module, isEnsemble: $0.isEnsemble) }
    let batch = program.graph.batch
    var indices = [Int32](repeating: 0, count: batch)
    let imageCount = source.images.dataset.facts.testCount
    var first = 0
    while first < imageCount {
      let count = min(batch, imageCount - first)
      for position in 0..<count { indices[position] = Int32(first + position) }
      engine.prepare(
        source, split: .test, indices: indices.span.extracting(0..<count), epoch: nil, for: program)
      engine.run(program, id, batch: count)
      engine.addMetrics(of: program, images: count, to: &sums)
      // A file that can't be read any more is the callers' to report.
      if let sum = sums.first(where: { !$0.loss.isFinite }) {
        var found = NotFinite(split: .test, module: sum.module)
        found.isEnsemble = sum.isEnsemble
        found.loss = Float(sum.loss)
        found.image = engine.worstImage(
          .test, indices: Array(indices[..<count]), source, program: program)
        throw found
      }
      batchEnded(count)
      first += count
      if first < imageCount, shouldStop() { return nil }
    }
    return sums
  }
}
