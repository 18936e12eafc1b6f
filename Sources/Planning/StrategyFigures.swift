internal import CostModel
package import GraphIR

/// What one training strategy needs of memory and arithmetic for the same network, batch and data: a row of the comparison.
package struct StrategyFigures: Hashable, Sendable {
  package struct Stage: Hashable, Sendable {
    /// That learn, from 1.
    package var modules: [Int]
    package var epochs: Int
    package var memory: MemoryFigures
    package var step: StepMultiplyAdds
  }

  package var strategy: TrainingStrategy
  /// The whole training's, the last evaluation included.
  package var memory: MemoryFigures
  /// From 1; nil where the last evaluation makes the peak.
  package var peakStage: Int?
  package var stages: [Stage]
  /// Of all steps of all epochs. What asynchronous modules run behind their own epochs to feed the next, which hangs on what is
  /// drawn, is not counted.
  package var trainingMultiplyAdds: Int

  /// The stage whose step is the longest.
  package var largestStep: StepMultiplyAdds {
    stages.map(\.step).max { $0.total < $1.total } ?? StepMultiplyAdds()
  }
}

/// Multiply-adds of one step over a whole batch, in convolutions and fully connected layers.
package struct StepMultiplyAdds: Hashable, Sendable {
  /// Of the modules that learn, their auxiliaries included.
  package var forward = 0
  /// Of the frozen modules before them.
  package var frozen = 0
  package var backward = 0
  /// Once more, because a budget left no room to keep it.
  package var recomputed = 0

  package var total: Int { forward + frozen + backward + recomputed }

  package init() {}

  /// - Parameters:
  ///   - graph: of a batch, or of a piece of one.
  ///   - trained: modules that learn, from 1.
  ///   - batch: images of a whole step.
  package init(_ graph: Graph, trained: [Int], batch: Int) {
    self.init(graph.nodes[...], of: graph, trained: Set(trained), batch: batch)
  }

  /// Of some of a graph's nodes.
  init(_ nodes: ArraySlice<Node>, of graph: Graph, trained: Set<Int>, batch: Int) {
    for node in nodes {
      let multiplyAdds = node.productMultiplyAdds(in: graph) / graph.batch * batch
      switch node.op.phase {
      case _ where node.isRecomputed: recomputed += multiplyAdds
      case .forward where trained.contains(node.module): forward += multiplyAdds
      case .forward: frozen += multiplyAdds
      case .backward: backward += multiplyAdds
      case .update: break
      }
    }
  }
}

extension Planner {
  /// The figures of a training, stage by stage; programs are laid out, and let go.
  ///
  /// - Parameters:
  ///   - graphs: makes the graphs of a stage.
  ///   - evaluation: of all modules.
  package func figures(
    of training: TrainingSettings, network: ResidentLayout, evaluation: Graph,
    graphs: (StageSchedule) -> StageGraphs
  ) -> StrategyFigures {
    var peak = PlanPeak(self, evaluation: program(evaluation, resident: network))
    var stages: [StrategyFigures.Stage] = []
    var total = 0
    for (index, schedule) in StageSchedule.all(of: training).enumerated() {
      let graphs = graphs(schedule)
      let stage = stage(graphs, index: index + 1)
      peak.add(stage)
      stages.append(StrategyFigures.Stage(stage, batch: training.batch))
      total += multiplyAdds(of: stage, in: training)
    }
    for index in stages.indices { stages[index].memory.runtimeBytes = peak.memory.runtimeBytes }
    return StrategyFigures(
      strategy: training.strategy, memory: peak.memory, peakStage: peak.stage, stages: stages,
      trainingMultiplyAdds: total)
  }

  /// The figures of a training that is planned already.
  package func figures(of plan: Plan) -> StrategyFigures {
    StrategyFigures(
      strategy: plan.training.strategy, memory: plan.memory, peakStage: plan.peakStage,
      stages: plan.stages.map { StrategyFigures.Stage($0, batch: plan.training.batch) },
      trainingMultiplyAdds: plan.stages.map { multiplyAdds(of: $0, in: plan.training) }.reduce(0, +))
  }

  /// Of all steps of a stage; the last batch of an epoch may be a small one.
  private func multiplyAdds(of stage: StagePlan, in training: TrainingSettings) -> Int {
    let graph = stage.training.graph
    let images = training.imagesPerEpoch(of: facts.trainCount)
    let steps = graph.nodes.map { node in
      node.productMultiplyAdds(in: graph) / graph.batch * images
        * training.epochs(ofModule: node.module, inStageOf: stage.epochs)
    }.reduce(0, +)
    guard let graph = stage.programs[.ranking]?.graph, let narrowing = stage.narrowing else { return steps }
    return steps + graph.nodes.map { $0.productMultiplyAdds(in: graph) }.reduce(0, +) / graph.batch
      * narrowing.batches.images
  }
}

extension StrategyFigures.Stage {
  fileprivate init(_ stage: StagePlan, batch: Int) {
    self.init(
      modules: stage.schedule.indices, epochs: stage.epochs, memory: stage.memory,
      step: StepMultiplyAdds(stage.training.graph, trained: stage.schedule.indices, batch: batch))
  }
}

/// The peak of a whole training, found stage by stage.
struct PlanPeak {
  private(set) var memory: MemoryFigures
  /// From 1. The last evaluation is named only where it alone makes the peak; of equal stages the first.
  private(set) var stage: Int?
  /// Of all programs so far: they are there all the time.
  private var runtime: RuntimeMemory
  private let threads: Int

  init(_ planner: Planner, evaluation: Program) {
    runtime = evaluation.runtime
    threads = planner.threads
    memory = planner.figures(
      evaluation.peak, arenaBytes: evaluation.arenaBytes, runtime: runtime,
      at: PeakLocation(program: .evaluation, node: evaluation.peakNode))
  }

  mutating func add(_ stage: StagePlan) {
    add(
      stage.memory,
      runtime: stage.programs.allElements.reduce(into: RuntimeMemory()) { $0.formUnion($1.runtime) },
      ofStage: stage.index)
  }

  /// - Parameter runtime: of the stage's programs.
  mutating func add(_ figures: MemoryFigures, runtime: RuntimeMemory, ofStage index: Int) {
    let arenaBytes = max(memory.arenaBytes, figures.arenaBytes)
    let isHigher = figures.lowerBoundBytes > memory.lowerBoundBytes
    if isHigher || (stage == nil && figures.lowerBoundBytes == memory.lowerBoundBytes) {
      memory.breakdown = figures.breakdown
      memory.peak = figures.peak
      stage = index
    }
    memory.arenaBytes = arenaBytes
    self.runtime.formUnion(runtime)
    memory.runtimeBytes = self.runtime.byteCount(threads: threads)
  }

  /// Once all stages are in: what opening the data takes, where the arena is smaller.
  mutating func addOpening(_ planner: Planner) {
    memory.dataBytes += planner.facts.openingBytes(
      planner.choices.data, threads: threads, beyond: memory.arenaBytes)
  }
}
