internal import Diagnostics
package import GraphIR
internal import Operators

/// Keeps what makes the features of one depth: the layers up to a module's, as inference, averaged to a small image where
/// that is asked for. The features are what the graph outputs.
package struct ProbeFeatureStage: Pass {
  package static let name = "probe-features"

  private let module: Int
  private let poolSize: Int?

  /// - Parameters:
  ///   - module: whose output is wanted; 0: the images themselves.
  ///   - poolSize: side of the image that features are averaged to; nil: as they are.
  package init(module: Int, poolSize: Int?) {
    self.module = module
    self.poolSize = poolSize
  }

  package func run(_ graph: Graph) -> Graph {
    var stage = graph
    stage.nodes = graph.nodes.filter { $0.module <= module && $0.part == .layers }.map(\.asInference)
    stage.metrics = []
    var features = module == 0 ? graph.images : graph.moduleOutputs[module - 1]
    stage.moduleOutputs = []
    if let poolSize {
      var builder = GraphBuilder(graph: stage, origin: graph.nodes[0].origin)
      builder.module = max(1, module)
      features = builder.averagePool(
        features, height: min(poolSize, graph.shape(features).height),
        width: min(poolSize, graph.shape(features).width))
      stage = builder.graph
    }
    if stage.nodes.isEmpty { features = stage.appendCopy(of: features, origin: graph.nodes[0].origin) }
    stage.moduleOutputs = [features]
    return stage
  }
}

extension Graph {
  /// Images as they are: a program has a node to run, and averages over one image element are the elements.
  fileprivate mutating func appendCopy(of images: ValueID, origin: SourceSpan) -> ValueID {
    let shape = shape(images)
    let copy = addValue(
      Value(name: "images_as_they_are", type: self[images].type, category: .activation, module: 1))
    var node = Node(
      op: Op(AveragePool(height: shape.height, width: shape.width)), operands: [images], results: [copy],
      origin: origin, item: 0)
    node.module = 1
    nodes.append(node)
    return copy
  }
}

/// A network that is cut behind a module, with a classifier behind the cut as its next and last module.
package struct ProbeNetwork: Pass {
  package static let name = "probe"

  private let module: Int
  private let recipe: ClassifierRecipe
  private let poolSize: Int?

  /// - Parameters:
  ///   - module: the last one that stays; 0: the classifier reads the images.
  ///   - poolSize: side of the image that the classifier reads; nil: as the module passes it on.
  package init(module: Int, recipe: ClassifierRecipe, poolSize: Int?) {
    self.module = module
    self.recipe = recipe
    self.poolSize = poolSize
  }

  package func run(_ graph: Graph) -> Graph {
    var cut = graph
    cut.nodes = graph.nodes.filter { $0.module <= module && $0.part == .layers }
    cut.metrics = []
    cut.moduleOutputs = Array(graph.moduleOutputs.prefix(module))
    var builder = GraphBuilder(graph: cut, origin: recipe.origin)
    builder.module = module + 1
    builder.item = (cut.nodes.last?.item ?? 0) + 1
    builder.part = .auxiliary
    var features = module == 0 ? graph.images : graph.moduleOutputs[module - 1]
    if let poolSize {
      features = builder.averagePool(
        features, height: min(poolSize, graph.shape(features).height),
        width: min(poolSize, graph.shape(features).width))
    }
    ClassifierBuilder(recipe: recipe, name: "probe").attachLoss(
      to: features, ofModule: module + 1, in: &builder)
    builder.graph.moduleOutputs.append(builder.graph.metrics[0].logits)
    // What the classifiers of the network read is gone with them: nobody has to store it.
    return builder.graph.compacted
  }
}
