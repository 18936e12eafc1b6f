package import GraphIR

/// Makes one module of all, which the head alone teaches: what end-to-end training makes of a network that was cut.
package struct JoinModules: Pass {
  package static let name = "join"

  package init() {}

  package func run(_ graph: Graph) -> Graph {
    var joined = graph
    joined.nodes = graph.nodes.filter { $0.part == .layers || $0.module == graph.moduleCount }
    for index in joined.nodes.indices { joined.nodes[index].module = 1 }
    for index in joined.values.indices where joined.values[index].module > 0 {
      joined.values[index].module = 1
    }
    joined.metrics = graph.metrics.filter { $0.module == graph.moduleCount }
    for index in joined.metrics.indices { joined.metrics[index].module = 1 }
    joined.moduleOutputs = graph.moduleOutputs.suffix(1)
    // Of the auxiliaries nothing may be left, parameters least of all.
    return DeadValueElimination().run(joined)
  }
}
