internal import CostModel
package import Diagnostics
package import GraphIR
internal import Operators

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
  /// Side of the picture that the last average pool makes.
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

/// Gives every module its auxiliary network and loss, the last one its head, right behind the module's own nodes.
package struct AuxiliaryHeads: Pass {
  package static let name = "auxiliaries"

  /// By module; nil for a module that end-to-end training gives no loss of its own.
  private let recipes: [ClassifierRecipe?]
  private let batchNormScale: InitialValue
  private let heFanOut: Bool

  package init(recipes: [ClassifierRecipe?], batchNormScale: InitialValue, heFanOut: Bool) {
    self.recipes = recipes
    self.batchNormScale = batchNormScale
    self.heFanOut = heFanOut
  }

  package func run(_ graph: Graph) -> Graph {
    precondition(recipes.count == graph.moduleCount, "lowering makes a recipe a module")
    var builder = GraphBuilder(graph: graph, origin: graph.nodes[0].origin)
    builder.graph.nodes = []
    builder.batchNormScale = batchNormScale
    builder.heFanOut = heFanOut
    builder.part = .auxiliary
    var byModule: [[Node]] = Array(repeating: [], count: graph.moduleCount + 1)
    for node in graph.nodes { byModule[node.module].append(node) }
    for module in 1...graph.moduleCount {
      let nodes = byModule[module]
      builder.graph.nodes += nodes
      guard let recipe = recipes[module - 1] else { continue }
      builder.module = module
      builder.item = nodes[nodes.count - 1].item
      builder.origin = recipe.origin
      let isHead = module == graph.moduleCount
      let attachment = ClassifierBuilder(recipe: recipe, name: isHead ? "head" : "auxiliaries.\(module)")
      attachment.attachLoss(to: graph.moduleOutputs[module - 1], ofModule: module, in: &builder)
    }
    return builder.graph
  }
}

/// Builds one classifier behind a module's output.
struct ClassifierBuilder {
  let recipe: ClassifierRecipe
  /// `auxiliaries.2` or `head`: the start of its parameters' names.
  let name: String

  /// Share of the similarity loss in `both` (Nøkland and Eidnes' beta).
  private static let similarityShare = 0.99

  func attachLoss(to output: ValueID, ofModule module: Int, in builder: inout GraphBuilder) {
    let firstNode = builder.graph.nodes.count
    let logits = attach(to: output, in: &builder)
    switch recipe.loss {
    case .crossEntropy: builder.loss(logits: logits, metricsOf: module)
    case .similarity:
      for index in firstNode..<builder.graph.nodes.count
      where builder.graph.nodes[index].operands[0] == output {
        builder.graph.nodes[index].isDetached = true
      }
      builder.loss(logits: logits, similarity: (features(of: output, in: &builder), 1), metricsOf: module)
    case .both:
      builder.loss(
        logits: logits, weight: 1 - Self.similarityShare,
        similarity: (features(of: output, in: &builder), Self.similarityShare), metricsOf: module)
    }
  }

  /// A 3x3 convolution, then the deviation of each channel over the picture; the plain values of small things.
  private func features(of output: ValueID, in builder: inout GraphBuilder) -> ValueID {
    let shape = builder.graph.shape(output)
    let convolution = Convolution(outChannels: shape.channels, kernelSize: 3, padding: 1)
    let y = builder.convolution(output, convolution, bias: false, name: "\(name).similarity.conv")
    return shape.channels > 3 && shape.height > 1 ? builder.spatialDeviation(y) : y
  }

  private func attach(to output: ValueID, in builder: inout GraphBuilder) -> ValueID {
    let shape = builder.graph.shape(output)
    var x = output
    switch recipe.kind {
    case .linear:
      x = pooledAndNormalized(x, in: &builder)
    case .cnn(let convolutions, let width):
      for index in 0..<convolutions {
        x = convolution(
          x, Convolution(outChannels: width, kernelSize: 3, padding: 1), number: index + 1, in: &builder)
      }
      x = pooledAndNormalized(x, in: &builder)
    case .mlpSR(let convolutions, let hidden):
      x = builder.averagePool(x, height: (shape.height + 3) / 4, width: (shape.width + 3) / 4)
      for index in 0..<convolutions {
        x = convolution(
          x, Convolution(outChannels: shape.channels, kernelSize: 1), number: index + 1, in: &builder)
      }
      x = builder.averagePool(x, height: 2, width: 2)
      let widths = [Int](repeating: 4 * shape.channels, count: hidden)
      x = hiddenLayers(x, widths: widths, batchNorm: recipe.batchNorm, in: &builder)
    case .mlp(let hidden):
      x = builder.averagePool(x, height: (shape.height + 3) / 4, width: (shape.width + 3) / 4)
      x = builder.averagePool(x, height: 2, width: 2)
      x = hiddenLayers(x, widths: hidden, batchNorm: recipe.batchNorm, in: &builder)
    case .globalAveragePool:
      x = builder.averagePool(x, height: 1, width: 1)
    case .vgg(let hidden):
      x = builder.maxPool(x, MaxPool(window: 2, stride: 2))
      x = hiddenLayers(x, widths: hidden, batchNorm: false, in: &builder)
    case .vggAuxiliary:
      x = builder.averagePool(x, height: (shape.height + 1) / 2, width: (shape.width + 1) / 2)
      for index in 0..<2 {
        x = convolution(
          x, Convolution(outChannels: 2 * shape.channels, kernelSize: 3), number: index + 1, in: &builder)
      }
      x = pooledAndNormalized(x, in: &builder)
    }
    return builder.linear(x, outFeatures: recipe.classes, name: "\(name).output")
  }

  private func pooledAndNormalized(_ x: ValueID, in builder: inout GraphBuilder) -> ValueID {
    let pooled = builder.averagePool(x, height: recipe.poolSize, width: recipe.poolSize)
    return recipe.batchNorm ? builder.batchNorm(pooled, name: "\(name).batch_norm") : pooled
  }

  private func convolution(
    _ x: ValueID, _ attributes: Convolution, number: Int, in builder: inout GraphBuilder
  ) -> ValueID {
    let prefix = "\(name).convolutions.\(number)"
    var y = builder.convolution(x, attributes, bias: false, name: "\(prefix).conv")
    if recipe.batchNorm { y = builder.batchNorm(y, name: "\(prefix).batch_norm") }
    return builder.activate(y, .relu)
  }

  private func hiddenLayers(
    _ x: ValueID, widths: [Int], batchNorm: Bool, in builder: inout GraphBuilder
  ) -> ValueID {
    var x = x
    for (index, width) in widths.enumerated() {
      let prefix = "\(name).hidden.\(index + 1)"
      x = builder.linear(x, outFeatures: width, name: "\(prefix).linear")
      if batchNorm { x = builder.batchNorm(x, name: "\(prefix).batch_norm") }
      x = builder.activate(x, .relu)
    }
    return x
  }
}
