package import CostModel

/// 2-D cross-correlation ("convolution" in the CNN literature), NHWC * HWIO -> NHWC, square kernel.
package struct Convolution: Hashable, Sendable {
  package var outChannels: Int
  package var kernelSize: Int
  package var stride = 1
  package var padding = 0
  /// ReLU in the same sweep; only where no batch norm stands between.
  package var relu = false
  package var algorithm = ConvolutionAlgorithm.im2col

  package init(outChannels: Int, kernelSize: Int, stride: Int = 1, padding: Int = 0) {
    self.outChannels = outChannels
    self.kernelSize = kernelSize
    self.stride = stride
    self.padding = padding
  }

  package func geometry(input: Shape) -> ConvolutionGeometry {
    ConvolutionGeometry(
      batch: input.batch, height: input.height, width: input.width, inChannels: input.channels,
      outChannels: outChannels, kernelSize: kernelSize, stride: stride, padding: padding)
  }
}

package struct BatchNorm: Hashable, Sendable {
  package enum Mode: Hashable, Sendable {
    /// Statistics of the batch normalise; running statistics move.
    case training
    /// Running statistics normalise and stay.
    case inference
  }

  package var mode = Mode.training
  package var relu = false

  package init() {}

  /// PyTorch's constants.
  package static let epsilon: Float = 1e-5
  package static let momentum: Float = 0.1
}

package struct MaxPool: Hashable, Sendable {
  package var window: Int
  package var stride: Int
  package var padding: Int

  package init(window: Int, stride: Int, padding: Int = 0) {
    self.window = window
    self.stride = stride
    self.padding = padding
  }
}

/// v <- momentum v + (g + weightDecay w); w <- w - rate v. The rate is the module's own and changes with the epoch.
package struct SGD: Hashable, Sendable {
  package var momentum: Double
  package var weightDecay: Double
  package var nesterov: Bool

  package init(momentum: Double, weightDecay: Double, nesterov: Bool) {
    self.momentum = momentum
    self.weightDecay = weightDecay
    self.nesterov = nesterov
  }
}

/// What a node computes. Operands and results are the node's; here are attributes only. Behind each case: operands ->
/// results. A result in brackets is there only in training.
package enum Op: Hashable, Sendable {
  // Forward.
  /// x, filter, bias? -> y
  case convolution(Convolution)
  /// x, weight, bias? -> y; x is flattened.
  case linear(outFeatures: Int, relu: Bool)
  /// x, scale, shift, runningMean, runningVariance -> y, [savedMean, savedInverseDeviation]; training moves the running
  /// statistics in place.
  case batchNorm(BatchNorm)
  /// x -> y
  case relu
  /// a, b -> a + b, with ReLU where asked.
  case add(relu: Bool)
  /// x -> y, [windowIndices]
  case maxPool(MaxPool)
  /// x -> y, adaptive: windows floor(i s / n) up to ceil((i + 1) s / n).
  case averagePool(height: Int, width: Int)
  /// x -> y: 2x2 pictures to channels, offsets slowest (methods: invertible downsampling).
  case spaceToDepth
  /// x -> y: every second picture element in both directions, then zero channels up to `channels` (ResNet's shortcut
  /// without parameters).
  case subsample(stride: Int, channels: Int)
  /// logits, labels -> metrics, [logitGradient]: the mean over the batch is what is differentiated.
  case softmaxCrossEntropy
  /// logits of modules 1...n -> the sum of 2^j times the j-th (the papers' ensemble over depth).
  case ensemble

  // Backward.
  /// dy, filter -> dx
  case convolutionInputGradient(Convolution)
  /// x, dy -> dFilter
  case convolutionWeightGradient(Convolution)
  /// dy -> sums over all but the channels
  case biasGradient
  /// dy, weight -> dx
  case linearInputGradient
  /// x, dy -> dWeight
  case linearWeightGradient
  /// x, dy, scale, shift, savedMean, savedInverseDeviation -> dx, dScale, dShift
  case batchNormBackward(relu: Bool)
  /// y, dy -> dx
  case reluBackward
  /// dy, windowIndices -> dx
  case maxPoolBackward(MaxPool)
  /// dy -> dx
  case averagePoolBackward
  /// dy -> dx
  case depthToSpace
  /// dy -> dx
  case subsampleBackward(stride: Int)

  // Update.
  /// weights, velocity, gradient -> nothing; weights and velocity change in place.
  case sgd(SGD)
}

package enum Phase: String, Hashable, Sendable, CaseIterable {
  case forward, backward, update
}

extension Op {
  package var phase: Phase {
    switch self {
    case .convolution, .linear, .batchNorm, .relu, .add, .maxPool, .averagePool, .spaceToDepth, .subsample,
      .softmaxCrossEntropy, .ensemble:
      .forward
    case .convolutionInputGradient, .convolutionWeightGradient, .biasGradient, .linearInputGradient,
      .linearWeightGradient, .batchNormBackward, .reluBackward, .maxPoolBackward, .averagePoolBackward,
      .depthToSpace,
      .subsampleBackward:
      .backward
    case .sgd: .update
    }
  }

  /// Operands that the operation changes in place and that stay (unlike an overwritten activation).
  package var mutatedOperands: [Int] {
    switch self {
    case .batchNorm(let norm): norm.mode == .training ? [3, 4] : []
    case .sgd: [0, 1]
    case .convolution, .linear, .relu, .add, .maxPool, .averagePool, .spaceToDepth, .subsample,
      .softmaxCrossEntropy, .ensemble, .convolutionInputGradient, .convolutionWeightGradient, .biasGradient,
      .linearInputGradient, .linearWeightGradient, .batchNormBackward, .reluBackward, .maxPoolBackward,
      .averagePoolBackward, .depthToSpace, .subsampleBackward:
      []
    }
  }

  /// Operands over which the kernel may write its first result, element by element, best first.
  package var overwritableOperands: [Int] {
    switch self {
    case .relu: [0]
    case .add: [0, 1]
    case .batchNorm(let norm): norm.mode == .inference ? [0] : []
    case .batchNormBackward: [1]
    case .reluBackward: [1]
    case .convolution, .linear, .maxPool, .averagePool, .spaceToDepth, .subsample, .softmaxCrossEntropy,
      .ensemble,
      .convolutionInputGradient, .convolutionWeightGradient, .biasGradient, .linearInputGradient,
      .linearWeightGradient, .maxPoolBackward, .averagePoolBackward, .depthToSpace, .subsampleBackward, .sgd:
      []
    }
  }
}
