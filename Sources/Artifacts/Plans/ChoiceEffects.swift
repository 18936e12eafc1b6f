internal import GraphIR
internal import Operators
package import Planning
internal import Text

/// What one of a plan's choices does, for people and programs.
package struct ChoiceEffect: Hashable, Sendable {
  /// How far a run's weights are from those of a plan that chose nothing.
  package enum Results: String, Hashable, Sendable {
    case same = "same bits"
    case rounding = "equal up to rounding"
    case statistics = "batch-norm statistics of smaller batches"
    /// Of other modules: nothing that training leads to is the same.
    case weights = "other weights"
  }

  /// As in the plan file's `choices`.
  package var choice: String
  package var words: String
  /// Multiply-adds of training steps that come on top, as a share of all.
  package var extraWork: Double
  package var results: Results
}

extension Plan {
  /// One for each choice that is not the default, in the order of `choices`.
  package var choiceEffects: [ChoiceEffect] {
    var effects: [ChoiceEffect] = []
    if let microBatch = choices.microBatch { effects.append(effect(ofMicroBatch: microBatch)) }
    if let bytes = choices.recomputeAboveBytes { effects.append(effect(ofRecomputingAbove: bytes)) }
    if let effect = effectOfKeptFeatures ?? effectOfRecomputedFeatures { effects.append(effect) }
    if let forwardBatch = choices.forwardBatch { effects.append(effect(ofForwardBatch: forwardBatch)) }
    if choices.data == .streamed {
      effects.append(
        ChoiceEffect(
          choice: "data",
          words: "images are read from their files for every batch: "
            + "\(byteSize(data.facts.residentBytes - memory.dataBytes)) less in memory",
          extraWork: 0, results: .same))
    }
    if choices.scratch == .small { effects.append(effectOfSmallScratch) }
    if let modules = choices.modules {
      effects.append(
        ChoiceEffect(
          choice: "modules",
          words: "'partition: auto' makes \(modules) module\(modules == 1 ? "" : "s"), as few as fit",
          extraWork: 0, results: .weights))
    }
    return effects
  }

  /// What the plan was asked to stay within, and each thing that it does for that; empty where there is neither.
  package var budgetLines: [String] {
    var lines: [String] = []
    if let budget = budgetBytes {
      let rest = budget - memory.peakBytes
      lines.append(
        "\(byteSize(budget)): "
          + (rest >= 0
            ? "the peak leaves \(byteSize(rest)) of it, \(byteSize(min(rest, budget / BudgetMargin.parts))) as a margin"
            : "exceeded by \(byteSize(-rest))"))
    }
    return lines + choiceEffects.map { "\($0.words) (\($0.results.rawValue))" }
  }

  private var effectOfKeptFeatures: ChoiceEffect? {
    let kept = stages.filter { $0.features != nil }
    guard let most = kept.compactMap({ $0.features?.byteCount }).max() else { return nil }
    let place =
      choices.features == .file
      ? "a file of up to \(byteSize(most)), read once an epoch" : "memory, up to \(byteSize(most))"
    let why =
      choices.featureStages == .all
      ? "; so do those where reading takes longer than computing, because they are smaller without what is frozen"
      : ""
    return ChoiceEffect(
      choice: "features",
      words:
        "\(kept.count) of \(stages.count) stages start from features of frozen modules, computed once and kept in "
        + place + why,
      extraWork: 0, results: .rounding)
  }

  private var effectOfRecomputedFeatures: ChoiceEffect? {
    guard stagesWithoutFeatures > 0 else { return nil }
    return ChoiceEffect(
      choice: "features",
      words:
        "\(stagesWithoutFeatures) of \(stages.count) stages run their frozen modules in every step instead of keeping what "
        + "these give: \(percentage(frozenShare)) more multiply-adds",
      extraWork: frozenShare, results: .rounding)
  }

  private func effect(ofForwardBatch forwardBatch: Int) -> ChoiceEffect {
    let making = stages.contains { $0.features != nil }
    let otherwise = min(choices.microBatch ?? .max, training.batch)
    return ChoiceEffect(
      choice: "forwardBatch",
      words:
        "evaluation\(making ? " and the making of features take" : " takes") \(forwardBatch) "
        + "image\(forwardBatch == 1 ? "" : "s") at once instead of \(otherwise), in smaller products",
      extraWork: 0, results: making ? .rounding : .same)
  }

  private func effect(ofMicroBatch microBatch: Int) -> ChoiceEffect {
    let pieces = choices.pieces.count(of: training.batch)
    let hasBatchNorm = stages.contains { stage in
      stage.training.graph.nodes.contains { node in
        node.op.as(BatchNorm.self)?.mode == .training
      }
    }
    return ChoiceEffect(
      choice: "microBatch",
      words:
        "a batch of \(training.batch) passes in \(pieces) pieces of at most \(microBatch) images, whose "
        + "gradients add up before the update"
        + (hasBatchNorm ? "; batch norm takes its statistics from a piece" : ""),
      extraWork: 0, results: hasBatchNorm ? .statistics : .rounding)
  }

  private var effectOfSmallScratch: ChoiceEffect {
    ChoiceEffect(
      choice: "scratch",
      words: "convolutions that would make the peak with Winograd's scratch go by im2col, which is slower",
      extraWork: 0, results: .rounding)
  }

  private func effect(ofRecomputingAbove limit: Int) -> ChoiceEffect {
    let recomputed = stages.map { stage in
      stage.training.graph.nodes.filter(\.isRecomputed).map {
        stage.training.graph[$0.results[0]].type.byteCount
      }
    }
    let values = recomputed.map(\.count).max() ?? 0
    let bytes = recomputed.map { $0.reduce(0, +) }.max() ?? 0
    guard values > 0 else {
      return ChoiceEffect(
        choice: "recomputeAboveBytes",
        words:
          "values of a step would be computed again above \(byteSize(limit)) of arena; no stage needs that",
        extraWork: 0, results: .same)
    }
    return ChoiceEffect(
      choice: "recomputeAboveBytes",
      words: "\(values) value\(values == 1 ? "" : "s") of a step, \(byteSize(bytes)), "
        + "\(values == 1 ? "is" : "are") computed again instead of kept: "
        + "\(percentage(recomputedShare)) more multiply-adds",
      extraWork: recomputedShare, results: .same)
  }
}
