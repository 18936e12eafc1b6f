package import CostModel
package import GraphIR
internal import Operators

/// Gives every module its auxiliary network and loss, the last one its head, right behind the module's own nodes.
package struct AuxiliaryHeads: Pass {
  package static let name = "auxiliaries"

  /// By module; nil for a module that end-to-end training gives no loss of its own.
  private let recipes: [ClassifierRecipe?]
  private let batchNormScale: InitialValue
  private let heFanOut: Bool
  private let labelSmoothing: Double
  private let activation: Activation

  package init(
    recipes: [ClassifierRecipe?], batchNormScale: InitialValue, heFanOut: Bool, labelSmoothing: Double = 0,
    activation: Activation = .relu
  ) {
    self.activation = activation
    self.labelSmoothing = labelSmoothing
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
    builder.labelSmoothing = labelSmoothing
    builder.activation = activation
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

  /// A 3x3 convolution, then the deviation of each channel over the image; the plain values of small things.
  private func features(of output: ValueID, in builder: inout GraphBuilder) -> ValueID {
    let shape = builder.graph.shape(output)
    let convolution = Convolution(outChannels: shape.channels, kernelSize: 3, padding: 1)
    let y = builder.convolution(output, convolution, bias: false, name: "\(name).similarity.conv")
    return shape.channels > 3 && shape.height > 1 ? builder.spatialDeviation(y) : y
  }

  private func attach(to output: ValueID, in builder: inout GraphBuilder) -> ValueID {
    var x = output
    for layer in recipe.layers(behind: builder.graph.shape(output)) {
      switch layer {
      case .averagePool(let height, let width): x = builder.averagePool(x, height: height, width: width)
      case .maxPool: x = builder.maxPool(x, MaxPool(window: 2, stride: 2))
      case .batchNorm: x = builder.batchNorm(x, name: "\(name).batch_norm")
      case .convolution(let attributes, let number):
        let prefix = "\(name).convolutions.\(number)"
        x = builder.convolution(x, attributes, bias: false, name: "\(prefix).conv")
        if recipe.batchNorm { x = builder.batchNorm(x, name: "\(prefix).batch_norm") }
        x = builder.activate(x)
      case .hidden(let width, let batchNorm, let number):
        let prefix = "\(name).hidden.\(number)"
        x = builder.linear(x, outFeatures: width, name: "\(prefix).linear")
        if batchNorm { x = builder.batchNorm(x, name: "\(prefix).batch_norm") }
        x = builder.activate(x)
      case .output(let classes): x = builder.linear(x, outFeatures: classes, name: "\(name).output")
      }
    }
    return x
  }
}
