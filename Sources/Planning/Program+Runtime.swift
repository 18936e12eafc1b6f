package import CostModel
package import GraphIR

extension Graph {
  /// What the process needs beside the arena to keep the graph's program and to run it.
  package var runtime: RuntimeMemory {
    RuntimeMemory(
      nodes: nodes.count, values: values.count,
      isRanking: nodes.contains { if case .channelScores = $0.op { true } else { false } },
      productBufferBytes: nodes.map { $0.productBufferBytes(in: self) }.max() ?? 0)
  }
}

extension Program {
  /// What the process needs beside the arena to keep the program and to run it.
  package var runtime: RuntimeMemory { graph.runtime }
}

extension Plan {
  /// What the process needs beside the arena to keep all the plan's programs, and to run them.
  package var runtime: RuntimeMemory {
    stages.flatMap(\.programs).reduce(into: evaluation.runtime) { $0.formUnion($1.runtime) }
  }

  /// The largest resident set of a process that runs this plan and keeps another one, of the same data.
  package func peakBytes(beside other: Plan) -> Int {
    arenaBytes + memory.dataBytes + runtime.beside(other.runtime).byteCount(threads: threads)
  }
}

extension Node {
  /// What each thread touches of OpenBLAS' buffer.
  func productBufferBytes(in graph: Graph) -> Int {
    func shape(_ id: ValueID) -> Shape { graph.shape(id) }
    switch op {
    case .convolution(let c):
      return ProductBuffer.convolutionForward(c.geometry(input: shape(operands[0])), c.algorithm)
    case .convolutionInputGradient(let c):
      return ProductBuffer.convolutionInputGradient(c.geometry(input: shape(results[0])), c.algorithm)
    case .convolutionWeightGradient(let c):
      return ProductBuffer.convolutionWeightGradient(c.geometry(input: shape(operands[0])), c.algorithm)
    case .linear(let outFeatures, _):
      let x = shape(operands[0])
      return ProductBuffer.linear(rows: x.batch, columns: outFeatures, depth: x.elementsPerPicture)
    case .linearInputGradient:
      let (dy, dx) = (shape(operands[0]), shape(results[0]))
      return ProductBuffer.linear(rows: dx.batch, columns: dx.elementsPerPicture, depth: dy.channels)
    case .linearWeightGradient:
      let (x, dy) = (shape(operands[0]), shape(operands[1]))
      return ProductBuffer.linearWeightGradient(
        rows: x.batch, inFeatures: x.elementsPerPicture, outFeatures: dy.channels)
    case .similarityLoss:
      let z = shape(operands[0])
      return ProductBuffer.similarityLoss(rows: z.batch, features: z.elementsPerPicture)
    case .batchNorm, .foldBatchNorm, .relu, .add, .maxPool, .averagePool, .spaceToDepth, .subsample,
      .spatialDeviation, .recall, .remember, .softmaxCrossEntropy, .ensemble, .biasGradient, .zeroGradient,
      .batchNormBackward,
      .reluBackward, .maxPoolBackward, .averagePoolBackward, .depthToSpace, .subsampleBackward,
      .spatialDeviationBackward, .accumulate, .channelScores, .update:
      return 0
    }
  }
}
