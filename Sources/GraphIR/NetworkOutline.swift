/// A network's forward graph in rows, as `strata show` draws it: layers (or stem and blocks), and the modules with their
/// classifiers.
package struct NetworkOutline: Hashable, Sendable {
  /// A layer, a block or the stem.
  package struct Row: Hashable, Sendable {
    /// From 1; 0 is the stem.
    package var item: Int
    /// From 1.
    package var module: Int
    /// In words: `max-pool 2x2, conv 3x3 128`.
    package var operations: [String]
    package var input: Shape
    package var output: Shape
    package var parameters: Int
    /// Forward, one image.
    package var multiplyAdds: Int
  }

  package struct Module: Hashable, Sendable {
    /// From 1.
    package var index: Int
    package var parameters = 0
    package var multiplyAdds = 0
    /// Of the auxiliary network; of the last module's head.
    package var classifierOperations: [String] = []
    package var classifierParameters = 0
    package var classifierMultiplyAdds = 0
  }

  package private(set) var rows: [Row] = []
  package private(set) var modules: [Module]
  package let input: Shape

  /// - Parameter graph: forward, partitioned, with its classifiers.
  package init(_ graph: Graph) {
    input = graph.shape(graph.images)
    modules = zip(graph.sizes(of: .layers), graph.sizes(of: .auxiliary)).enumerated().map { index, sizes in
      Module(
        index: index + 1, parameters: sizes.0.parameters, multiplyAdds: sizes.0.multiplyAdds,
        classifierParameters: sizes.1.parameters, classifierMultiplyAdds: sizes.1.multiplyAdds)
    }
    for node in graph.nodes {
      switch node.part {
      case .layers:
        if rows.last?.item != node.item {
          let input = graph.shape(node.operands[0])
          rows.append(
            Row(
              item: node.item, module: node.module, operations: [], input: input, output: input,
              parameters: 0, multiplyAdds: 0))
        }
        let last = rows.count - 1
        rows[last].output = graph.shape(node.results[0])
        let sizes = node.sizes(in: graph)
        rows[last].parameters += sizes.parameters
        rows[last].multiplyAdds += sizes.multiplyAdds
        if let words = node.op.definition.words(node, in: graph) { rows[last].operations.append(words) }
      case .auxiliary:
        if let words = node.op.definition.words(node, in: graph) {
          modules[node.module - 1].classifierOperations.append(words)
        }
      }
    }
  }

  /// Of the layers and the head; auxiliaries not.
  package var parameters: Int {
    modules.map(\.parameters).reduce(0, +) + (modules.last?.classifierParameters ?? 0)
  }

  /// Of the layers and the head, forward, one image.
  package var multiplyAdds: Int {
    modules.map(\.multiplyAdds).reduce(0, +) + (modules.last?.classifierMultiplyAdds ?? 0)
  }
}
