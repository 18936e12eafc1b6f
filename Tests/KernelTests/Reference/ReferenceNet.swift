import TestSupport

/// One of the fixtures' nets, trained by the reference: the tests' own engine, for the few shapes that it needs.
struct ReferenceNet {
  enum Step {
    case convolution(String, ReferenceConvolution, hasBias: Bool)
    case batchNorm(String, relu: Bool)
    case linear(String, outFeatures: Int)
    case maxPool, spaceToDepth
    case averagePool(Int)
    /// Images to rows; the next linear layer's weight is in channel, row, column order in the fixture.
    case flatten
  }

  /// Parameters and running statistics in the kernels' layouts, by their names in the model file.
  var tensors: [String: [Double]]
  private(set) var gradients: [String: [Double]] = [:]
  private var velocities: [String: [Double]] = [:]

  init(tensors: [String: [Double]]) {
    self.tensors = tensors
  }

  // MARK: Forward

  /// Every step's input, then the last one's output.
  mutating func forward(_ x: Images, through steps: [Step], training: Bool) -> [Images] {
    var values = [x]
    for step in steps { values.append(apply(step, to: values.last!, training: training)) }
    return values
  }

  private mutating func apply(_ step: Step, to x: Images, training: Bool) -> Images {
    switch step {
    case .convolution(let name, let convolution, let hasBias):
      return Reference.convolutionForward(
        x, filter: tensors["\(name).weight"]!, bias: hasBias ? tensors["\(name).bias"]! : nil, convolution)
    case .batchNorm(let name, let relu):
      var norm = batchNorm(name)
      guard training else { return Reference.batchNormInference(x, norm, relu: relu) }
      let y = Reference.batchNormTraining(x, &norm, relu: relu)
      tensors["\(name).running_mean"] = norm.runningMean
      tensors["\(name).running_var"] = norm.runningVariance
      return y
    case .linear(let name, let outFeatures):
      return Reference.linearForward(
        x, weight: tensors["\(name).weight"]!, bias: tensors["\(name).bias"]!, outFeatures: outFeatures)
    case .maxPool: return Reference.maxPoolForward(x, kernelSize: 2, stride: 2).output
    case .spaceToDepth: return Reference.spaceToDepth(x)
    case .averagePool(let size):
      return Reference.adaptiveAveragePoolForward(x, outHeight: size, outWidth: size)
    case .flatten:
      return Images(rows: x.batch, channels: x.height * x.width * x.channels, values: x.values)
    }
  }

  // MARK: Backward

  /// Leaves the parameters' gradients in `gradients`, and returns that of the first step's input.
  mutating func backward(_ outputGradient: Images, through steps: [Step], values: [Images]) -> Images {
    zip(steps, values).reversed().reduce(outputGradient) { gradient, step in
      backward(gradient, through: step.0, input: step.1)
    }
  }

  private mutating func backward(_ dy: Images, through step: Step, input x: Images) -> Images {
    switch step {
    case .convolution(let name, let convolution, let hasBias):
      gradients["\(name).weight"] = Reference.convolutionWeightGradient(x, outputGradient: dy, convolution)
      if hasBias { gradients["\(name).bias"] = Reference.columnSums(dy) }
      return Reference.convolutionInputGradient(
        outputGradient: dy, filter: tensors["\(name).weight"]!, height: x.height, width: x.width,
        inChannels: x.channels, convolution)
    case .batchNorm(let name, let relu):
      let result = Reference.batchNormBackward(x, outputGradient: dy, batchNorm(name), relu: relu)
      gradients["\(name).weight"] = result.scale
      gradients["\(name).bias"] = result.shift
      return result.input
    case .linear(let name, _):
      gradients["\(name).weight"] = Reference.linearWeightGradient(x, outputGradient: dy)
      gradients["\(name).bias"] = Reference.columnSums(dy)
      return Reference.linearInputGradient(
        outputGradient: dy, weight: tensors["\(name).weight"]!, inFeatures: x.channels)
    case .maxPool:
      return Reference.maxPoolBackward(
        outputGradient: dy, Reference.maxPoolForward(x, kernelSize: 2, stride: 2), height: x.height,
        width: x.width)
    case .spaceToDepth: return Reference.depthToSpace(dy)
    case .averagePool:
      return Reference.adaptiveAveragePoolBackward(outputGradient: dy, height: x.height, width: x.width)
    case .flatten: return x.with(values: dy.values)
    }
  }

  // MARK: Update

  /// SGD as the fixtures have it, for every parameter that has a gradient; the gradients are then used up.
  mutating func update() {
    for (name, gradient) in gradients {
      var velocity = velocities[name] ?? [Double](repeating: 0, count: gradient.count)
      Reference.sgdStep(
        weights: &tensors[name]!, velocity: &velocity, gradient: gradient, learningRate: 0.1, momentum: 0.9,
        weightDecay: 5e-4)
      velocities[name] = velocity
    }
    gradients = [:]
  }

  private func batchNorm(_ name: String) -> ReferenceBatchNorm {
    ReferenceBatchNorm(
      scale: tensors["\(name).weight"]!, shift: tensors["\(name).bias"]!,
      runningMean: tensors["\(name).running_mean"]!, runningVariance: tensors["\(name).running_var"]!)
  }
}
