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
  /// A larger one might fit, but there are no more training pictures.
  package var isAllPictures = false

  /// Of end-to-end, parallel and sequential training, each found by planning batch after batch. One that the spec does not
  /// allow (an auxiliary that does not fit a module, say) is left out, as in a plan's comparison.
  ///
  /// - Throws: the faults of the spec, and of the weights that it starts from.
  package static func all(
    of spec: Spec, options: CompileOptions, budgetBytes: Int
  ) throws(CompilationFailed) -> [LargestBatch] {
    _ = try StartLowering.run(spec, network: try lower(spec), source: options.start)
    var found: [LargestBatch] = []
    for strategy in [Strategy.endToEnd, .parallel, .sequential] {
      let search = LargestBatchSearch(spec, strategy, options, budgetBytes: budgetBytes)
      if search.isAllowed { found.append(try search.result()) }
    }
    return found
  }
}

private struct LargestBatchSearch {
  private var spec: Spec
  private let strategy: Strategy
  private let options: CompileOptions
  private let budgetBytes: Int

  /// No batch holds a picture twice.
  private var largest: Int { min(options.facts.trainCount, 1 << 20) }

  init(_ spec: Spec, _ strategy: Strategy, _ options: CompileOptions, budgetBytes: Int) {
    self.spec = spec
    self.spec.training.strategy.value = strategy
    // Stages that begin one after the other say nothing of the batch, and only parallel training has them.
    self.spec.training.startEvery.value = 0
    if strategy == .endToEnd { self.spec.network.frozen = nil }
    // The batch alone is asked for, and its pictures are all that there are.
    self.spec.compression?.pictures = nil
    self.strategy = strategy
    self.options = options
    self.budgetBytes = budgetBytes
  }

  /// Whether the spec can be trained like that, with its own batch.
  var isAllowed: Bool { (try? lower(spec)) != nil }

  /// - Throws: what is a fault with two pictures a batch; what is one with more of them alone comes of their number.
  func result() throws(CompilationFailed) -> LargestBatch {
    var found = try largest < 2 ? nil : self.peak(2).map { (2, $0) }
    // A batch of one may be a fault of the spec where two are not.
    if found == nil, let peakBytes = try? self.peak(1) { found = (1, peakBytes) }
    guard var (fits, peak) = found else {
      return LargestBatch(strategy: strategy, batch: nil, peakBytes: nil)
    }
    var step = fits
    // Doubles while it fits, then halves the step.
    while fits + step <= largest, let larger = try? self.peak(fits + step) {
      (fits, peak) = (fits + step, larger)
      step *= 2
    }
    while step > 1 {
      step /= 2
      guard fits + step <= largest, let larger = try? self.peak(fits + step) else { continue }
      (fits, peak) = (fits + step, larger)
    }
    return LargestBatch(
      strategy: strategy, batch: fits, peakBytes: peak, isAllPictures: fits == options.facts.trainCount)
  }

  /// The peak of the plan with this batch; nil where it does not fit.
  private func peak(_ batch: Int) throws(CompilationFailed) -> Int? {
    var spec = spec
    spec.training.batch.value = batch
    // One full batch: how many pictures there are does not matter here.
    var options = options
    options.facts.trainCount = batch
    let plan = try Compiler(spec, options: options).plan(PlanChoices(), comparison: [])
    return plan.memory.peakBytes <= budgetBytes ? plan.memory.peakBytes : nil
  }
}
