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
  package enum Mode: String, Hashable, Sendable {
    /// Statistics of the batch normalise; running statistics move.
    case training
    /// Statistics of the batch normalise; running statistics stay.
    case batch
    /// Running statistics normalise and stay.
    case inference
    /// The batch's statistics, as another node saved them, normalise once more; running statistics stay.
    case saved

    /// Of the batch at hand; the kernel reads its input twice.
    package var takesStatistics: Bool {
      switch self {
      case .training, .batch: true
      case .inference, .saved: false
      }
    }
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

/// How a parameter follows its gradient. The learning rate is the module's own and changes with the epoch.
package enum Optimizer: Hashable, Sendable {
  /// v <- momentum v + (g + weightDecay w); w <- w - rate v, or, with Nesterov, w - rate (g + weightDecay w + momentum v):
  /// PyTorch's convention.
  case sgd(momentum: Double, weightDecay: Double, nesterov: Bool)
  /// Kingma and Ba (2015), weight decay added to the gradient: PyTorch's Adam.
  case adam(beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double)

  /// Whether the gradients of a batch's pieces can add up in what it keeps anyway: the velocity of plain momentum is linear in
  /// the gradient, and the weights need nothing else. Nesterov's and Adam's need the sum by itself.
  package var addsUpInState: Bool {
    switch self {
    case .sgd(_, _, let nesterov): !nesterov
    case .adam: false
    }
  }

  /// What it keeps for each parameter, of the parameter's type; all start at zero.
  package var stateNames: [String] {
    switch self {
    case .sgd: ["momentum"]
    case .adam: ["first_moment", "second_moment"]
    }
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
  /// statistics in place. `saved` reads savedMean and savedInverseDeviation in the running statistics' place.
  case batchNorm(BatchNorm)
  /// filter, scale, shift, runningMean, runningVariance, bias? -> a filter and a bias that give, as a convolution, what
  /// the convolution and the batch norm behind it give in inference.
  case foldBatchNorm
  /// x -> y
  case relu
  /// a, b -> a + b, with ReLU where asked.
  case add(relu: Bool)
  /// x -> y, [windowIndices]
  case maxPool(MaxPool)
  /// x -> y. With `window`: squares of this side, one beside the other from the first row and column on; what is left behind
  /// the last of them is in none. Without: adaptive, windows floor(i s / n) up to ceil((i + 1) s / n).
  case averagePool(height: Int, width: Int, window: Int?)
  /// x -> y: 2x2 pictures to channels, offsets slowest (methods: invertible downsampling).
  case spaceToDepth
  /// x -> y: every second picture element in both directions, then zero channels up to `channels` (ResNet's shortcut
  /// without parameters).
  case subsample(stride: Int, channels: Int)
  /// x -> standard deviation (unbiased) of each channel over the picture, as a picture of 1x1.
  case spatialDeviation
  /// logits, labels -> metrics, [logitGradient]: `weight` times the mean over the batch is what is differentiated;
  /// metrics know no weight.
  case softmaxCrossEntropy(weight: Double)
  /// z, labels, metrics -> metrics, [gradient]: Nøkland and Eidnes' similarity loss, mixed with the loss in `metrics`.
  case similarityLoss(weight: Double, classes: Int)
  /// logits of an ensemble, or of the first module in it, and of one more module -> the logits of the ensemble with that
  /// module, whose share in the mean is `share`.
  case ensemble(EnsembleMean, share: Double)
  /// ring, ringLabels -> x, labels: a batch that the module before has kept. Which slot of the ring, the module's clock
  /// says.
  case recall
  /// x, labels, ring, ringLabels -> nothing; keeps a batch in the slot that the module's clock says.
  case remember

  // Backward.
  /// dy, filter -> dx
  case convolutionInputGradient(Convolution)
  /// x, dy -> dFilter
  case convolutionWeightGradient(Convolution)
  /// dy -> sums over all but the channels
  case biasGradient
  /// -> zeros: the gradient of a bias in front of batch norm, which takes every constant away again.
  case zeroGradient
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
  case averagePoolBackward(window: Int?)
  /// dy -> dx
  case depthToSpace
  /// dy -> dx
  case subsampleBackward(stride: Int)
  /// x, y, dy -> dx
  case spatialDeviationBackward

  // Update.
  /// accumulator, gradient -> nothing; the accumulator takes the gradient in: a batch that passes in pieces leaves there
  /// the sum over them, where the optimizer's own state can't take it.
  case accumulate
  /// scores, and what the criterion looks at -> nothing; the importance of each channel, summed over pictures, is added
  /// to the scores in place.
  case channelScores(ChannelCriterion)
  /// weights, gradient, state... -> nothing; weights and state change in place, weights behind a batch's last piece.
  case update(Optimizer)
}

/// How important a channel is.
package enum ChannelCriterion: String, Hashable, Sendable, CaseIterable {
  /// z, dz: |mean over the picture of dz z|, with dz of the picture's own loss: to first order what the loss would change
  /// by without the channel (Molchanov et al., 2017).
  case taylor
  /// z: its mean over the picture.
  case activation
  /// filter: sum of its absolute weights (Li et al., 2017), whatever the pictures.
  case weightNorm = "weight-norm"

  package var readsPictures: Bool {
    switch self {
    case .taylor, .activation: true
    case .weightNorm: false
    }
  }
}

/// What an ensemble takes the mean of.
package enum EnsembleMean: String, Hashable, Sendable {
  case logits
  /// Each module's softmax; the ensemble's logits are the logarithms of the mean.
  case probabilities
}

package enum Phase: String, Hashable, Sendable, CaseIterable {
  case forward, backward, update
}

extension Op {
  package var phase: Phase {
    switch self {
    case .convolution, .linear, .batchNorm, .relu, .add, .maxPool, .averagePool, .spaceToDepth, .subsample,
      .spatialDeviation, .foldBatchNorm,
      .softmaxCrossEntropy, .similarityLoss, .ensemble, .recall, .remember:
      .forward
    case .convolutionInputGradient, .convolutionWeightGradient, .biasGradient, .zeroGradient,
      .linearInputGradient,
      .linearWeightGradient, .batchNormBackward, .reluBackward, .maxPoolBackward, .averagePoolBackward,
      .depthToSpace,
      .subsampleBackward, .spatialDeviationBackward:
      .backward
    case .accumulate, .channelScores, .update: .update
    }
  }

  /// Operands that the operation changes in place and that stay (unlike an overwritten activation).
  package var mutatedOperands: [Int] {
    switch self {
    case .batchNorm(let norm): norm.mode == .training ? [3, 4] : []
    case .remember: [2, 3]
    case .accumulate, .channelScores: [0]
    case .update(let optimizer): [0] + optimizer.stateNames.indices.map { $0 + 2 }
    case .convolution, .linear, .relu, .add, .maxPool, .averagePool, .spaceToDepth, .subsample,
      .spatialDeviation, .foldBatchNorm,
      .softmaxCrossEntropy, .similarityLoss, .ensemble, .recall, .convolutionInputGradient,
      .convolutionWeightGradient,
      .biasGradient, .zeroGradient,
      .linearInputGradient, .linearWeightGradient, .batchNormBackward, .reluBackward, .maxPoolBackward,
      .averagePoolBackward, .depthToSpace, .subsampleBackward, .spatialDeviationBackward:
      []
    }
  }

  /// Operands over which the kernel may write its first result, element by element, best first.
  package var overwritableOperands: [Int] {
    switch self {
    case .relu: [0]
    case .add: [0, 1]
    case .batchNorm(let norm): norm.mode.takesStatistics ? [] : [0]
    case .batchNormBackward: [1]
    case .reluBackward: [1]
    case .convolution, .linear, .maxPool, .averagePool, .spaceToDepth, .subsample, .spatialDeviation,
      .foldBatchNorm,
      .softmaxCrossEntropy, .similarityLoss, .ensemble, .recall, .remember,
      .convolutionInputGradient, .convolutionWeightGradient, .biasGradient, .zeroGradient,
      .linearInputGradient,
      .linearWeightGradient, .maxPoolBackward, .averagePoolBackward, .depthToSpace, .subsampleBackward,
      .spatialDeviationBackward,
      .accumulate, .channelScores, .update:
      []
    }
  }
}

extension Op {
  /// Of a batch that passes in pieces the last one alone has it run: an update whose gradients add up elsewhere.
  package var runsWithLastPieceAlone: Bool {
    if case .update(let optimizer) = self { !optimizer.addsUpInState } else { false }
  }
}
