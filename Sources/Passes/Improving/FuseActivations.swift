package import GraphIR
internal import Operators

/// Lets the operation before an activation apply it in the same sweep over memory, where nothing else reads what lies between.
/// Batch norm then needs only its input saved: the backward pass computes the mask again.
package struct FuseActivations: Pass {
  package static let name = "fuse"

  package init() {}

  package func run(_ graph: Graph) -> Graph {
    let uses = ValueUses(of: graph)
    var fused = graph
    var removed = Set<Int>()
    for (index, node) in graph.nodes.enumerated() {
      guard let activate = node.op.as(Activate.self),
        let source = uses.producer(ofValueReadOnce: node.operands[0]),
        graph.nodes[source].module == node.module,
        let op = graph.nodes[source].op.definition.fused(with: activate.activation)
      else { continue }
      fused.nodes[source].op = op
      fused.nodes[source].results[0] = node.results[0]
      removed.insert(index)
    }
    fused.nodes = fused.nodes.enumerated().filter { !removed.contains($0.offset) }.map(\.element)
    return fused
  }
}
