package import CostModel
package import GraphIR

/// x -> standard deviation (unbiased) of each channel over the image, as an image of 1x1.
package struct SpatialDeviation: LayerOperator, SweepOperator {
  package init() {}

  package static var kind: OperatorKind { .spatialDeviation }
  package var text: String { "spatial_deviation" }
  package func words(_ node: Node, in graph: Graph) -> String? { nil }
  package func steps(_ node: Node, in graph: Graph) -> [String] { [] }
  package var operandCounts: ClosedRange<Int> { 1...1 }
  package var resultCounts: ClosedRange<Int> { 1...1 }
  package func fault(_ types: OperandTypes) -> String? {
    types.images(types.inputs[0], types.outputs[0], isDeviation)
  }
  package func overwritableOperands(_ node: Node, in graph: Graph) -> [Int] { [] }
  package var sweep: WorkKind.Sweep { .columnSums }
  package func work(_ node: Node, in graph: Graph) -> [Work] { twoSweeps(node, in: graph) }
  package func differentiate(_ node: Node, _ outer: ValueID, in builder: inout GradientBuilder) {
    let x = node.operands[0]
    builder.accumulate(
      builder.emit(SpatialDeviationBackward(), [x, node.results[0], outer], like: x, node), into: x, node)
  }
  package func recomputed(_ node: Node) -> Node? { node }
  package func fused(with activation: Activation) -> Op? { nil }
  package var channelFlow: ChannelFlow? { .passes }
}

/// x, y, dy -> dx
package struct SpatialDeviationBackward: BackwardOperator, SweepOperator {
  package init() {}

  package static var kind: OperatorKind { .spatialDeviationBackward }
  package var text: String { "spatial_deviation_backward" }
  package var operandCounts: ClosedRange<Int> { 3...3 }
  package var resultCounts: ClosedRange<Int> { 1...1 }
  package func fault(_ types: OperandTypes) -> String? {
    types.same([types.inputs[0], types.outputs[0]]) ?? types.same([types.inputs[1], types.inputs[2]])
      ?? types.images(types.inputs[0], types.inputs[1], isDeviation)
  }
  package var sweep: WorkKind.Sweep { .columnSums }
  package func work(_ node: Node, in graph: Graph) -> [Work] { twoSweeps(node, in: graph) }
}

private func isDeviation(_ big: Shape, _ small: Shape) -> Bool {
  small == big.with(height: 1, width: 1) && big.height * big.width > 1
}

/// The mean, then what is left.
private func twoSweeps(_ node: Node, in graph: Graph) -> [Work] {
  [.sweep(.columnSums, byteCount: 2 * node.touchedBytes(in: graph))]
}
