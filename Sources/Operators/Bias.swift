package import CostModel
package import GraphIR

/// dy -> sums over all but the channels
package struct BiasGradient: BackwardOperator, SweepOperator {
  package init() {}

  package static var kind: OperatorKind { .biasGradient }
  package var text: String { "bias_gradient" }
  package var operandCounts: ClosedRange<Int> { 1...1 }
  package var resultCounts: ClosedRange<Int> { 1...1 }
  package func fault(_ types: OperandTypes) -> String? {
    types.perChannel(types.inputs[0], [types.outputs[0]])
  }
  package var sweep: WorkKind.Sweep { .columnSums }
  package func scratch(_ node: Node, in graph: Graph) -> Scratch {
    let dy = graph.shape(node.operands[0])
    return KernelScratch.columnSums(rows: dy.rows, columns: dy.channels)
  }
}

/// -> zeros: the gradient of a bias in front of batch norm, which takes every constant away again.
package struct ZeroGradient: BackwardOperator, SweepOperator {
  package init() {}

  package static var kind: OperatorKind { .zeroGradient }
  package var text: String { "zero_gradient" }
  package var operandCounts: ClosedRange<Int> { 0...0 }
  package var resultCounts: ClosedRange<Int> { 1...1 }
  package func fault(_ types: OperandTypes) -> String? { nil }
  package var sweep: WorkKind.Sweep { .elementwise }
}

extension GradientBuilder {
  /// Of the bias (operand 2) of a node whose result's gradient is `dy`, before the activation. In front of batch norm, with no
  /// activation between, exactly zero.
  mutating func biasGradient(_ node: Node, _ dy: ValueID, _ activation: Activation) -> ValueID {
    guard activation == .none, absorbsConstants(node.results[0]) else {
      return emit(BiasGradient(), [dy], like: node.operands[2], node)
    }
    let zeros = emit(ZeroGradient(), [], like: node.operands[2], node)
    markZero(zeros)
    return zeros
  }
}
