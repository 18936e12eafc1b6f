internal import CostModel
package import GraphIR
internal import Operators
internal import Passes
package import Planning

/// The program that makes answers of images, with what it keeps: of a network that its model file describes.
package struct PredictionProgram: Sendable {
  /// Whose answers are wanted.
  package enum Answer: Hashable, Sendable {
    /// By its place in `StoredNetwork.modules`, from 0.
    case module(Int)
    /// Of all modules: the mean of their logits, or of their probabilities.
    case ensemble(ofProbabilities: Bool)
  }

  package let program: Program
  /// Parameters and statistics of what is used.
  package let resident: ResidentLayout
  private let threads: Int

  package init(_ network: StoredNetwork, _ answer: Answer, threads: Int) {
    var pipeline = PassPipeline(network.graph)
    pipeline.run(network.stage(answer))
    pipeline.run(FuseActivations())
    pipeline.run(FoldBatchNorm())
    pipeline.run(DeadValueElimination())
    pipeline.run(AlgorithmChoice(isStrict: false))
    pipeline.run(InPlace())
    let graph = pipeline.graph.asOneModule
    resident = ResidentLayout(network: graph)
    program = .laidOut(graph, resident: resident, workers: threads)
    self.threads = threads
  }

  package var logits: ValueID { program.graph.moduleOutputs[0] }
  package var memoryMap: MemoryMap { MemoryMap(arenaBytes: program.arenaBytes, threads: threads) }

  /// The process's largest resident set.
  ///
  /// - Parameter dataBytes: what images keep.
  package func peakBytes(dataBytes: Int) -> Int {
    program.arenaBytes + dataBytes + program.runtime.byteCount(threads: threads)
  }
}

extension StoredNetwork {
  func stage(_ answer: PredictionProgram.Answer) -> PredictionStage {
    switch answer {
    case .module(let index): PredictionStage(module: index + 1)
    case .ensemble(let ofProbabilities):
      PredictionStage(
        ensembleOf: Array(1...modules.count), meanOf: ofProbabilities ? .probabilities : .logits)
    }
  }

  /// What makes an answer, before anything is fused: what is exported.
  package func forward(_ answer: PredictionProgram.Answer) -> Graph {
    var pipeline = PassPipeline(graph)
    pipeline.run(stage(answer))
    pipeline.run(DeadValueElimination())
    return pipeline.graph
  }
}

extension Graph {
  /// Nobody trains it: where one module ends and another begins does not matter any more.
  fileprivate var asOneModule: Graph {
    var graph = self
    for index in graph.values.indices where graph.values[index].module > 1 { graph.values[index].module = 1 }
    for index in graph.nodes.indices { graph.nodes[index].module = 1 }
    return graph
  }
}
