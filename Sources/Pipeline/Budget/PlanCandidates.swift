internal import Planning

/// All that a plan of one spec may choose from, the cheapest first; the same for every budget.
struct PlanCandidates {
  /// Choices that decide the programs that learn, but for what these compute again.
  struct Variant {
    var choices: PlanChoices
    /// A bound: nothing of this variant costs less.
    var cost: PlanCost
  }

  /// Variants among which `cost.work` and what comes behind it decide.
  typealias Group = [Variant]

  private let ways: [PlanChoices]
  private let batch: Int
  /// Modules that an open partition can be cut into at most; nil where the spec says how many.
  private let mostModules: Int?
  private let takesPieces: Bool

  /// - Parameter ways: to have features.
  init(ways: [PlanChoices], batch: Int, mostModules: Int?, takesPieces: Bool) {
    self.ways = ways
    self.batch = batch
    self.mostModules = mostModules
    self.takesPieces = takesPieces
  }

  /// Groups of rising cost.
  var groups: [Group] {
    let counts = mostModules.map { Self.ladder(upTo: $0) } ?? [1]
    var groups = counts.flatMap { [whole(modules: $0, .fast), whole(modules: $0, .small)] }
    if takesPieces, batch > 1 {
      groups += [inPieces(counts[counts.count - 1], .fast), inPieces(counts[counts.count - 1], .small)]
    }
    return groups.filter { !$0.isEmpty }
  }

  /// Those that leave a training as it comes to the bit, whatever they do for its size.
  ///
  /// - Parameter natural: how the plan without a budget has its features.
  func sameBits(as natural: PlanChoices) -> Group {
    whole(modules: mostModules ?? 1, .fast).filter {
      let isKept = natural.features != .recompute
      return ($0.choices.features != .recompute) == isKept
        && $0.choices.featureStages == natural.featureStages
    }
  }

  private func whole(modules: Int, _ scratch: PlanChoices.ConvolutionScratch) -> Group {
    variants(modules: modules, scratch, pieces: 1, step: 0)
  }

  private func inPieces(_ modules: Int, _ scratch: PlanChoices.ConvolutionScratch) -> Group {
    Self.ladder(upTo: batch).enumerated().dropFirst().flatMap {
      variants(modules: modules, scratch, pieces: $1, step: $0)
    }
  }

  private func variants(
    modules: Int, _ scratch: PlanChoices.ConvolutionScratch, pieces: Int, step: Int
  ) -> Group {
    ways.enumerated().compactMap { index, way in
      // Features in memory would only be in the way of what costs more than they spare.
      guard way.features != .memory || scratch == .fast else { return nil }
      var variant = Variant(choices: way, cost: PlanCost())
      if mostModules != nil { (variant.choices.modules, variant.cost.modules) = (modules, modules) }
      if pieces > 1 {
        variant.choices.microBatch = (batch + pieces - 1) / pieces
        variant.cost.isInPieces = true
        variant.cost.work = Double(step) * PlanCost.pieceStep
      }
      if scratch == .small {
        variant.choices.scratch = .small
        variant.choices.scratchThreads = PlanChoices.countedThreads
        variant.cost.hasSmallScratch = true
      }
      variant.cost.way = index
      return variant
    }
  }

  /// 1, 2, 3, 4, 6, 8, 12, ... and `limit`.
  static func ladder(upTo limit: Int) -> [Int] {
    var numbers = [1]
    var power = 2
    while power <= limit {
      numbers += [power, power + power / 2].filter { $0 <= limit && $0 > numbers[numbers.count - 1] }
      power *= 2
    }
    if numbers[numbers.count - 1] < limit { numbers.append(limit) }
    return numbers
  }

  /// Images that pass at once where nothing learns, instead of `most`: halves of it, down to `least`.
  static func forwardBatches(below most: Int, downTo least: Int?) -> [Int] {
    guard let least, least < most else { return [] }
    var batches: [Int] = []
    var images = (most + 1) / 2
    while images > least {
      batches.append(images)
      images = (images + 1) / 2
      if batches.last == images { break }
    }
    return batches.filter { $0 > least } + [least]
  }
}
