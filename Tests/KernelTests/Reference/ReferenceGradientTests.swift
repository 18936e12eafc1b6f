import TestSupport
import Testing

/// Central differences of the reference's forward against its backward: the first link of the chain that the kernels
/// hang on. The loss is a fixed random weighting of the outputs.
@Suite struct ReferenceGradientTests {
  /// What central differences themselves leave in Double.
  private let bound = 1e-8

  @Test(arguments: [
    (5, 4, ReferenceConvolution(outChannels: 2, kernelSize: 3, padding: 1)),
    (6, 5, ReferenceConvolution(outChannels: 3, kernelSize: 3, stride: 2, padding: 1)),
    (5, 5, ReferenceConvolution(outChannels: 2, kernelSize: 5, stride: 2, padding: 2)),
    (3, 2, ReferenceConvolution(outChannels: 4, kernelSize: 1)),
    (4, 4, ReferenceConvolution(outChannels: 2, kernelSize: 3)),
    (4, 5, ReferenceConvolution(outChannels: 2, kernelSize: 1, stride: 2)),
  ])
  func convolution(height: Int, width: Int, _ convolution: ReferenceConvolution) {
    var random = SplitMix64(seed: 1)
    let x = random.images(2, height, width, 3)
    let filter = random.uniform(count: convolution.filterCount(inChannels: 3))
    let bias = random.uniform(count: convolution.outChannels)
    let y = Reference.convolutionForward(x, filter: filter, bias: bias, convolution)
    let dy = y.with(values: random.uniform(count: y.values.count))
    func loss(_ x: [Double], _ filter: [Double], _ bias: [Double]) -> Double {
      let y = Reference.convolutionForward(
        Images(batch: 2, height: height, width: width, channels: 3, values: x), filter: filter, bias: bias,
        convolution)
      return innerProduct(y.values, dy.values)
    }
    let dx = Reference.convolutionInputGradient(
      outputGradient: dy, filter: filter, height: height, width: width, inChannels: 3, convolution)
    let dFilter = Reference.convolutionWeightGradient(x, outputGradient: dy, convolution)
    let dBias = Reference.columnSums(dy)
    #expect(relativeL2(dx.values, numericalGradient(at: x.values) { loss($0, filter, bias) }) < bound)
    #expect(relativeL2(dFilter, numericalGradient(at: filter) { loss(x.values, $0, bias) }) < bound)
    #expect(relativeL2(dBias, numericalGradient(at: bias) { loss(x.values, filter, $0) }) < bound)
  }

