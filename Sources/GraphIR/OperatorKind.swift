/// Every operation there is, each with one definition. The table that binds kernels switches over it, so that the compiler finds an
/// operation without a kernel.
package enum OperatorKind: Hashable, Sendable, CaseIterable {
  case convolution
  case convolutionInputGradient
  case convolutionWeightGradient
  case linear
  case linearInputGradient
  case linearWeightGradient
  case biasGradient
  case zeroGradient
  case batchNorm
  case batchNormBackward
  case batchNormFolding
  case batchNormStatistics
  case batchNormSums
  case normalizedAveragePool
  case normalizedConvolution
  case normalizedInputWeightGradient
  case normalizedWeightGradient
  case activate
  case activationBackward
  case addition
  case maxPool
  case maxPoolBackward
  case averagePool
  case averagePoolBackward
  case spaceToDepth
  case depthToSpace
  case subsample
  case subsampleBackward
  case spatialDeviation
  case spatialDeviationBackward
  case softmaxCrossEntropy
  case similarityLoss
  case ensemble
  case ringRead
  case ringWrite
  case accumulate
  case channelScores
  case update
}
