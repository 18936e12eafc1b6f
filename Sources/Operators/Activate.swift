package import CostModel
package import GraphIR

/// An activation by itself. x -> y
package struct Activate: LayerOperator, SweepOperator {
  package var activation: Activation

  package init(_ activation: Activation) {
    self.activation = activation
  }

  package static var kind: OperatorKind { .activate }
  package var text: String { activation.word }
  package func words(_ node: Node, in graph: Graph) -> String? { nil }
  package func steps(_ node: Node, in graph: Graph) -> [String] { [activation.word] }
  package var operandCounts: ClosedRange<Int> { 1...1 }
  package var resultCounts: ClosedRange<Int> { 1...1 }
  package func fault(_ types: OperandTypes) -> String? { types.same([types.inputs[0], types.outputs[0]]) }
  package func overwritableOperands(_ node: Node, in graph: Graph) -> [Int] { [0] }
  package var sweep: WorkKind.Sweep { .elementwise }
  package func differentiate(_ node: Node, _ outer: ValueID, in builder: inout GradientBuilder) {
    let read = activation.gradientFollowsFromOutput ? node.results[0] : node.operands[0]
    builder.accumulate(
      builder.emit(ActivationBackward(activation), [read, outer], like: read, node), into: node.operands[0],
      node)
  }
  package func recomputed(_ node: Node) -> Node? { node }
  package func fused(with activation: Activation) -> Op? { nil }
  package var channelFlow: ChannelFlow? { .passes }
}

/// The gradient of what an activation reads, from what it makes, or from what it reads where that is needed. y or x, dy -> dx
package struct ActivationBackward: BackwardOperator, SweepOperator {
  package var activation: Activation

  package init(_ activation: Activation) {
    self.activation = activation
  }

  package static var kind: OperatorKind { .activationBackward }
  package var text: String { "\(activation.word)_backward" }
  package var operandCounts: ClosedRange<Int> { 2...2 }
  package var resultCounts: ClosedRange<Int> { 1...1 }
  package func fault(_ types: OperandTypes) -> String? { types.same(types.inputs + [types.outputs[0]]) }
  package func overwritableOperands(_ node: Node, in graph: Graph) -> [Int] { [1] }
  package var sweep: WorkKind.Sweep { .elementwise }
}

extension GradientBuilder {
  /// The gradient in front of the activation that is fused into a node: `outer` itself where it has none.
  mutating func activationGradient(_ activation: Activation, _ node: Node, _ outer: ValueID) -> ValueID {
    guard activation != .none else { return outer }
    return emit(ActivationBackward(activation), [node.results[0], outer], like: node.results[0], node)
  }
}
