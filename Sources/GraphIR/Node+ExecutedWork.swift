internal import CostModel

/// What a node's kernel does at least: the products that its algorithm forms, and the bytes that it moves.
package struct ExecutedWork: Hashable, Sendable {
  /// Zero for all that multiplies no matrices.
  package var multiplyAdds: Int
  /// If every operand is read once and every result written once. Zero for convolutions and fully connected layers, which
  /// products alone bound.
  package var byteCount: Int

  package init(multiplyAdds: Int, byteCount: Int) {
    self.multiplyAdds = multiplyAdds
    self.byteCount = byteCount
  }
}

extension Node {
  /// What one run of the node does.
  ///
  /// - Parameters:
  ///   - batch: pictures at hand.
  ///   - isLastPiece: of a step's batch: only then weights move.
  package func executedWork(in graph: Graph, batch: Int, isLastPiece: Bool) -> ExecutedWork {
    if let operation = convolutionOperation, let geometry = geometry(in: graph, batch: batch),
      let (convolution, _) = convolution(in: graph)
    {
      return ExecutedWork(
        multiplyAdds: geometry.executedMultiplyAdds(operation, convolution.algorithm), byteCount: 0)
    }
    func bytes(_ id: ValueID) -> Int { graph[id].type.byteCount(pictures: batch) }
    let moved = (operands + results + op.mutatedOperands.map { operands[$0] }).map(bytes).reduce(0, +)
    switch op {
    case .linear, .linearInputGradient, .linearWeightGradient:
      return ExecutedWork(multiplyAdds: productMultiplyAdds(in: graph, batch: batch), byteCount: 0)
    case .similarityLoss:
      // Similarities, and the way back through them.
      let square = batch * batch * graph.shape(operands[0]).elementsPerPicture
      return ExecutedWork(multiplyAdds: results.count > 1 ? 2 * square : square, byteCount: moved)
    case .recall: return ExecutedWork(multiplyAdds: 0, byteCount: 2 * results.map(bytes).reduce(0, +))
    case .remember:
      return ExecutedWork(multiplyAdds: 0, byteCount: 2 * operands.prefix(2).map(bytes).reduce(0, +))
    case .update(let optimizer) where !isLastPiece:
      // Gradients add up in the state, or have been added up elsewhere.
      return ExecutedWork(
        multiplyAdds: 0, byteCount: optimizer.addsUpInState ? moved - bytes(operands[0]) : 0)
    case .convolution, .convolutionInputGradient, .convolutionWeightGradient, .batchNorm, .relu, .add,
      .maxPool, .averagePool, .spaceToDepth, .subsample, .spatialDeviation, .foldBatchNorm,
      .softmaxCrossEntropy, .ensemble, .biasGradient, .zeroGradient, .batchNormBackward, .reluBackward,
      .maxPoolBackward, .averagePoolBackward, .depthToSpace, .subsampleBackward, .spatialDeviationBackward,
      .accumulate, .channelScores, .update:
      return ExecutedWork(multiplyAdds: 0, byteCount: moved)
    }
  }
}

extension TensorType {
  /// Bytes of the part that so many pictures fill.
  fileprivate func byteCount(pictures: Int) -> Int {
    switch self {
    case .pictures(var shape):
      shape.batch = pictures
      return TensorType.pictures(shape).byteCount
    case .windowIndices(var shape):
      shape.batch = pictures
      return TensorType.windowIndices(shape).byteCount
    case .labels: return TensorType.labels(batch: pictures).byteCount
    case .filter, .matrix, .vector, .metrics: return byteCount
    }
  }
}
