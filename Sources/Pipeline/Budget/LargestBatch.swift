package import Diagnostics
internal import GraphIR
internal import Planning
package import SpecLanguage

/// The largest batches that a strategy trains within a budget.
package struct LargestBatch: Hashable, Sendable {
  package struct Figure: Hashable, Sendable {
    package var batch: Int
    /// Of the plan with that batch.
    package var peakBytes: Int
    /// A larger one might fit, but there are no more training images.
    package var isAllImages: Bool
    /// A larger one fits that leaves a last batch of one image, which batch norm can't take; it is one with
    /// `training.drop-last`. Nil where there is none.
    package var batchWithDropLast: Int?
  }

  package var strategy: Strategy
  /// Keys of the spec that go with its own strategy and not with this one: what is planned here has none of them.
  package var keysLeftOut: [String]
  /// As the plan without a budget is: nothing recomputed, no batch in pieces, all data kept. What papers measure a method's
  /// memory by. Nil where not even the smallest fits.
  package var natural: Figure?
  /// With all that a budget may choose and that leaves a training the same to the bit; never less. Nil as well where the
  /// partition is a budget's to choose: its modules come first, and other modules are another training.
  package var sameBits: Figure?
  /// Whether the spec leaves the modules of this strategy to the budget.
  package var choosesModules = false

  package var batch: Int? { natural?.batch }
  package var peakBytes: Int? { natural?.peakBytes }
  package var isAllImages: Bool { natural?.isAllImages ?? false }

  /// Of end-to-end, parallel and sequential training, and of the spec's own, each found by planning batch after batch. One that
  /// the spec does not allow (an auxiliary that does not fit a module, say) is left out, as in a plan's comparison.
  ///
  /// - Parameter note: is called while the search goes on, with the number of plans that were measured.
  /// - Throws: the faults of the spec, and of the weights that it starts from.
  package static func all(
    of lowered: LoweredSpec, options: CompileOptions, budgetBytes: Int, note: ((Int) -> Void)? = nil
  ) throws(CompilationFailed) -> [LargestBatch] {
    let spec = lowered.spec
    _ = try StartLowering.run(spec, network: lowered.network, source: options.start)
    var found: [LargestBatch] = []
    var strategies: [Strategy] = [.endToEnd, .parallel, .sequential]
    if !strategies.contains(spec.training.strategy.value) { strategies.append(spec.training.strategy.value) }
    for strategy in strategies {
      var search = LargestBatchSearch(spec, strategy, options, budgetBytes: budgetBytes, note: note)
      if search.isAllowed { found.append(try search.result()) }
    }
    return found
  }
}

private struct LargestBatchSearch {
  private var spec: Spec
  private let strategy: Strategy
  private var keysLeftOut: [String] = []
  private let options: CompileOptions
  private let budgetBytes: Int
  private let note: ((Int) -> Void)?
  private var count = 0

  /// No batch holds an image twice.
  private var largest: Int { min(options.facts.trainCount, 1 << 20) }

  init(
    _ spec: Spec, _ strategy: Strategy, _ options: CompileOptions, budgetBytes: Int, note: ((Int) -> Void)?
  ) {
    self.spec = spec
    if strategy != spec.training.strategy.value {
      self.spec.training.strategy.value = strategy
      // What only the spec's own strategy has.
      if strategy == .sequential, spec.training.startEvery.value != 0 { keysLeftOut.append("training.start") }
      self.spec.training.startEvery.value = 0
      if strategy == .endToEnd, spec.network.frozen != nil {
        keysLeftOut.append("network.frozen")
        self.spec.network.frozen = nil
      }
    }
    self.strategy = strategy
    self.options = options
    self.budgetBytes = budgetBytes
    self.note = note
  }

  /// Whether the spec can be trained like that, with its own batch.
  var isAllowed: Bool { (try? LoweredSpec(spec)) != nil }

