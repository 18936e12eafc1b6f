internal import CostModel
internal import GraphIR
internal import Kernels
internal import Operators
internal import Planning

/// Runs one node: looks the kernel up and hands it its slices of the arena. Nothing is allocated.
///
/// Images come first in every value, so a smaller batch uses the front of each slice.
@unsafe struct KernelDispatch {
  let base: UnsafeMutableRawPointer
  let program: Program
  /// Images at hand, at most the planned batch.
  let batch: Int
  let piece: StepPiece
  let workers: Workers

  /// The table that binds operations to kernels.
  ///
  /// - Parameter clock: of the node's module.
  func run(_ index: Int, clock: StepParameters) {
    let node = unsafe program.graph.nodes[index]
    let scratch = unsafe program.scratch(ofNode: index)
    let context = unsafe KernelContext(
      workers: workers, scratch: scratch.map { unsafe base + $0.lowerBound },
      scratchByteCount: scratch?.count ?? 0)
    switch node.op.kind {
    case .convolution: unsafe run(node.as(Convolution.self), node, context)
    case .convolutionInputGradient: unsafe run(node.as(ConvolutionInputGradient.self), node, context)
    case .convolutionWeightGradient: unsafe run(node.as(ConvolutionWeightGradient.self), node, context)
    case .linear: unsafe run(node.as(Linear.self), node, context)
    case .linearInputGradient: unsafe run(node.as(LinearInputGradient.self), node, context)
    case .linearWeightGradient: unsafe run(node.as(LinearWeightGradient.self), node, context)
    case .biasGradient: unsafe run(node.as(BiasGradient.self), node, context)
    case .zeroGradient: unsafe run(node.as(ZeroGradient.self), node)
    case .batchNorm: unsafe run(node.as(BatchNorm.self), node, context)
    case .batchNormBackward: unsafe run(node.as(BatchNormBackward.self), node, context)
    case .batchNormFolding: unsafe run(node.as(BatchNormFolding.self), node, context)
    case .batchNormStatistics: unsafe run(node.as(BatchNormStatistics.self), node, context)
    case .batchNormSums: unsafe run(node.as(BatchNormSums.self), node, context)
    case .normalizedAveragePool: unsafe run(node.as(NormalizedAveragePool.self), node, context)
    case .normalizedConvolution: unsafe run(node.as(NormalizedConvolution.self), node, context)
    case .normalizedInputWeightGradient:
      unsafe run(node.as(NormalizedInputWeightGradient.self), node, context)
    case .normalizedWeightGradient: unsafe run(node.as(NormalizedWeightGradient.self), node, context)
    case .activate: unsafe run(node.as(Activate.self), node, context)
    case .activationBackward: unsafe run(node.as(ActivationBackward.self), node, context)
    case .addition: unsafe run(node.as(Addition.self), node, context)
    case .maxPool: unsafe run(node.as(MaxPool.self), node, context)
    case .maxPoolBackward: unsafe run(node.as(MaxPoolBackward.self), node, context)
    case .averagePool: unsafe run(node.as(AveragePool.self), node, context)
    case .averagePoolBackward: unsafe run(node.as(AveragePoolBackward.self), node, context)
    case .spaceToDepth: unsafe run(node.as(SpaceToDepth.self), node, context)
    case .depthToSpace: unsafe run(node.as(DepthToSpace.self), node, context)
    case .subsample: unsafe run(node.as(Subsample.self), node, context)
    case .subsampleBackward: unsafe run(node.as(SubsampleBackward.self), node, context)
    case .spatialDeviation: unsafe run(node.as(SpatialDeviation.self), node, context)
    case .spatialDeviationBackward: unsafe run(node.as(SpatialDeviationBackward.self), node, context)
    case .softmaxCrossEntropy: unsafe run(node.as(SoftmaxCrossEntropy.self), node, context)
    case .similarityLoss: unsafe run(node.as(SimilarityLoss.self), node, context)
    case .ensemble: unsafe run(node.as(Ensemble.self), node, context)
    case .ringRead: unsafe run(node.as(RingRead.self), node, clock, context)
    case .ringWrite: unsafe run(node.as(RingWrite.self), node, clock, context)
    case .accumulate: unsafe run(node.as(Accumulate.self), node, context)
    case .channelScores: unsafe run(node.as(ChannelScores.self), node, context)
    case .update: unsafe run(node.as(Update.self), node, clock, context)
    }
  }
}

extension Node {
  /// Traps where the node computes something else.
  fileprivate func `as`<Definition: OperatorDefinition>(_ type: Definition.Type) -> Definition {
    guard let definition = op.as(type) else { preconditionFailure("each kind has one definition") }
    return definition
  }
}

// What bindings take from the node.
extension KernelDispatch {
  func floats(_ id: ValueID) -> UnsafeMutablePointer<Float> {
    let value = unsafe program.graph[id]
    return unsafe (base + program.offsets[id.index]).bindMemory(
      to: Float.self, capacity: value.type.elementCount)
  }

  func bytes(_ id: ValueID) -> UnsafeMutablePointer<UInt8> {
    let value = unsafe program.graph[id]
    return unsafe (base + program.offsets[id.index]).bindMemory(
      to: UInt8.self, capacity: value.type.elementCount)
  }

  func labels(_ id: ValueID) -> UnsafePointer<Int32> {
    unsafe UnsafePointer((base + program.offsets[id.index]).bindMemory(to: Int32.self, capacity: batch))
  }

  /// Of the images at hand.
  func shape(_ id: ValueID) -> Shape {
    var shape = unsafe program.graph.shape(id)
    shape.batch = unsafe batch
    return shape
  }

  /// As planned.
  func elementCount(_ id: ValueID) -> Int { unsafe program.graph[id].type.elementCount }
}
