package import Diagnostics
package import GraphIR

/// A compiled spec: which programs run, in which order, over which memory. The whole truth about a run but for the data.
package struct Plan: Sendable {
  package var name: String
  /// Workers that scratch is laid out for; results do not depend on it.
  package var threads: Int
  /// The canonical text of the resolved spec; its SHA-256 is what a plan file is pinned to.
  package var specText: String
  package var data: DataSettings
  package var training: TrainingSettings
  /// Nil: the network starts from drawn weights alone.
  package var start: WeightMapping?
  /// Image batches.
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
  /// SHA-256 of the spec's canonical texts with which a run began that goes on with this plan for more epochs, the first first.
  package var extendedSpecs: [String] = []
  /// The same training on several ranks; nil where it was planned for one process alone.
  package var ranks: RankedPlan?
  package var choices: PlanChoices
  /// So many stages run their frozen modules in every step, though starting from features in a file would take less time.
  package var stagesWithoutFeatures = 0
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
}

/// Where the spec says what no operation stands for.
package struct PlanPlaces: Hashable, Sendable {
  /// The images of a step.
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
  /// What training and evaluation start from in place of images; nil where they start from images.
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
  /// Forward, one image.
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
