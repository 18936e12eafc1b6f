/// Batch normalisation's parameters and statistics, one of each a channel.
package struct ReferenceBatchNorm: Hashable, Sendable {
  package var scale, shift: [Double]
  package var runningMean, runningVariance: [Double]
  package var epsilon = 1e-5
  package var momentum = 0.1

  package init(scale: [Double], shift: [Double], runningMean: [Double], runningVariance: [Double]) {
    self.scale = scale
    self.shift = shift
    self.runningMean = runningMean
    self.runningVariance = runningVariance
  }

  package var channels: Int { scale.count }
}

extension Reference {
  package struct BatchNormGradients: Hashable, Sendable {
    package var input: Images
    package var scale, shift: [Double]
  }

  /// Mean and biased variance of every channel, in two sweeps.
  package static func moments(_ x: Images) -> (mean: [Double], variance: [Double]) {
    let mean = columnSums(x).map { $0 / Double(x.rows) }
    var variance = [Double](repeating: 0, count: x.channels)
    for row in 0..<x.rows {
      for c in 0..<x.channels {
        variance[c] += (x[row, c] - mean[c]) * (x[row, c] - mean[c]) / Double(x.rows)
      }
    }
    return (mean, variance)
  }

  /// Normalises by the batch's own statistics (biased variance) and moves the running ones (unbiased variance) by
  /// `momentum` (Ioffe and Szegedy 2015, PyTorch's conventions).
  package static func batchNormTraining(
    _ x: Images, _ norm: inout ReferenceBatchNorm, relu: Bool = false
  ) -> Images {
    let (mean, variance) = moments(x)
    let unbiased = Double(x.rows) / Double(max(x.rows - 1, 1))
    for c in 0..<x.channels {
      norm.runningMean[c] += norm.momentum * (mean[c] - norm.runningMean[c])
      norm.runningVariance[c] += norm.momentum * (variance[c] * unbiased - norm.runningVariance[c])
    }
    return normalized(x, mean: mean, variance: variance, norm, relu: relu)
  }

  /// Normalises by the running statistics, and leaves them alone.
  package static func batchNormInference(
    _ x: Images, _ norm: ReferenceBatchNorm, relu: Bool = false
  ) -> Images {
    normalized(x, mean: norm.runningMean, variance: norm.runningVariance, norm, relu: relu)
  }

  /// Gradients of `batchNormTraining`: through the statistics too. With `relu` the output gradient counts where the
  /// forward's output was positive.
  package static func batchNormBackward(
    _ x: Images, outputGradient: Images, _ norm: ReferenceBatchNorm, relu: Bool = false
  ) -> BatchNormGradients {
    let (mean, variance) = moments(x)
    var gradient = outputGradient
    if relu {
      let y = normalized(x, mean: mean, variance: variance, norm, relu: true)
      gradient.values = reluBackward(outputGradient: gradient.values, y: y.values)
    }
    var scaleGradient = [Double](repeating: 0, count: x.channels)
    let shiftGradient = columnSums(gradient)
    let inverseDeviation = variance.map { 1 / ($0 + norm.epsilon).squareRoot() }
    for row in 0..<x.rows {
      for c in 0..<x.channels {
        scaleGradient[c] += gradient[row, c] * (x[row, c] - mean[c]) * inverseDeviation[c]
      }
    }
    var inputGradient = x
    for row in 0..<x.rows {
      for c in 0..<x.channels {
        let unit = (x[row, c] - mean[c]) * inverseDeviation[c]
        let centred = gradient[row, c] - (shiftGradient[c] + unit * scaleGradient[c]) / Double(x.rows)
        inputGradient[row, c] = norm.scale[c] * inverseDeviation[c] * centred
      }
    }
    return BatchNormGradients(input: inputGradient, scale: scaleGradient, shift: shiftGradient)
  }

  /// Filter and bias of the one convolution that does what a convolution followed by a batch norm in inference does.
  package static func foldBatchNorm(
    filter: [Double], bias: [Double]?, _ norm: ReferenceBatchNorm
  ) -> (filter: [Double], bias: [Double]) {
    let factor = (0..<norm.channels).map {
      norm.scale[$0] / (norm.runningVariance[$0] + norm.epsilon).squareRoot()
    }
    let folded = filter.enumerated().map { $1 * factor[$0 % norm.channels] }
    var foldedBias = norm.shift
    for c in 0..<norm.channels {
      let centred = (bias?[c] ?? 0) - norm.runningMean[c]
      foldedBias[c] += centred * factor[c]
    }
    return (folded, foldedBias)
  }

  private static func normalized(
    _ x: Images, mean: [Double], variance: [Double], _ norm: ReferenceBatchNorm, relu: Bool
  ) -> Images {
    var y = x
    for row in 0..<x.rows {
      for c in 0..<x.channels {
        let unit = (x[row, c] - mean[c]) / (variance[c] + norm.epsilon).squareRoot()
        y[row, c] = norm.scale[c] * unit + norm.shift[c]
      }
    }
    return relu ? y.with(values: reluForward(y.values)) : y
  }
}
