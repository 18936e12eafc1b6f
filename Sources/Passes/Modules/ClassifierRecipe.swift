package import Diagnostics
package import GraphIR
package import Operators

/// A classifier to attach to a module: an auxiliary network, or the head behind the last one.
package struct ClassifierRecipe: Sendable {
  package enum Kind: Hashable, Sendable {
    /// Average pool to 2x2, batch norm, linear: the sequential paper's k = 1.
    case linear
    /// `convolutions` times [3x3, no bias, batch norm, ReLU] at full resolution, then as `linear`.
    case cnn(convolutions: Int, width: Int)
    /// Pool to ceil(s/4), 1x1 convolutions, pool to 2x2, hidden layers of 4F: decoupled greedy learning's MLP-SR; the
    /// same without convolutions is its MLP.
    case mlpSR(convolutions: Int, hidden: Int)
    /// Pool to ceil(s/4), to 2x2, hidden layers of these widths.
    case mlp(hidden: [Int])
    /// Global average pool, linear.
    case globalAveragePool
    /// Max-pool 2, then hidden layers without batch norm: VGG's own.
    case vgg(hidden: [Int])
    /// Pool to ceil(s/2), two unpadded 3x3 convolutions of twice the width, then as `linear`: the sequential paper's
    /// VGG experiments.
    case vggAuxiliary
  }

  package var kind: Kind
  /// What the module minimises.
  package enum Loss: Hashable, Sendable {
    case crossEntropy
    /// Nøkland and Eidnes' similarity loss; the classifier learns beside it, and teaches the module nothing.
    case similarity
    /// Cross entropy, and the similarity loss 99 times as heavy.
    case both
  }

  package var loss = Loss.crossEntropy
  package var classes: Int
  package var batchNorm: Bool
  /// Side of the image that the last average pool makes.
  package var poolSize: Int
  package var origin: SourceSpan

  package init(kind: Kind, classes: Int, batchNorm: Bool, poolSize: Int, origin: SourceSpan) {
    self.kind = kind
    self.classes = classes
    self.batchNorm = batchNorm
    self.poolSize = poolSize
    self.origin = origin
  }
}

/// One layer of a classifier; numbers are those of their kind, from 1.
package enum ClassifierLayer: Hashable, Sendable {
  /// To an image of this size.
  case averagePool(height: Int, width: Int)
  /// 2x2 windows.
  case maxPool
  case batchNorm
  /// Without bias; batch norm where the classifier has it, ReLU.
  case convolution(Convolution, number: Int)
  /// Linear, batch norm, ReLU.
  case hidden(width: Int, batchNorm: Bool, number: Int)
  /// Linear.
  case output(classes: Int)
}

extension ClassifierRecipe {
  /// All layers in order: what is built, and what is held against the limits of sizes before.
  ///
  /// - Parameter input: what the module passes on.
  package func layers(behind input: Shape) -> [ClassifierLayer] {
    func pooled(by divisor: Int) -> ClassifierLayer {
      .averagePool(
        height: (input.height + divisor - 1) / divisor, width: (input.width + divisor - 1) / divisor)
    }
    let last: [ClassifierLayer] =
      [.averagePool(height: poolSize, width: poolSize)] + (batchNorm ? [.batchNorm] : [])
    let quadrants = ClassifierLayer.averagePool(height: 2, width: 2)
    func convolutions(_ count: Int, _ convolution: Convolution) -> [ClassifierLayer] {
      (0..<count).map { .convolution(convolution, number: $0 + 1) }
    }
    func hidden(_ widths: [Int], batchNorm: Bool) -> [ClassifierLayer] {
      widths.enumerated().map { .hidden(width: $1, batchNorm: batchNorm, number: $0 + 1) }
    }
    let layers: [ClassifierLayer]
    switch kind {
    case .linear: layers = last
    case .cnn(let count, let width):
      layers = convolutions(count, Convolution(outChannels: width, kernelSize: 3, padding: 1)) + last
    case .mlpSR(let count, let hiddenCount):
      layers =
        [pooled(by: 4)] + convolutions(count, Convolution(outChannels: input.channels, kernelSize: 1))
        + [quadrants]
        + hidden([Int](repeating: 4 * input.channels, count: hiddenCount), batchNorm: batchNorm)
    case .mlp(let widths): layers = [pooled(by: 4), quadrants] + hidden(widths, batchNorm: batchNorm)
    case .globalAveragePool: layers = [.averagePool(height: 1, width: 1)]
    case .vgg(let widths): layers = [.maxPool] + hidden(widths, batchNorm: false)
    case .vggAuxiliary:
      layers =
        [pooled(by: 2)] + convolutions(2, Convolution(outChannels: 2 * input.channels, kernelSize: 3)) + last
    }
    return layers + [.output(classes: classes)]
  }
}
