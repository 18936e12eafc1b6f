import Foundation
import TestSupport
import Testing

/// The reference's forward against numbers worked out by hand, and against identities that hold for any input: central
/// differences say nothing about a forward that is wrong.
@Suite struct ReferenceValueTests {
  private typealias Convolution = ReferenceConvolution

  @Test func convolutionIsCrossCorrelationWithZerosAround() {
    // 1 2   the kernel, not flipped, over 3x3 images 1...9, padding 1, stride 2: outputs at corners of the padded
    // 3 4   image.
    let x = Images(batch: 1, height: 3, width: 3, channels: 1, values: (1...9).map(Double.init))
    let y = Reference.convolutionForward(
      x, filter: [1, 2, 3, 4], bias: [0.5], Convolution(outChannels: 1, kernelSize: 2, stride: 2, padding: 1))
    // 4; 3*2 + 4*3; 2*4 + 4*7; 5 + 2*6 + 3*8 + 4*9.
    #expect(y.values == [4.5, 18.5, 36.5, 77.5])
  }

  @Test func convolutionsFilterIsRowColumnInputOutput() {
    // One output position that sees all: y_k is the sum of filter entries picked by a one-hot input.
    let filter = (0..<(2 * 2 * 3 * 2)).map(Double.init)
    for position in 0..<4 {
      for c in 0..<3 {
        var x = Images(batch: 1, height: 2, width: 2, channels: 3)
        x[0, position / 2, position % 2, c] = 1
        let y = Reference.convolutionForward(x, filter: filter, Convolution(outChannels: 2, kernelSize: 2))
        let first = Double((position * 3 + c) * 2)
        #expect(y.values == [first, first + 1])
      }
    }
  }

  @Test func linearWeightsAreOutputByInput() {
    let x = Images(rows: 2, channels: 3, values: [1, 2, 3, 4, 5, 6])
    let y = Reference.linearForward(
      x, weight: [1, 0, 0, 1, 1, -3], bias: [10, 20], outFeatures: 2, relu: true)
    #expect(y.values == [11, 14, 14, 11])
    #expect(
      Reference.linearForward(x, weight: [1, 0, 0, 1, 1, -9], outFeatures: 2, relu: true).values == [
        1, 0, 4, 0,
      ])
  }

  @Test func trainingNormalisesToScaleAndShift() {
    var random = SplitMix64(seed: 1)
    var norm = random.batchNorm(channels: 4)
    norm.epsilon = 0
    let before = norm
    let x = random.images(3, 4, 5, 4)
    let y = Reference.batchNormTraining(x, &norm)
    let (mean, variance) = Reference.moments(y)
    #expect(relativeL2(mean, norm.shift) < 1e-13)
    #expect(relativeL2(variance.map { $0.squareRoot() }, norm.scale.map(abs)) < 1e-13)
    let (inputMean, inputVariance) = Reference.moments(x)
    for c in 0..<4 {
      let expectedMean = 0.9 * before.runningMean[c] + 0.1 * inputMean[c]
      let expectedVariance = 0.9 * before.runningVariance[c] + 0.1 * inputVariance[c] * 60 / 59
      #expect(abs(norm.runningMean[c] - expectedMean) < 1e-15)
      #expect(abs(norm.runningVariance[c] - expectedVariance) < 1e-15)
    }
  }

  @Test func foldingABatchNormKeepsTheOutput() {
    var random = SplitMix64(seed: 2)
    let norm = random.batchNorm(channels: 5)
    let x = random.images(2, 4, 4, 3)
    let convolution = Convolution(outChannels: 5, kernelSize: 3, padding: 1)
    let filter = random.uniform(count: convolution.filterCount(inChannels: 3))
    for bias in [nil, random.uniform(count: 5)] {
      let separate = Reference.batchNormInference(
        Reference.convolutionForward(x, filter: filter, bias: bias, convolution), norm, relu: true)
      let folded = Reference.foldBatchNorm(filter: filter, bias: bias, norm)
      let joined = Reference.convolutionForward(
        x, filter: folded.filter, bias: folded.bias, relu: true, convolution)
      #expect(relativeL2(joined.values, separate.values) < 1e-14)
    }
  }

  @Test func maxPoolTakesTheFirstOfEqualValues() {
    let x = Images(batch: 1, height: 2, width: 4, channels: 1, values: [0, 0, 1, 3, 0, 0, 3, 2])
    let pool = Reference.maxPoolForward(x, kernelSize: 2, stride: 2)
    #expect(pool.output.values == [0, 3])
    #expect(pool.rows == [0, 0] && pool.columns == [0, 3])
  }

  @Test func maxPoolIgnoresItsPadding() {
    let x = Images(batch: 1, height: 2, width: 2, channels: 1, values: [-1, -2, -3, -4])
    let pool = Reference.maxPoolForward(x, kernelSize: 3, stride: 2, padding: 1)
    #expect(pool.output.values == [-1])
  }

  @Test func adaptiveWindowsOverlapWhereSizesDoNotDivide() {
    // 5 to 3: 0..<2, 1..<4, 3..<5.
    let x = Images(batch: 1, height: 1, width: 5, channels: 1, values: [1, 2, 4, 8, 16])
    let y = Reference.adaptiveAveragePoolForward(x, outHeight: 1, outWidth: 3)
    #expect(y.values == [1.5, 14.0 / 3, 12])
    // Larger than the image: values are repeated.
    let one = Images(batch: 1, height: 1, width: 1, channels: 2, values: [3, 4])
    #expect(
      Reference.adaptiveAveragePoolForward(one, outHeight: 2, outWidth: 2).values == [3, 4, 3, 4, 3, 4, 3, 4])
  }

  @Test func spaceToDepthIsOffsetMajorAndInvertible() {
    let x = Images(batch: 1, height: 2, width: 2, channels: 2, values: [0, 1, 10, 11, 20, 21, 30, 31])
    #expect(Reference.spaceToDepth(x).values == [0, 1, 10, 11, 20, 21, 30, 31])
    let wide = Images(batch: 1, height: 2, width: 4, channels: 1, values: [0, 1, 2, 3, 4, 5, 6, 7])
    #expect(Reference.spaceToDepth(wide).values == [0, 1, 4, 5, 2, 3, 6, 7])
    var random = SplitMix64(seed: 3)
    let images = random.images(2, 6, 4, 3)
    #expect(Reference.depthToSpace(Reference.spaceToDepth(images)) == images)
  }

  @Test func crossEntropyOfEqualLogitsIsTheLogarithmOfTheClasses() {
    let result = Reference.softmaxCrossEntropy(
      Images(rows: 1, channels: 4, values: [7, 7, 7, 7]), labels: [2])
    #expect(abs(result.loss - log(4)) < 1e-15)
    #expect(result.logitGradient.values == [0.25, 0.25, -0.75, 0.25])
  }

  @Test func topOneAndTopFiveCountLargerLogits() {
    let logits = Images(
      rows: 3, channels: 6, values: [6, 5, 4, 3, 2, 1, 6, 5, 4, 3, 2, 1, 6, 5, 4, 3, 2, 1])
    let result = Reference.softmaxCrossEntropy(logits, labels: [0, 4, 5])
    #expect(result.top1 == 1 && result.top5 == 2)
  }

  @Test func similarityOfPerfectFeaturesIsNoLoss() {
    let x = Images(rows: 3, channels: 3, values: [5, 1, 1, 0, 7, 0, 9, 5, 5])
    #expect(Reference.similarityLoss(x, labels: [0, 1, 0], classes: 3).loss < 1e-15)
  }
}
