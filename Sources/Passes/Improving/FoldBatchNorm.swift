internal import CostModel
package import GraphIR
internal import Operators

/// In inference batch norm multiplies and shifts every channel by constants, so the convolution before it can do both: a
/// folded filter and bias, made anew in every step (they are small beside the images), save a sweep over memory.
package struct FoldBatchNorm: Pass {
  package static let name = "fold"

  package init() {}

  package func run(_ graph: Graph) -> Graph {
    let uses = ValueUses(of: graph)
    var result = graph
    result.nodes = []
    var replacements: [Int: [Node]] = [:]
    var removed: Set<Int> = []
    for (index, node) in graph.nodes.enumerated() {
      guard let norm = node.op.as(BatchNorm.self), norm.mode == .inference,
        let source = uses.producer(ofValueReadOnce: node.operands[0]),
        let convolution = graph.nodes[source].op.as(Convolution.self), convolution.activation == .none
      else { continue }
      replacements[source] = fold(node, norm.activation, into: graph.nodes[source], convolution, &result)
      removed.insert(index)
    }
    for (index, node) in graph.nodes.enumerated() where !removed.contains(index) {
      result.nodes += replacements[index] ?? [node]
    }
    return result
  }

  /// The convolution's nodes in place of both.
  private func fold(
    _ norm: Node, _ activation: Activation, into source: Node, _ convolution: Convolution,
    _ graph: inout Graph
  ) -> [Node] {
    let filter = source.operands[1]
    func value(_ type: TensorType, _ name: String) -> ValueID {
      graph.addValue(Value(name: name, type: type, category: .activation, module: source.module))
    }
    let foldedFilter = value(graph[filter].type, "folded_filter")
    let foldedBias = value(.vector(convolution.outChannels), "folded_bias")
    var folding = norm
    folding.op = Op(BatchNormFolding())
    folding.operands = [filter] + norm.operands[1...] + source.operands.dropFirst(2)
    folding.results = [foldedFilter, foldedBias]
    var folded = source
    folded.operands = [source.operands[0], foldedFilter, foldedBias]
    guard let op = convolution.fused(with: activation) else {
      let y = value(graph[norm.results[0]].type, "folded")
      folded.results = [y]
      var activate = norm
      activate.op = Op(Activate(activation))
      (activate.operands, activate.results) = ([y], norm.results)
      return [folding, folded, activate]
    }
    folded.op = op
    folded.results = [norm.results[0]]
    return [folding, folded]
  }
}