  /// - Throws: what is a fault with two images a batch; what is one with more of them alone comes of their number.
  mutating func result() throws(CompilationFailed) -> LargestBatch {
    if largest >= 2 { try require(2) }
    let natural = largestFigure(.natural)
    let sameBits =
      choosesModules ? nil : largestFigure(.sameBits, from: natural?.batchWithDropLast ?? natural?.batch)
    return LargestBatch(
      strategy: strategy, keysLeftOut: keysLeftOut, natural: natural, sameBits: sameBits,
      choosesModules: choosesModules)
  }

  /// End-to-end training is one module, whatever the partition.
  private var choosesModules: Bool {
    if strategy != .endToEnd, case .auto = spec.training.partition { true } else { false }
  }

  private enum Allowed { case natural, sameBits }

  /// What is a fault of the spec, and not of the last batch that this number leaves.
  private func require(_ batch: Int) throws(CompilationFailed) {
    let lowered = try lowered(batch, dropLast: true)
    _ = try checkedTraining(
      of: lowered.spec, lowered.network, PlanChoices(), facts: options.facts, start: options.start)
  }

  /// - Parameter start: that fits as well.
  private mutating func largestFigure(_ allowed: Allowed, from start: Int? = nil) -> LargestBatch.Figure? {
    // A batch of one may be a fault of the spec where two are not.
    guard let first = [start ?? 2, 2, 1].first(where: { $0 <= largest && peak($0, allowed) != nil }) else {
      return nil
    }
    var fits = first
    var step = fits
    // Doubles while it fits, then halves the step.
    while fits + step <= largest, peak(fits + step, allowed) != nil {
      fits += step
      step *= 2
    }
    while step > 1 {
      step /= 2
      guard fits + step <= largest, peak(fits + step, allowed) != nil else { continue }
      fits += step
    }
    // One more might be what a larger step did not stop at.
    while fits < largest, peak(fits + 1, allowed) != nil { fits += 1 }
    return figure(fits, allowed)
  }

  /// - Parameter fits: the largest batch that memory allows.
  private mutating func figure(_ fits: Int, _ allowed: Allowed) -> LargestBatch.Figure? {
    var batch = fits
    while batch > 0, !leavesNoFault(batch) { batch -= 1 }
    guard batch > 0, let peakBytes = peak(batch, allowed) else { return nil }
    return LargestBatch.Figure(
      batch: batch, peakBytes: peakBytes, isAllImages: fits == options.facts.trainCount,
      batchWithDropLast: fits == batch ? nil : fits)
  }

  /// Whether a plan takes the batch as the spec stands.
  private func leavesNoFault(_ batch: Int) -> Bool {
    guard let lowered = try? lowered(batch, dropLast: nil) else { return false }
    return
      (try? checkedTraining(
        of: lowered.spec, lowered.network, PlanChoices(), facts: options.facts, start: options.start)) != nil
  }

  /// - Parameter dropLast: nil: as the spec says.
  private func lowered(_ batch: Int, dropLast: Bool?) throws(CompilationFailed) -> LoweredSpec {
    var spec = spec
    spec.training.batch.value = batch
    if let dropLast { spec.training.dropLast.value = dropLast }
    return try LoweredSpec(spec)
  }

  /// The peak of the plan with this batch, whatever images it leaves for the last; nil where it does not fit.
  private mutating func peak(_ batch: Int, _ allowed: Allowed) -> Int? {
    count += 1
    note?(count)
    guard let lowered = try? lowered(batch, dropLast: true) else { return nil }
    let compiler = Compiler(lowered, options: options)
    guard let search = try? BudgetSearch(compiler, note: nil) else { return nil }
    switch allowed {
    case .natural:
      // Where something is chosen, memory is counted for so many threads at least.
      let threads = max(options.threads, PlanChoices.countedThreads)
      guard let choices = try? compiler.defaultChoices(),
        let peakBytes = search.peakBytes(choices, threads: threads), peakBytes <= budgetBytes
      else { return nil }
      return peakBytes
    case .sameBits:
      let found = (try? search.cheapestOfSameBits(within: budgetBytes)) ?? nil
      return found?.peakBytes
    }
  }
}
