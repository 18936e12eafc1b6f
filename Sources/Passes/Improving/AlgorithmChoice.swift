internal import CostModel
package import GraphIR
internal import Operators

/// Chooses how each convolution is computed, from its shape alone.
package struct AlgorithmChoice: Pass {
  package static let name = "algorithms"

  /// No Winograd: products and sums in the order of the definition.
  private let isStrict: Bool

  package init(isStrict: Bool) {
    self.isStrict = isStrict
  }

  package func run(_ graph: Graph) -> Graph {
    var result = graph
    for (index, node) in graph.nodes.enumerated() {
      guard let definition = node.convolutionOperator else { continue }
      result.nodes[index].op = definition.computed(
        by: ConvolutionCost.chooseAlgorithm(definition.geometry(node, in: graph), strict: isStrict))
    }
    return result
  }
}
