package import Diagnostics
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
  /// Nil: the network starts from drawn weights alone.
  package var start: StartPlan?
  /// Picture batches.
  package var input: Shape
  package var classes: Int
  package var modules: [ModuleSummary]
  package var resident: ResidentLayout
  package var stages: [StagePlan]
  /// Accuracy of every module with a classifier, and of the ensembles, at the end of a run.
  package var evaluation: Program
  /// The whole plan's.
  package var memory: MemoryFigures
  /// The stage of the peak, from 1; nil where the final evaluation makes it.
  package var peakStage: Int?
  /// What the plan was asked to stay within.
  package var budgetBytes: Int?
  package var choices: PlanChoices
  /// So many stages run their frozen modules in every step, though starting from features in a file would take less time.
  package var stagesWithoutFeatures = 0
  /// Every strategy for the same network, batch and data with nothing chosen for a budget; where something was chosen, the
  /// plan itself behind them. Empty where nobody asked.
  package var comparison: [StrategyFigures] = []
  /// The network that the spec describes, where the run leaves one with fewer channels.
  package var unnarrowed: NetworkFigures?
  package var places: PlanPlaces
  /// Of the network that the run leaves.
  package var wiring: NetworkWiring

  /// By label; nil where the source does not name as many as the network tells apart.
  package var classNames: [String]? {
    data.facts.images?.classNames.flatMap { $0.count == classes ? $0 : nil }
  }

  package var arenaBytes: Int { memory.arenaBytes }

  /// The largest resident set of a process that runs nothing but one of the plan's programs.
  package func peakBytes(running program: Program) -> Int {
    program.arenaBytes + memory.dataBytes + memory.runtimeBytes
  }

  /// The comparison's rows but for one that stands for this plan's choices.
  package var comparisonWithoutChoices: [StrategyFigures] {
    choices == PlanChoices() ? comparison : Array(comparison.dropLast())
  }

  /// Multiply-adds of all training steps that only make values again, as a share of the others.
  package var recomputedShare: Double { shareOfSteps { ($0.recomputed, $0.total - $0.recomputed) } }

  /// Multiply-adds of all training steps that frozen modules make, as a share of the others, nothing computed again.
  package var frozenShare: Double {
    shareOfSteps { ($0.frozen, $0.total - $0.recomputed - $0.frozen) }
  }

  /// Some of the multiply-adds of all training steps, as a share of others. In `Double`, which no number of epochs overflows.
  private func shareOfSteps(_ parts: (StepMultiplyAdds) -> (some: Int, others: Int)) -> Double {
    var (some, others) = (0.0, 0.0)
    for stage in stages {
      let step = StepMultiplyAdds(
        stage.training.graph, trained: stage.schedule.indices, batch: training.batch)
      some += Double(parts(step).some) * Double(stage.epochs)
      others += Double(parts(step).others) * Double(stage.epochs)
    }
    return some / max(1, others)
  }

  /// The most that a program needs which makes a step.
  package var trainingArenaBytes: Int {
    stages.flatMap(\.programs.all).filter(\.role.runsTrainingBatches).map(\.element.arenaBytes).max() ?? 0
  }

  /// The most that a program needs which only runs forward.
  package var forwardArenaBytes: Int {
    stages.flatMap(\.programs.all).filter { !$0.role.runsTrainingBatches }.map(\.element.arenaBytes)
      .reduce(evaluation.arenaBytes, max)
  }

  /// What end-to-end backprop of the same network and batch would need.
  package var endToEndPeakBytes: Int? {
    comparison.first { $0.strategy == .endToEnd }?.memory.peakBytes
  }
}

/// Where the spec says what no operation stands for.
package struct PlanPlaces: Hashable, Sendable {
  /// The pictures of a step.
  package var batch: SourceSpan
  package var data: SourceSpan

  package init(batch: SourceSpan, data: SourceSpan) {
    self.batch = batch
    self.data = data
  }
}

/// One stage: the modules that learn in it, its programs and its memory.
package struct StagePlan: Sendable {
  /// From 1.
  package var index: Int
  package var schedule: StageSchedule
  package var stepsPerEpoch: Int
  /// How a batch passes the training program.
  package var pieces: BatchPieces
  /// Training and evaluation are always there.
  package var programs: ByRole<Program>
  /// What training and evaluation start from in place of pictures; nil where they start from pictures.
  package var features: FeaturePlan?
  /// How the stage ends where its module loses channels.
  package var narrowing: NarrowingPlan?
  /// Resident values with their places, as they are in this stage.
  package var resident: ResidentLayout
  package var memory: MemoryFigures

  package var epochs: Int { schedule.epochs }
  package var training: Program { programs.training }
  package var evaluation: Program { programs.evaluation }
}

