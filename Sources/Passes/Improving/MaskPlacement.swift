package import GraphIR
internal import Operators

/// Takes the ReLU's mask of what a pool hands back before the pool's backward pass spreads it, not after: where a maximum
/// came from is positive exactly where the maximum is. The gradient has the same bits, the mask is read from the pool's small
/// output, and the large one in front of the pool need not be kept for it. The same holds for images folded into channels.
package struct MaskPlacement: Pass {
  package static let name = "masks"

  package init() {}

  package func run(_ graph: Graph) -> Graph {
    let uses = ValueUses(of: graph)
    var result = graph
    var replacements: [Int: [Node]] = [:]
    for (index, node) in graph.nodes.enumerated() {
      guard node.op.is(ActivationBackward.self),
        let spread = uses.producer(ofValueReadOnce: node.operands[1]),
        let pooled = Self.pooled(from: node.operands[0], by: graph.nodes[spread], in: graph)
      else { continue }
      var spreading = graph.nodes[spread]
      let small = spreading.operands[0]
      let masked = result.addValue(graph[small])
      var mask = node
      mask.operands = [pooled, small]
      mask.results = [masked]
      spreading.operands[0] = masked
      spreading.results = node.results
      replacements[spread] = []
      replacements[index] = [mask, spreading]
    }
    guard !replacements.isEmpty else { return graph }
    result.nodes = graph.nodes.enumerated().flatMap { replacements[$0.offset] ?? [$0.element] }
    return result
  }

  /// What a pool made of `y`, where `spread` is that pool's backward pass.
  private static func pooled(from y: ValueID, by spread: Node, in graph: Graph) -> ValueID? {
    if spread.op.is(MaxPoolBackward.self) {
      let pool = graph.nodes.first { $0.results.count == 2 && $0.results[1] == spread.operands[1] }
      return pool.flatMap { $0.operands[0] == y ? $0.results[0] : nil }
    }
    if spread.op.is(DepthToSpace.self) {
      let folds = graph.nodes.filter { $0.op.is(SpaceToDepth.self) && $0.operands[0] == y }
      return folds.count == 1 ? folds[0].results[0] : nil
    }
    return nil
  }
}
