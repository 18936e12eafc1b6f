/// Reverse-mode differentiation of one module: what definitions of operations append their backward passes with.
package struct GradientBuilder {
  package private(set) var graph: Graph
  /// The gradient of what the module's layers pass on is looked at, and nothing changes: neither parameters nor running
  /// statistics.
  package let isWatching: Bool
  private let module: Int
  /// Adds up gradients of a value that is read more than once.
  private let sum: Op
  /// Makes a parameter follow its gradient: appends to the graph.
  private let update: (inout GradientBuilder, _ parameter: ValueID, _ gradient: ValueID, Node) -> Void
  /// By value: its gradient so far.
  private var gradients: [ValueID: ValueID] = [:]
  /// Values that a trained parameter of this module influences.
  private var isTrained: Set<ValueID> = []
  /// Gradients that are zero for any batch.
  private var isZero: Set<ValueID> = []
  /// Values whose readers all absorb a constant in every channel.
  private var absorbed: Set<ValueID> = []

  /// - Parameters:
  ///   - sum: of two values.
  ///   - update: what is appended for a parameter and its gradient, behind the node that is differentiated.
  package init(
    graph: Graph, module: Int, isWatching: Bool, sum: Op,
    update: @escaping (inout GradientBuilder, _ parameter: ValueID, _ gradient: ValueID, Node) -> Void
  ) {
    self.graph = graph
    self.module = module
    self.isWatching = isWatching
    self.sum = sum
    self.update = update
  }

  /// Appends the nodes as training runs them, then their backward passes in reverse order.
  package mutating func run(forward: [Node]) {
    var trainingNodes: [Node] = []
    absorbed = Self.valuesWhoseReadersAbsorbConstants(forward)
    for node in forward {
      let trained = node.operands.contains { isTrained.contains($0) || graph[$0].category == .parameter }
      if trained { isTrained.formUnion(node.results) }
      trainingNodes.append(node.results.isEmpty ? node : node.op.definition.saving(node, in: &self))
    }
    graph.nodes += trainingNodes
    for node in trainingNodes.reversed() where !isWatching || node.part == .auxiliary {
      guard let result = node.results.first, let outer = gradients[result] else { continue }
      node.op.definition.differentiate(node, outer, in: &self)
    }
  }

  private static func valuesWhoseReadersAbsorbConstants(_ nodes: [Node]) -> Set<ValueID> {
    var readers: [ValueID: (all: Int, absorbing: Int)] = [:]
    for node in nodes {
      for (position, operand) in node.operands.enumerated() {
        readers[operand, default: (0, 0)].all += 1
        if position == 0, node.op.definition.absorbsConstant {
          readers[operand, default: (0, 0)].absorbing += 1
        }
      }
    }
    return Set(readers.filter { $0.value.all == $0.value.absorbing }.keys)
  }

  // MARK: - What definitions ask

  /// Nil where the loss does not depend on the value.
  package func gradient(of value: ValueID) -> ValueID? { gradients[value] }

  /// Whether a trained parameter of the module influences the value.
  package func isTrained(_ value: ValueID) -> Bool { isTrained.contains(value) }

  /// Whether whatever reads the value takes every constant of a channel away again.
  package func absorbsConstants(_ value: ValueID) -> Bool { absorbed.contains(value) }

  package func isZero(_ gradient: ValueID) -> Bool { isZero.contains(gradient) }

  // MARK: - What definitions append

  package mutating func addValue(_ value: Value) -> ValueID { graph.addValue(value) }

  /// A value of the module.
  package mutating func add(_ name: String, _ type: TensorType, _ category: ValueCategory) -> ValueID {
    graph.addValue(Value(name: name, type: type, category: category, module: module))
  }

  /// A node with the origin, item and part of `source`.
  package mutating func append(
    _ definition: some OperatorDefinition, _ operands: [ValueID], results: [ValueID], _ source: Node
  ) {
    append(Op(definition), operands, results: results, source)
  }

  private mutating func append(_ op: Op, _ operands: [ValueID], results: [ValueID], _ source: Node) {
    var node = source
    node.op = op
    node.operands = operands
    node.results = results
    graph.nodes.append(node)
  }

  /// A node whose one result is a gradient of the type of `value`.
  package mutating func emit(
    _ definition: some OperatorDefinition, _ operands: [ValueID], like value: ValueID, _ source: Node
  ) -> ValueID {
    emit(Op(definition), operands, like: value, source)
  }

  private mutating func emit(_ op: Op, _ operands: [ValueID], like value: ValueID, _ source: Node) -> ValueID
  {
    let result = add("gradient", graph[value].type, .gradient)
    append(op, operands, results: [result], source)
    return result
  }

  /// Tells that a gradient is zero for any batch.
  package mutating func markZero(_ gradient: ValueID) { isZero.insert(gradient) }

  /// Where differentiation starts: a loss makes the gradient of what it reads itself.
  package mutating func start(_ value: ValueID, with gradient: ValueID) { gradients[value] = gradient }

  /// Values read twice (a residual block's input) sum their gradients.
  package mutating func accumulate(_ gradient: ValueID, into value: ValueID, _ source: Node) {
    if source.isDetached && value == source.operands[0] { return }
    guard let sum = gradients[value] else {
      gradients[value] = gradient
      return
    }
    gradients[value] = emit(self.sum, [sum, gradient], like: value, source)
  }

  /// Lets parameters follow their gradients, in this order.
  package mutating func update(_ parameters: [(parameter: ValueID, gradient: ValueID)], _ source: Node) {
    guard !isWatching else { return }
    for (parameter, gradient) in parameters { update(&self, parameter, gradient, source) }
  }
}
