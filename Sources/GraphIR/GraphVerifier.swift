/// What is wrong with a graph: a bug of a pass, never of a spec.
package struct MalformedGraph: Error, CustomStringConvertible {
  package var description: String
}

/// Checks a graph after every pass. Shares no shape arithmetic with the builder: each operation states how its operands'
/// and results' types must relate.
package struct GraphVerifier {
  private let graph: Graph

  package init(_ graph: Graph) {
    self.graph = graph
  }

  package func verify() throws(MalformedGraph) {
    var defined = graph.values.map { value in
      switch value.category {
      case .batch, .parameter, .statistics, .optimizer, .replay, .accumulator: true
      case .gradient, .activation: false
      }
    }
    var overwritten = [Bool](repeating: false, count: graph.values.count)
    for (index, node) in graph.nodes.enumerated() {
      func fail(_ why: String) -> MalformedGraph {
        MalformedGraph(description: "node \(index), \(node.op.text): \(why)")
      }
      for operand in node.operands {
        guard operand.index < graph.values.count, defined[operand.index] else {
          throw fail("%\(operand.index) is used before it is defined")
        }
        if overwritten[operand.index] { throw fail("%\(operand.index) is used after it was overwritten") }
      }
      if let why = countFault(node) { throw fail(why) }
      for position in node.op.mutatedOperands {
        guard graph[node.operands[position]].category.outlivesStep else {
          throw fail("operand \(position) may not change in place")
        }
      }
      if let position = node.overwrites {
        guard node.overwritableOperands(in: graph).contains(position) else {
          throw fail("operand \(position) can't be overwritten")
        }
        let operand = graph[node.operands[position]]
        guard operand.category == .activation || operand.category == .gradient else {
          throw fail("a \(operand.category.rawValue) value can't be overwritten")
        }
        guard operand.type == graph[node.results[0]].type else {
          throw fail("overwrites a value of another type")
        }
        guard node.operands.filter({ $0 == node.operands[position] }).count == 1 else {
          throw fail("overwrites an operand that it reads twice")
        }
        overwritten[node.operands[position].index] = true
      }
      for result in node.results {
        guard result.index < graph.values.count, !defined[result.index] else {
          throw fail("%\(result.index) is defined twice")
        }
        defined[result.index] = true
      }
      let types = OperandTypes(
        inputs: node.operands.map { graph[$0].type }, outputs: node.results.map { graph[$0].type })
      if let why = node.op.definition.fault(types) { throw fail(why) }
    }
    let wanted =
      graph.metrics.map { ("metric", $0.value) } + graph.moduleOutputs.map { ("module output", $0) }
    for (what, value) in wanted {
      guard value.index < graph.values.count, defined[value.index] else {
        throw MalformedGraph(description: "\(what) %\(value.index) is never computed")
      }
      if overwritten[value.index] {
        throw MalformedGraph(description: "\(what) %\(value.index) is overwritten")
      }
    }
  }

  /// Nil where the numbers of operands and results fit the operation.
  private func countFault(_ node: Node) -> String? {
    let (operandCounts, resultCounts) = (node.op.definition.operandCounts, node.op.definition.resultCounts)
    guard operandCounts.contains(node.operands.count) else { return "has \(node.operands.count) operands" }
    guard resultCounts.contains(node.results.count) else { return "has \(node.results.count) results" }
    return nil
  }
}