  @Test func linear() {
    var random = SplitMix64(seed: 2)
    let x = random.matrix(4, 5)
    let weight = random.uniform(count: 15)
    let bias = random.uniform(count: 3)
    let dy = random.matrix(4, 3)
    func loss(_ x: [Double], _ weight: [Double], _ bias: [Double]) -> Double {
      let x = Images(rows: 4, channels: 5, values: x)
      let y = Reference.linearForward(x, weight: weight, bias: bias, outFeatures: 3)
      return innerProduct(y.values, dy.values)
    }
    let dx = Reference.linearInputGradient(outputGradient: dy, weight: weight, inFeatures: 5)
    let dWeight = Reference.linearWeightGradient(x, outputGradient: dy)
    #expect(relativeL2(dx.values, numericalGradient(at: x.values) { loss($0, weight, bias) }) < bound)
    #expect(relativeL2(dWeight, numericalGradient(at: weight) { loss(x.values, $0, bias) }) < bound)
    #expect(
      relativeL2(Reference.columnSums(dy), numericalGradient(at: bias) { loss(x.values, weight, $0) }) < bound
    )
  }

  @Test(arguments: [false, true])
  func batchNorm(relu: Bool) {
    var random = SplitMix64(seed: 3)
    let norm = random.batchNorm(channels: 3)
    let x = random.images(3, 2, 2, 3)
    let dy = random.images(3, 2, 2, 3)
    func loss(_ x: [Double], _ scale: [Double], _ shift: [Double]) -> Double {
      var moved = norm
      (moved.scale, moved.shift) = (scale, shift)
      return innerProduct(
        Reference.batchNormTraining(dy.with(values: x), &moved, relu: relu).values, dy.values)
    }
    let gradients = Reference.batchNormBackward(x, outputGradient: dy, norm, relu: relu)
    #expect(
      relativeL2(gradients.input.values, numericalGradient(at: x.values) { loss($0, norm.scale, norm.shift) })
        < bound)
    #expect(
      relativeL2(gradients.scale, numericalGradient(at: norm.scale) { loss(x.values, $0, norm.shift) })
        < bound)
    #expect(
      relativeL2(gradients.shift, numericalGradient(at: norm.shift) { loss(x.values, norm.scale, $0) })
        < bound)
  }

  @Test func relu() {
    var random = SplitMix64(seed: 4)
    let x = random.uniformAwayFromZero(count: 40)
    let dy = random.uniform(count: 40)
    let dx = Reference.reluBackward(outputGradient: dy, y: Reference.reluForward(x))
    #expect(
      relativeL2(dx, numericalGradient(at: x) { innerProduct(Reference.reluForward($0), dy) }) < bound)
  }

  @Test(arguments: [(6, 4, 2, 2, 0), (7, 5, 3, 2, 1), (5, 5, 3, 1, 1), (7, 7, 3, 3, 0)])
  func maxPool(height: Int, width: Int, kernelSize: Int, stride: Int, padding: Int) {
    var random = SplitMix64(seed: 5)
    let x = Images(
      batch: 2, height: height, width: width, channels: 3,
      values: random.distinct(count: 2 * height * width * 3))
    func pool(_ values: [Double]) -> Reference.MaxPool {
      Reference.maxPoolForward(
        x.with(values: values), kernelSize: kernelSize, stride: stride, padding: padding)
    }
    let forward = pool(x.values)
    let dy = forward.output.with(values: random.uniform(count: forward.output.values.count))
    let dx = Reference.maxPoolBackward(outputGradient: dy, forward, height: height, width: width)
    let numeric = numericalGradient(at: x.values) { innerProduct(pool($0).output.values, dy.values) }
    #expect(relativeL2(dx.values, numeric) < bound)
  }

  @Test(arguments: [(8, 8, 2, 2), (7, 5, 2, 2), (5, 7, 3, 4), (1, 1, 2, 2), (4, 3, 1, 1)])
  func adaptiveAveragePool(height: Int, width: Int, outHeight: Int, outWidth: Int) {
    var random = SplitMix64(seed: 6)
    let x = random.images(2, height, width, 3)
    let dy = random.images(2, outHeight, outWidth, 3)
    let dx = Reference.adaptiveAveragePoolBackward(outputGradient: dy, height: height, width: width)
    let numeric = numericalGradient(at: x.values) {
      let y = Reference.adaptiveAveragePoolForward(
        x.with(values: $0), outHeight: outHeight, outWidth: outWidth)
      return innerProduct(y.values, dy.values)
    }
    #expect(relativeL2(dx.values, numeric) < bound)
  }

  @Test func softmaxCrossEntropy() {
    var random = SplitMix64(seed: 7)
    let logits = random.matrix(5, 7)
    let labels = [0, 6, 3, 3, 1]
    let gradient = Reference.softmaxCrossEntropy(logits, labels: labels).logitGradient
    let numeric = numericalGradient(at: logits.values) {
      Reference.softmaxCrossEntropy(logits.with(values: $0), labels: labels).loss
    }
    #expect(relativeL2(gradient.values, numeric) < bound)
  }

  @Test(arguments: [(3, 4, 5), (3, 4, 2), (1, 1, 6)])
  func similarity(height: Int, width: Int, channels: Int) {
    var random = SplitMix64(seed: 8)
    let x = random.images(5, height, width, channels)
    let labels = [0, 2, 1, 0, 2]
    let gradient = Reference.similarityLoss(x, labels: labels, classes: 3).inputGradient
    let numeric = numericalGradient(at: x.values) {
      Reference.similarityLoss(x.with(values: $0), labels: labels, classes: 3).loss
    }
    #expect(relativeL2(gradient.values, numeric) < bound)
  }
}
