import TestSupport
import Testing

/// The reference against PyTorch in float64: what central differences cannot see, conventions above all.
@Suite struct ReferencePyTorchTests {
  private let fixture: Fixture
  private let bound = 1e-13

  init() throws {
    fixture = try Fixture(named: "pytorch/operations.safetensors")
  }

  private func images(_ name: String) throws -> Images {
    let tensor = try fixture.tensor(name)
    if tensor.shape.count == 2 {
      return Images(rows: tensor.shape[0], channels: tensor.shape[1], values: tensor.values)
    }
    return PyTorchLayouts.images(tensor)
  }

  private func values(_ name: String) throws -> [Double] {
    try fixture.tensor(name).values
  }

  @Test(arguments: [(1, 1, 0), (3, 1, 1), (3, 2, 1), (5, 2, 2), (7, 2, 3), (3, 1, 0)])
  func convolution(kernelSize: Int, stride: Int, padding: Int) throws {
    let name = "convolution.\(kernelSize).\(stride).\(padding)"
    let convolution = ReferenceConvolution(
      outChannels: 4, kernelSize: kernelSize, stride: stride, padding: padding)
    let x = try images("\(name).x")
    let filter = PyTorchLayouts.filter(try fixture.tensor("\(name).weight"))
    let dy = try images("\(name).output_gradient")
    let y = Reference.convolutionForward(x, filter: filter, bias: try values("\(name).bias"), convolution)
    let dx = Reference.convolutionInputGradient(
      outputGradient: dy, filter: filter, height: x.height, width: x.width, inChannels: x.channels,
      convolution)
    let dFilter = Reference.convolutionWeightGradient(x, outputGradient: dy, convolution)
    let expectedFilterGradient = PyTorchLayouts.filter(try fixture.tensor("\(name).weight_gradient"))
    #expect(relativeL2(y.values, try images("\(name).output").values) < bound)
    #expect(relativeL2(dx.values, try images("\(name).x_gradient").values) < bound)
    #expect(relativeL2(dFilter, expectedFilterGradient) < bound)
    #expect(relativeL2(Reference.columnSums(dy), try values("\(name).bias_gradient")) < bound)
  }

  @Test func linear() throws {
    let (x, dy) = (try images("linear.x"), try images("linear.output_gradient"))
    let weight = try values("linear.weight")
    let y = Reference.linearForward(x, weight: weight, bias: try values("linear.bias"), outFeatures: 5)
    let dx = Reference.linearInputGradient(outputGradient: dy, weight: weight, inFeatures: 6)
    let dWeight = Reference.linearWeightGradient(x, outputGradient: dy)
    #expect(relativeL2(y.values, try values("linear.output")) < bound)
    #expect(relativeL2(dx.values, try values("linear.x_gradient")) < bound)
    #expect(relativeL2(dWeight, try values("linear.weight_gradient")) < bound)
    #expect(relativeL2(Reference.columnSums(dy), try values("linear.bias_gradient")) < bound)
  }

  /// PyTorch flattens channels first, the reference channels last: the weight's columns move along.
  @Test func linearBehindAFlatten() throws {
    let images = try images("flattened_linear.x")
    let x = Images(rows: 3, channels: 24, values: images.values)
    let tensor = try fixture.tensor("flattened_linear.weight")
    let weight = PyTorchLayouts.flattenedLinearWeight(tensor, channels: 4, height: 2, width: 3)
    let bias = try values("flattened_linear.bias")
    let y = Reference.linearForward(x, weight: weight, bias: bias, outFeatures: 5)
    #expect(relativeL2(y.values, try values("flattened_linear.output")) < bound)
  }

  @Test(arguments: [false, true])
  func batchNorm(relu: Bool) throws {
    let name = relu ? "batch_norm_relu" : "batch_norm"
    let norm = ReferenceBatchNorm(
      scale: try values("\(name).weight"), shift: try values("\(name).bias"),
      runningMean: try values("\(name).running_mean"), runningVariance: try values("\(name).running_var"))
    let x = try images("\(name).x")
    var moved = norm
    let y = Reference.batchNormTraining(x, &moved, relu: relu)
    let gradients = Reference.batchNormBackward(
      x, outputGradient: try images("\(name).output_gradient"), norm, relu: relu)
    #expect(relativeL2(y.values, try images("\(name).output").values) < bound)
    #expect(relativeL2(moved.runningMean, try values("\(name).running_mean_after")) < bound)
    #expect(relativeL2(moved.runningVariance, try values("\(name).running_var_after")) < bound)
    #expect(relativeL2(gradients.input.values, try images("\(name).x_gradient").values) < bound)
    #expect(relativeL2(gradients.scale, try values("\(name).weight_gradient")) < bound)
    #expect(relativeL2(gradients.shift, try values("\(name).bias_gradient")) < bound)
  }

