package import GraphIR

/// Removes nodes whose results nobody reads and that change nothing, then values that no node touches. Numbers values
/// anew, in order of first appearance.
package struct DeadValueElimination: Pass {
  package static let name = "dead-values"

  package init() {}

  package func run(_ graph: Graph) -> Graph {
    var isNeeded = [Bool](repeating: false, count: graph.values.count)
    for metric in graph.metrics { isNeeded[metric.value.index] = true }
    for output in graph.moduleOutputs { isNeeded[output.index] = true }
    var kept: [Node] = []
    for node in graph.nodes.reversed() {
      let lives = !node.op.mutatedOperands.isEmpty || node.results.contains { isNeeded[$0.index] }
      guard lives else { continue }
      for operand in node.operands { isNeeded[operand.index] = true }
      kept.append(node)
    }
    var result = graph
    result.nodes = kept.reversed()
    return result.compacted
  }
}

extension Graph {
  /// Without the values that no node touches.
  var compacted: Graph {
    var renumbered = [ValueID?](repeating: nil, count: values.count)
    var order: [Int] = []
    func keep(_ id: ValueID) {
      guard renumbered[id.index] == nil else { return }
      renumbered[id.index] = ValueID(index: order.count)
      order.append(id.index)
    }
    keep(images)
    keep(labels)
    for node in nodes {
      for id in node.operands { keep(id) }
      for id in node.results { keep(id) }
    }
    func new(_ id: ValueID) -> ValueID {
      guard let id = renumbered[id.index] else { preconditionFailure("a kept value was dropped") }
      return id
    }
    var graph = self
    graph.values = order.map { values[$0] }
    graph.nodes = nodes.map { node in
      var node = node
      node.operands = node.operands.map(new)
      node.results = node.results.map(new)
      return node
    }
    graph.images = new(images)
    graph.labels = new(labels)
    graph.moduleOutputs = moduleOutputs.map(new)
    graph.metrics = metrics.map {
      Metric(
        module: $0.module, isEnsemble: $0.isEnsemble, value: new($0.value), logits: new($0.logits))
    }
    return graph
  }
}
