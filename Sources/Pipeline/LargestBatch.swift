package import Diagnostics
internal import Planning
package import SpecLanguage

/// The largest batch that a strategy trains within a budget, with nothing recomputed and no batch in pieces: what papers
/// measure a method's memory by.
package struct LargestBatch: Hashable, Sendable {
  package var strategy: Strategy
  /// Nil where not even the smallest fits.
  package var batch: Int?
  /// Of the plan with that batch.
  package var peakBytes: Int?

  /// Of end-to-end, parallel and sequential training, each found by planning batch after batch.
  ///
  /// - Throws: the faults of the spec.
  package static func all(
    of spec: Spec, options: CompileOptions, budgetBytes: Int
  ) throws(CompilationFailed) -> [LargestBatch] {
    _ = try lower(spec)
    return [Strategy.endToEnd, .parallel, .sequential].map { strategy in
      LargestBatchSearch(spec, strategy, options, budgetBytes: budgetBytes).result
    }
  }
}

private struct LargestBatchSearch {
  private var spec: Spec
  private let strategy: Strategy
  private let options: CompileOptions
  private let budgetBytes: Int

  private static let largest = 1 << 20

  init(_ spec: Spec, _ strategy: Strategy, _ options: CompileOptions, budgetBytes: Int) {
    self.spec = spec
    self.spec.training.strategy.value = strategy
    // Stages that begin one after the other say nothing of the batch, and only parallel training has them.
    self.spec.training.startEvery.value = 0
    if strategy == .endToEnd { self.spec.network.frozen = nil }
    if strategy != .sequential { self.spec = self.spec.withoutCompression() }
    // The batch alone is asked for, and its pictures are all that there are.
    self.spec.compression?.pictures = nil
    self.strategy = strategy
    self.options = options
    self.budgetBytes = budgetBytes
  }

  var result: LargestBatch {
    // A batch of one may be a fault of the spec where two are not.
    guard var (fits, peak) = [2, 1].lazy.compactMap({ batch in self.peak(batch).map { (batch, $0) } }).first
    else { return LargestBatch(strategy: strategy, batch: nil, peakBytes: nil) }
    var step = fits
    // Doubles while it fits, then halves the step.
    while fits + step <= Self.largest, let larger = self.peak(fits + step) {
      (fits, peak) = (fits + step, larger)
      step *= 2
    }
    while step > 1 {
      step /= 2
      guard fits + step <= Self.largest, let larger = self.peak(fits + step) else { continue }
      (fits, peak) = (fits + step, larger)
    }
    return LargestBatch(strategy: strategy, batch: fits, peakBytes: peak)
  }

  /// The peak of the plan with this batch; nil where it does not fit or can't be planned.
  private func peak(_ batch: Int) -> Int? {
    var spec = spec
    spec.training.batch.value = batch
    // One full batch: how many pictures there are does not matter here.
    var options = options
    options.facts.trainCount = batch
    let plan = try? Compiler(spec, options: options).plan(PlanChoices(), comparison: [])
    return plan.map(\.memory.peakBytes).flatMap { $0 <= budgetBytes ? $0 : nil }
  }
}
