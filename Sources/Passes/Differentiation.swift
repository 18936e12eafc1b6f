package import GraphIR
package import Operators

/// Turns the forward nodes of the trained modules into training: forward, backward and update, module after module, so
/// that a module outputs its activation from before its own update (decoupled greedy learning, algorithm 1). Gradients
/// stop at the module's input. A parameter is updated right behind the last use of its gradient and its weights. Where a batch
/// passes in pieces, gradients add up in the optimizer's state where that can be, and elsewhere in sums of their own, which the
/// last piece alone updates by.
package struct Differentiation: Pass {
  package static let name = "differentiate"

  private let modules: [Int]
  private let optimizer: Optimizer
  private let accumulates: Bool
  private let trainsLayers: Bool
  private let decaysWeightsAlone: Bool

  /// - Parameters:
  ///   - modules: that learn; all other nodes run as they are.
  ///   - accumulates: gradients add up over the pieces of a batch, and the sum is what updates.
  ///   - trainsLayers: otherwise auxiliaries learn alone.
  ///   - decaysWeightsAlone: biases, and scales and shifts of batch norm, are not decayed.
  package init(
    modules: [Int], optimizer: Optimizer, accumulates: Bool, trainsLayers: Bool = true,
    decaysWeightsAlone: Bool = false
  ) {
    self.decaysWeightsAlone = decaysWeightsAlone
    self.modules = modules
    self.optimizer = optimizer
    self.accumulates = accumulates
    self.trainsLayers = trainsLayers
  }

  package func run(_ graph: Graph) -> Graph {
    let modules = Set(modules)
    var result = graph
    result.nodes = []
    var byModule: [[Node]] = Array(repeating: [], count: (graph.nodes.map(\.module).max() ?? 0) + 1)
    for node in graph.nodes { byModule[node.module].append(node) }
    for (module, nodes) in byModule.enumerated() {
      guard modules.contains(module) else {
        result.nodes += nodes
        continue
      }
      let learning = nodes.filter { trainsLayers || $0.part == .auxiliary }
      // A module's layers come before its auxiliary.
      result.nodes += nodes.prefix(nodes.count - learning.count)
      var builder = GradientBuilder.updating(
        result, module: module, by: optimizer, accumulates: accumulates,
        decaysWeightsAlone: decaysWeightsAlone)
      // Arrays that are held twice are copied when they grow: with every module once more.
      (result.nodes, result.values) = ([], [])
      builder.run(forward: learning)
      result = builder.graph
    }
    return result
  }
}

extension GradientBuilder {
  /// Every parameter follows its gradient.
  ///
  /// - Parameter accumulates: where a batch passes in pieces, the sum over them is what updates.
  fileprivate static func updating(
    _ graph: Graph, module: Int, by optimizer: Optimizer, accumulates: Bool, decaysWeightsAlone: Bool
  ) -> GradientBuilder {
    GradientBuilder(graph: graph, module: module, isWatching: false, sum: Op(Addition())) {
      builder, parameter, gradient, source in
      let value = builder.graph[parameter]
      let state = optimizer.stateNames.map { name in
        builder.addValue(
          Value(
            name: "\(value.name).\(name)", type: value.type, category: .optimizer, module: module,
            initial: .zeros))
      }
      var sum = gradient
      if accumulates, !optimizer.addsUpInState, !builder.isZero(gradient) {
        sum = builder.addValue(
          Value(
            name: "\(value.name).gradient", type: value.type, category: .accumulator, module: module,
            initial: .zeros))
        builder.append(Accumulate(), [sum, gradient], results: [], source)
      }
      let isVector = if case .vector = value.type.extent { true } else { false }
      let own = decaysWeightsAlone && isVector ? optimizer.withoutDecay : optimizer
      builder.append(Update(own), [parameter, sum] + state, results: [], source)
    }
  }

  /// The gradient of what the module's layers pass on is looked at, and nothing changes.
  static func watching(_ graph: Graph, module: Int) -> GradientBuilder {
    GradientBuilder(graph: graph, module: module, isWatching: true, sum: Op(Addition())) { _, _, _, _ in }
  }
}
