internal import Glibc
package import GraphIR

/// A compiled spec: which programs run, in which order, over which memory. The whole truth about a run but for the data.
package struct Plan: Sendable {
  package var name: String
  /// Workers that scratch is laid out for; results do not depend on it.
  package var threads: Int
  /// The canonical text of the resolved spec; its SHA-256 is what a plan file is pinned to.
  package var specText: String
  package var data: DataPlan
  package var training: TrainingPlan
  /// Picture batches.
  package var input: Shape
  package var classes: Int
  package var modules: [ModuleSummary]
  package var resident: ResidentLayout
  package var stages: [StagePlan]
  /// Accuracy of every module with a classifier, and of the ensemble, at the end of a run.
  package var evaluation: Program
  /// The whole plan's.
  package var memory: MemoryFigures
  /// The stage of the peak, from 1; nil where the final evaluation makes it.
  package var peakStage: Int?
  /// What end-to-end backprop of the same network and batch would need.
  package var endToEndPeakBytes: Int?
  package var budgetBytes: Int?

  package var arenaBytes: Int { memory.arenaBytes }
}

/// One stage: the modules that learn in it, its programs and its memory.
package struct StagePlan: Sendable {
  /// From 1.
  package var index: Int
  package var modules: ClosedRange<Int>
  package var epochs: Int
  package var stepsPerEpoch: Int
  package var training: Program
  package var evaluation: Program
  /// Resident values with their places, as they are in this stage.
  package var resident: ResidentLayout
  package var memory: MemoryFigures
}

package struct ModuleSummary: Hashable, Sendable {
  package var index: Int
  package var name: String
  /// The layers' alone.
  package var parameters: Int
  /// Forward, one picture.
  package var multiplyAdds: Int
  package var auxiliaryParameters: Int
  package var auxiliaryMultiplyAdds: Int
}

/// What the data is, as the plan knows it.
package struct DataPlan: Hashable, Sendable {
  package enum Source: String, Hashable, Sendable {
    case digits, synthetic, cifar10, cifar100, idx, npy
  }

  package var source: Source
  /// As it is to be opened; nil for built-in data.
  package var path: String?
  package var trainLimit: Int?
  package var testLimit: Int?
  package var padCrop: Int
  package var flipHorizontal: Bool
  /// Per channel; nil for the source's own.
  package var mean: [Double]?
  package var standardDeviation: [Double]?
  package var facts: DataFacts

  package init(
    source: Source, path: String?, trainLimit: Int?, testLimit: Int?, padCrop: Int, flipHorizontal: Bool,
    mean: [Double]?, standardDeviation: [Double]?, facts: DataFacts
  ) {
    self.source = source
    self.path = path
    self.trainLimit = trainLimit
    self.testLimit = testLimit
    self.padCrop = padCrop
    self.flipHorizontal = flipHorizontal
    self.mean = mean
    self.standardDeviation = standardDeviation
    self.facts = facts
  }
}

/// What is known of a data set before a run.
package struct DataFacts: Hashable, Sendable {
  package var trainCount: Int
  package var testCount: Int
  /// What the set keeps resident outside the arena.
  package var residentBytes: Int
  /// Nil where planned without the data.
  package var fingerprint: String?

  package init(trainCount: Int, testCount: Int, residentBytes: Int, fingerprint: String?) {
    self.trainCount = trainCount
    self.testCount = testCount
    self.residentBytes = residentBytes
    self.fingerprint = fingerprint
  }
}

package enum TrainingStrategy: String, Hashable, Sendable {
  case sequential, parallel
  case endToEnd = "end-to-end"
}

package struct TrainingPlan: Hashable, Sendable {
  package var strategy: TrainingStrategy
  package var epochs: Int
  package var batch: Int
  package var dropLast: Bool
  package var optimizer: SGD
  package var learningRate: Double
  package var schedule: LearningRateSchedule
  /// Whether momentum starts anew wherever the schedule lowers the rate.
  package var dropsMomentumAtDecay: Bool
  package var seed: UInt64

  package init(
    strategy: TrainingStrategy, epochs: Int, batch: Int, dropLast: Bool, optimizer: SGD, learningRate: Double,
    schedule: LearningRateSchedule, dropsMomentumAtDecay: Bool, seed: UInt64
  ) {
    self.strategy = strategy
    self.epochs = epochs
    self.batch = batch
    self.dropLast = dropLast
    self.optimizer = optimizer
    self.learningRate = learningRate
    self.schedule = schedule
    self.dropsMomentumAtDecay = dropsMomentumAtDecay
    self.seed = seed
  }

  /// Of `epoch`, from 1.
  package func learningRate(epoch: Int) -> Double { learningRate * schedule.factor(epoch: epoch) }

  package func dropsMomentum(before epoch: Int) -> Bool {
    dropsMomentumAtDecay && epoch > 1 && learningRate(epoch: epoch) < learningRate(epoch: epoch - 1)
  }

  package func steps(pictures: Int) -> Int { dropLast ? pictures / batch : (pictures + batch - 1) / batch }
}

/// How the learning rate falls over a module's epochs.
package enum LearningRateSchedule: Hashable, Sendable {
  case constant
  /// Times `factor` after every `every` epochs.
  case step(every: Int, factor: Double)
  /// Times `factor` from each of these epochs on.
  case milestones([Int], factor: Double)
  /// Half a cosine down to `floor` over `epochs`, after a linear rise over the first `warmUp` of them.
  case cosine(warmUp: Int, floor: Double, epochs: Int)

  /// Of the first rate, in `epoch`, from 1.
  package func factor(epoch: Int) -> Double {
    func power(_ factor: Double, _ count: Int) -> Double {
      (0..<count).reduce(1) { product, _ in product * factor }
    }
    switch self {
    case .constant: return 1
    case .step(let every, let factor): return power(factor, (epoch - 1) / every)
    case .milestones(let epochs, let factor): return power(factor, epochs.filter { $0 <= epoch }.count)
    case .cosine(let warmUp, let floor, let epochs):
      if epoch <= warmUp { return Double(epoch) / Double(warmUp) }
      let progress = Double(epoch - 1 - warmUp) / Double(max(1, epochs - warmUp))
      return floor + (1 - floor) * (1 + cos(.pi * progress)) / 2
    }
  }
}
