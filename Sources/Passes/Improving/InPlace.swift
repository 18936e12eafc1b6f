package import GraphIR

/// Lets a result take over the memory of an operand that is read for the last time, where the kernel works element by
/// element.
package struct InPlace: Pass {
  package static let name = "in-place"

  package init() {}

  package func run(_ graph: Graph) -> Graph {
    var lastUse = [Int](repeating: -1, count: graph.values.count)
    for (index, node) in graph.nodes.enumerated() {
      for operand in node.operands { lastUse[operand.index] = index }
    }
    // Metrics are read after the last node.
    for metric in graph.metrics { lastUse[metric.value.index] = graph.nodes.count }
    for output in graph.moduleOutputs { lastUse[output.index] = graph.nodes.count }
    var result = graph
    for (index, node) in graph.nodes.enumerated() {
      result.nodes[index].overwrites = node.overwritableOperands(in: graph).first { position in
        let id = node.operands[position]
        let operand = graph[id]
        return lastUse[id.index] == index && operand.isTransient
          && operand.type == graph[node.results[0]].type
          && node.operands.filter { $0 == id }.count == 1
      }
    }
    return result
  }
}

extension Value {
  fileprivate var isTransient: Bool {
    switch category {
    case .activation, .gradient: true
    case .batch, .parameter, .statistics, .optimizer, .replay, .accumulator: false
    }
  }
}
