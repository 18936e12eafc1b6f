package import GraphIR
internal import Operators

/// Lets the backward pass of a batch norm read the gradient of an average pool behind it as the pool computes it: small. What
/// would be spread over the pixels is never written, which saves an activation's memory and two sweeps over it.
package struct FuseSpreads: Pass {
  package static let name = "spreads"

  package init() {}

  package func run(_ graph: Graph) -> Graph {
    let uses = ValueUses(of: graph)
    var result = graph
    var dropped: Set<Int> = []
    for (index, node) in graph.nodes.enumerated() {
      guard var backward = node.op.as(BatchNormBackward.self),
        let spread = uses.producer(ofValueReadOnce: node.operands[1]),
        graph.nodes[spread].op.as(AveragePoolBackward.self).map({
          Self.covers($0, graph.nodes[spread], in: graph)
        })
          == true
      else { continue }
      backward.spreadsGradient = true
      result.nodes[index].op = Op(backward)
      result.nodes[index].operands[1] = graph.nodes[spread].operands[0]
      dropped.insert(spread)
    }
    guard !dropped.isEmpty else { return graph }
    result.nodes = result.nodes.enumerated().filter { !dropped.contains($0.offset) }.map(\.element)
    return result
  }

  /// Whether the pool's windows lie beside each other and leave nothing out.
  private static func covers(_ pool: AveragePoolBackward, _ node: Node, in graph: Graph) -> Bool {
    let (averages, pixels) = (graph.shape(node.operands[0]), graph.shape(node.results[0]))
    let isWhole = pool.window.map {
      averages.height * $0 == pixels.height && averages.width * $0 == pixels.width
    }
    return isWhole ?? true && BatchNormBackward.canSpread(averages, over: pixels)
  }
}
