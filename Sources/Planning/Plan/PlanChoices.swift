/// How a plan meets its budget: what is left to the compiler, because it changes the memory and hardly the training. The
/// defaults are what a plan without a budget does. A plan file keeps its choices, so that the same plan is compiled again.
package struct PlanChoices: Hashable, Sendable {
  /// What becomes of the activations that a frozen prefix outputs.
  package enum Features: String, Hashable, Sendable, CaseIterable {
    case recompute, memory, file
  }

  /// Which stages of those that could start from the activation cache do.
  package enum FeatureStages: String, Hashable, Sendable, CaseIterable {
    /// Where it takes less time than computing them in every step, or the spec wants it.
    case paying
    /// All, because a stage without its frozen prefix is smaller.
    case all
  }

  /// Where the images of a data set in files are.
  package enum DataHolding: String, Hashable, Sendable, CaseIterable {
    /// Read once and kept.
    case resident
    /// Read anew whenever a batch needs them.
    case streamed
  }

  /// Which of its algorithms a convolution takes.
  package enum ConvolutionScratch: String, Hashable, Sendable, CaseIterable {
    /// The fastest one.
    case fast
    /// The one with the least working memory.
    case small
  }

  /// Images that pass at once, at most: larger batches pass in pieces as even as can be, and their gradients add up. Nil:
  /// the whole batch.
  package var microBatch: Int?
  /// Training programs that need a larger arena compute values again instead of keeping them, until they don't. Nil:
  /// everything is kept.
  package var recomputeAboveBytes: Int?
  /// Where stages that start from the activation cache have them.
  package var features = Features.recompute
  /// Of stages that could start from the activation cache, those that do; of no account where features are recomputed.
  package var featureStages = FeatureStages.paying
  /// Images that pass at once where nothing learns, in evaluations and while features are made, if fewer than in training.
  /// Nil: as many.
  package var forwardBatch: Int?
  package var data = DataHolding.resident
  package var scratch = ConvolutionScratch.fast
  /// With little scratch: threads that it is counted for where that decides how a convolution is computed, so that any number
  /// of threads computes the same bits. Nil: as many as the plan is laid out for.
  package var scratchThreads: Int?
  /// Modules that `partition: auto` cuts the network into; nil where the spec says it.
  package var modules: Int?

  package init() {}
}

extension PlanChoices {
  package var pieces: BatchPieces { BatchPieces(largest: microBatch) }
}
