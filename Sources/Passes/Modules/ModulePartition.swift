package import GraphIR

/// Cuts the network into modules: every node and value gets the module of its item (layer, block or stem), and the
/// graph learns what each module outputs.
package struct ModulePartition: Pass {
  package static let name = "partition"

  /// The item that each module begins with, rising; the first is the network's first item.
  private let firstItems: [Int]

  package init(firstItems: [Int]) {
    precondition(!firstItems.isEmpty, "a network has at least one module")
    self.firstItems = firstItems
  }

  package func run(_ graph: Graph) -> Graph {
    var graph = graph
    graph.moduleOutputs = []
    // Items come in order, and a module's first item with its first node.
    var module = 1
    for index in graph.nodes.indices {
      let item = graph.nodes[index].item
      while module < firstItems.count, firstItems[module] <= item { module += 1 }
      graph.nodes[index].module = module
      for operand in graph.nodes[index].operands where graph[operand].category.isTrainedState {
        graph[operand].module = module
      }
      for result in graph.nodes[index].results { graph[result].module = module }
      let output = graph.nodes[index].results[0]
      if graph.moduleOutputs.count < module {
        graph.moduleOutputs.append(output)
      } else {
        graph.moduleOutputs[module - 1] = output
      }
    }
    return graph
  }
}

extension ValueCategory {
  fileprivate var isTrainedState: Bool {
    switch self {
    case .parameter, .statistics: true
    case .batch, .gradient, .optimizer, .replay, .accumulator, .activation: false
    }
  }
}