extension ByRole where Element == Program {
  /// Each stage has one.
  package var training: Program { self[.training]! }
  package var evaluation: Program { self[.evaluation]! }
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
  /// As the module was trained, where it has lost channels since.
  package var beforeNarrowing: Figures?

  /// Sizes of a module as it is at one time; units as above.
  package struct Figures: Hashable, Sendable {
    package var parameters, multiplyAdds, auxiliaryParameters, auxiliaryMultiplyAdds: Int
  }

  /// As the run leaves the module.
  package var figures: Figures {
    Figures(
      parameters: parameters, multiplyAdds: multiplyAdds, auxiliaryParameters: auxiliaryParameters,
      auxiliaryMultiplyAdds: auxiliaryMultiplyAdds)
  }

  mutating func note(before: ModuleSummary) { beforeNarrowing = before.figures }
}

/// Of all modules' layers and the head; auxiliaries not.
package struct NetworkFigures: Hashable, Sendable {
  package var parameters, multiplyAdds: Int

  package init(_ modules: [ModuleSummary]) {
    parameters = modules.map(\.parameters).reduce(0, +) + (modules.last?.auxiliaryParameters ?? 0)
    multiplyAdds = modules.map(\.multiplyAdds).reduce(0, +) + (modules.last?.auxiliaryMultiplyAdds ?? 0)
  }
}

/// Sizes before channels go.
package struct NarrowedSizes: Hashable, Sendable {
  package var network: NetworkFigures
  /// Those that lose channels, as they are trained: behind narrowed ones.
  package var modules: [ModuleSummary]

  package init(network: NetworkFigures, modules: [ModuleSummary]) {
    self.network = network
    self.modules = modules
  }
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

  /// `(pixel / scale - mean) / standardDeviation` is what a network reads, one mean and deviation a channel; nil where neither
  /// the spec nor the source tells them.
  package var normalization: (mean: [Float], standardDeviation: [Float])? {
    if let mean, let standardDeviation {
      return (mean.map { Float($0) }, standardDeviation.map { Float($0) })
    }
    return facts.images.map { ($0.mean, $0.standardDeviation) }
  }
}

/// What is known of a data set before a run.
package struct DataFacts: Hashable, Sendable {
  package var trainCount: Int
  package var testCount: Int
  /// What the set keeps resident outside the arena.
  package var residentBytes: Int
  /// The same where pictures are read anew for every batch; nil where they do not lie in files.
  package var streamed: Streamed?

  /// What a data set keeps that stays in its files.
  package struct Streamed: Hashable, Sendable {
    package var byteCount: Int
    package var byteCountPerThread: Int

    package init(byteCount: Int, byteCountPerThread: Int) {
      self.byteCount = byteCount
      self.byteCountPerThread = byteCountPerThread
    }
  }

  /// What the set keeps resident outside the arena, however it is held.
  package func residentBytes(_ data: PlanChoices.DataHolding, threads: Int) -> Int {
    switch data {
    case .resident: residentBytes
    case .streamed: streamed.map { $0.byteCount + threads * $0.byteCountPerThread } ?? residentBytes
    }
  }
  /// Nil where planned without the data.
  package var fingerprint: String?
  /// Nil where nobody has asked the source.
  package var images: Images?

  /// How stored images become a network's input, and what the classes are called.
  package struct Images: Hashable, Sendable {
    /// A stored pixel is divided by it before it is normalised.
    package var pixelScale: Int
    /// The source's own, one a channel; a spec may say otherwise.
    package var mean, standardDeviation: [Float]
    /// By label, where the source defines them.
    package var classNames: [String]?

    package init(pixelScale: Int, mean: [Float], standardDeviation: [Float], classNames: [String]?) {
      self.pixelScale = pixelScale
      self.mean = mean
      self.standardDeviation = standardDeviation
      self.classNames = classNames
    }
  }

  package init(
    trainCount: Int, testCount: Int, residentBytes: Int, streamed: Streamed? = nil, fingerprint: String?,
    images: Images? = nil
  ) {
    self.trainCount = trainCount
    self.testCount = testCount
    self.residentBytes = residentBytes
    self.streamed = streamed
    self.fingerprint = fingerprint
    self.images = images
  }
}