  @Test func batchNormInInference() throws {
    let norm = ReferenceBatchNorm(
      scale: try values("batch_norm.weight"), shift: try values("batch_norm.bias"),
      runningMean: try values("batch_norm.running_mean"),
      runningVariance: try values("batch_norm.running_var"))
    let y = Reference.batchNormInference(try images("batch_norm_inference.x"), norm)
    #expect(relativeL2(y.values, try images("batch_norm_inference.output").values) < bound)
  }

  /// The inputs are small whole numbers: most windows have ties.
  @Test(arguments: [(2, 2, 0), (3, 2, 1), (3, 3, 0)])
  func maxPool(kernelSize: Int, stride: Int, padding: Int) throws {
    let name = "max_pool.\(kernelSize).\(stride).\(padding)"
    let x = try images("\(name).x")
    let pool = Reference.maxPoolForward(x, kernelSize: kernelSize, stride: stride, padding: padding)
    let dx = Reference.maxPoolBackward(
      outputGradient: try images("\(name).output_gradient"), pool, height: x.height, width: x.width)
    #expect(pool.output == (try images("\(name).output")))
    #expect(relativeL2(dx.values, try images("\(name).x_gradient").values) < bound)
  }

  @Test(arguments: [(2, 2), (1, 1), (3, 5), (9, 10)])
  func averagePool(height: Int, width: Int) throws {
    let name = "average_pool.\(height).\(width)"
    let x = try images("\(name).x")
    let y = Reference.adaptiveAveragePoolForward(x, outHeight: height, outWidth: width)
    let dx = Reference.adaptiveAveragePoolBackward(
      outputGradient: try images("\(name).output_gradient"), height: x.height, width: x.width)
    #expect(relativeL2(y.values, try images("\(name).output").values) < bound)
    #expect(relativeL2(dx.values, try images("\(name).x_gradient").values) < bound)
  }

  @Test func crossEntropy() throws {
    let labels = try fixture.tensor("cross_entropy.labels").integers
    let result = Reference.softmaxCrossEntropy(try images("cross_entropy.x"), labels: labels)
    #expect(relativeL2([result.loss], try values("cross_entropy.output")) < bound)
    #expect(relativeL2(result.logitGradient.values, try values("cross_entropy.x_gradient")) < bound)
  }

  @Test(arguments: ["similarity", "similarity_flat", "similarity_thin"])
  func similarity(name: String) throws {
    let labels = try fixture.tensor("cross_entropy.labels").integers
    let x = try images("\(name).x")
    let result = Reference.similarityLoss(x, labels: labels, classes: 7)
    #expect(relativeL2([result.loss], try values("\(name).output")) < bound)
    #expect(relativeL2(result.inputGradient.values, try images("\(name).x_gradient").values) < bound)
  }

  @Test(arguments: [("sgd", 0.9, 5e-4, false), ("sgd_nesterov", 0.9, 5e-4, true), ("sgd_plain", 0, 0, false)])
  func sgd(name: String, momentum: Double, weightDecay: Double, nesterov: Bool) throws {
    var weights = try values("optimizer.initial")
    var velocity = [Double](repeating: 0, count: weights.count)
    for gradient in try optimizerGradients() {
      Reference.sgdStep(
        weights: &weights, velocity: &velocity, gradient: gradient, learningRate: 0.1, momentum: momentum,
        weightDecay: weightDecay, nesterov: nesterov)
    }
    #expect(relativeL2(weights, try values("optimizer.\(name)")) < bound)
  }

  @Test(arguments: [("adam", 0.9, 0.999, 1e-8, 0), ("adam_decay", 0.8, 0.95, 1e-6, 1e-2)])
  func adam(name: String, beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double) throws {
    var weights = try values("optimizer.initial")
    var first = [Double](repeating: 0, count: weights.count)
    var second = first
    for (index, gradient) in try optimizerGradients().enumerated() {
      Reference.adamStep(
        weights: &weights, firstMoment: &first, secondMoment: &second, gradient: gradient, step: index + 1,
        learningRate: 1e-2, beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: weightDecay)
    }
    #expect(relativeL2(weights, try values("optimizer.\(name)")) < bound)
  }

  @Test func decoupledAdam() throws {
    var weights = try values("optimizer.initial")
    var first = [Double](repeating: 0, count: weights.count)
    var second = first
    for (index, gradient) in try optimizerGradients().enumerated() {
      Reference.adamStep(
        weights: &weights, firstMoment: &first, secondMoment: &second, gradient: gradient, step: index + 1,
        learningRate: 1e-2, beta1: 0.8, beta2: 0.95, epsilon: 1e-6, weightDecay: 0.1, isDecoupled: true)
    }
    #expect(relativeL2(weights, try values("optimizer.adamw")) < bound)
  }

  private func optimizerGradients() throws -> [[Double]] {
    let tensor = try fixture.tensor("optimizer.gradients")
    let count = tensor.shape[1]
    return (0..<tensor.shape[0]).map { Array(tensor.values[($0 * count)..<(($0 + 1) * count)]) }
  }
}
