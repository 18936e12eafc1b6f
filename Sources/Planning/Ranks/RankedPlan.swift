package import GraphIR

/// One rank of a pipeline: the modules that it trains, and its own programs and arena for them.
package struct RankPlan: Sendable {
  /// From 0, as MPI counts.
  package var rank: Int
  package var modules: ClosedRange<Int>
  /// Training and evaluation, behind the resident tensors of its own modules alone.
  package var stage: StagePlan
  /// What opening the data takes included, where the rank does that.
  package var memory: MemoryFigures

  package init(rank: Int, modules: ClosedRange<Int>, stage: StagePlan, memory: MemoryFigures) {
    self.rank = rank
    self.modules = modules
    self.stage = stage
    self.memory = memory
  }

  /// Of a full batch, features and labels; 0 for the last rank.
  package var sendBytesPerStep: Int { stage.training.linkBytes(.sends) }
  /// Likewise; 0 for the first rank.
  package var receiveBytesPerStep: Int { stage.training.linkBytes(.receives) }
  /// Forward and backward.
  package var multiplyAddsPerStep: Int { stage.multiplyAddsPerStep }
}

extension Program {
  fileprivate enum Direction { case sends, receives }

  /// Of one batch.
  fileprivate func linkBytes(_ direction: Direction) -> Int {
    (direction == .sends ? outputs : inputs).reduce(0) { sum, port in
      switch port.kind {
      case .send, .receive:
        sum + graph[port.value].type.byteCount / RankedPlan.buffersPerLink
      case .images, .labels, .activation, .ring, .metrics: sum
      }
    }
  }
}

/// A plan's modules on several ranks: a pipeline in which a rank works on the batch behind the one that the next rank has.
package struct RankedPlan: Sendable {
  /// Buffers at each end of a link: one is on its way while the other is worked on.
  package static let buffersPerLink = 2

  /// In order, never empty.
  package var ranks: [RankPlan]
  /// What each rank was asked to stay within.
  package var budgetBytes: Int?

  package init(ranks: [RankPlan], budgetBytes: Int? = nil) {
    self.ranks = ranks
    self.budgetBytes = budgetBytes
  }

  /// The rank that takes the most memory, of equal ones the first.
  package var largest: RankPlan {
    ranks.reduce(ranks[0]) { $1.memory.peakBytes > $0.memory.peakBytes ? $1 : $0 }
  }
}

extension Plan {
  /// Of ranks, in multiply-adds: what a plan's file can say of any machine.
  package func pipeline(_ ranked: RankedPlan) -> PipelineFigures {
    PipelineFigures(
      unit: .multiplyAdds, costs: ranked.ranks.map { Double($0.multiplyAddsPerStep) },
      oneProcess: Double(stages[0].multiplyAddsPerStep))
  }
}

extension TimeModel {
  /// Of a plan's ranks, in seconds; links are waited for nowhere.
  package func pipeline(_ ranked: RankedPlan, of plan: Plan) -> PipelineFigures {
    PipelineFigures(
      unit: .seconds,
      costs: ranked.ranks.map { rank in
        // Images are prepared in the first rank alone.
        rank.rank == 0 ? stepSeconds(rank.stage, of: plan.ofRank(rank)) : seconds(of: rank.stage.training)
      }, oneProcess: stepSeconds(plan.stages[0], of: plan))
  }
}

/// How well ranks share a step's work.
package struct PipelineFigures: Hashable, Sendable {
  package var unit: RankCosts.Unit
  /// Of a step, by rank.
  package var costs: [Double]
  /// Of a step that trains all modules.
  package var oneProcess: Double

  package init(unit: RankCosts.Unit, costs: [Double], oneProcess: Double) {
    self.unit = unit
    self.costs = costs
    self.oneProcess = oneProcess
  }

  /// Before the last rank has its first batch.
  package var fillSteps: Int { costs.count - 1 }
  package var dearest: Double { costs.max() ?? 0 }
  /// Over one process, at best: nothing but the dearest rank is waited for.
  package var speedup: Double { dearest > 0 ? oneProcess / dearest : 1 }
  /// By rank, of the dearest one's cost.
  package var shares: [Double] { costs.map { dearest > 0 ? $0 / dearest : 1 } }
}

/// What a link's speed allows.
package struct LinkFigures: Hashable, Sendable {
  package var rate: LinkRate
  /// The rank that sends the most in a step.
  package var rank: Int
  /// That a step's bytes of that rank take.
  package var secondsPerStep: Double
  /// Over one process; nil where nobody knows how long a step takes there.
  package var speedup: Double?

  /// Nil where nothing is sent.
  package init?(_ rate: LinkRate, of plan: RankedPlan, _ pipeline: PipelineFigures) {
    let most = plan.ranks.reduce(plan.ranks[0]) { $1.sendBytesPerStep > $0.sendBytesPerStep ? $1 : $0 }
    guard most.sendBytesPerStep > 0 else { return nil }
    self.rate = rate
    rank = most.rank
    secondsPerStep = 8 * Double(most.sendBytesPerStep) / Double(rate.bitsPerSecond)
    speedup = pipeline.unit == .seconds ? pipeline.oneProcess / secondsPerStep : nil
  }
}
