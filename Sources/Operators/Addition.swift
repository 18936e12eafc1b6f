package import CostModel
package import GraphIR

/// a, b -> a + b, with an activation where asked.
package struct Addition: LayerOperator, SweepOperator {
  package var activation = Activation.none

  package init() {}

  package static var kind: OperatorKind { .addition }
  package var text: String { activation == .none ? "add" : "add[\(activation.word)]" }
  package func words(_ node: Node, in graph: Graph) -> String? { nil }
  package func steps(_ node: Node, in graph: Graph) -> [String] { activation.steps(behind: "add") }
  package var operandCounts: ClosedRange<Int> { 2...2 }
  package var resultCounts: ClosedRange<Int> { 1...1 }
  package func fault(_ types: OperandTypes) -> String? { types.same(types.inputs + [types.outputs[0]]) }
  package func overwritableOperands(_ node: Node, in graph: Graph) -> [Int] { [0, 1] }
  package var sweep: WorkKind.Sweep { .elementwise }
  package func differentiate(_ node: Node, _ outer: ValueID, in builder: inout GradientBuilder) {
    let dy = builder.activationGradient(activation, node, outer)
    for operand in node.operands where builder.isTrained(operand) {
      builder.accumulate(dy, into: operand, node)
    }
  }
  package func recomputed(_ node: Node) -> Node? { node }
  package func fused(with activation: Activation) -> Op? {
    guard activation.gradientFollowsFromOutput else { return nil }
    var fused = self
    fused.activation = activation
    return Op(fused)
  }
  package var channelFlow: ChannelFlow? { nil }
}
