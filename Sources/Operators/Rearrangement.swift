package import CostModel
package import GraphIR

/// x -> y: 2x2 images to channels, offsets slowest (invertible downsampling).
package struct SpaceToDepth: LayerOperator, SweepOperator {
  package init() {}

  package static var kind: OperatorKind { .spaceToDepth }
  package var text: String { "space_to_depth[2x2]" }
  package func words(_ node: Node, in graph: Graph) -> String? { "fold 2x2" }
  package func steps(_ node: Node, in graph: Graph) -> [String] { ["fold 2x2"] }
  package var operandCounts: ClosedRange<Int> { 1...1 }
  package var resultCounts: ClosedRange<Int> { 1...1 }
  package func fault(_ types: OperandTypes) -> String? {
    types.images(types.inputs[0], types.outputs[0], isFolded)
  }
  package func overwritableOperands(_ node: Node, in graph: Graph) -> [Int] { [] }
  package var sweep: WorkKind.Sweep { .rearrangement }
  package func differentiate(_ node: Node, _ outer: ValueID, in builder: inout GradientBuilder) {
    builder.passBack(DepthToSpace(), outer, node)
  }
  package func recomputed(_ node: Node) -> Node? { node }
  package func fused(with activation: Activation) -> Op? { nil }
  package var channelFlow: ChannelFlow? { .passes }
}

/// dy -> dx
package struct DepthToSpace: BackwardOperator, SweepOperator {
  package init() {}

  package static var kind: OperatorKind { .depthToSpace }
  package var text: String { "depth_to_space[2x2]" }
  package var operandCounts: ClosedRange<Int> { 1...1 }
  package var resultCounts: ClosedRange<Int> { 1...1 }
  package func fault(_ types: OperandTypes) -> String? {
    types.images(types.outputs[0], types.inputs[0], isFolded)
  }
  package var sweep: WorkKind.Sweep { .rearrangement }
}

private func isFolded(_ big: Shape, _ small: Shape) -> Bool {
  small.height * 2 == big.height && small.width * 2 == big.width && small.channels == 4 * big.channels
    && small.batch == big.batch
}

/// x -> y: every second image element in both directions, then zero channels up to `channels` (ResNet's shortcut
/// without parameters).
package struct Subsample: LayerOperator, SweepOperator {
  package var stride: Int
  package var channels: Int

  package init(stride: Int, channels: Int) {
    self.stride = stride
    self.channels = channels
  }

  package static var kind: OperatorKind { .subsample }
  package var text: String { "subsample[s\(stride) c\(channels)]" }
  package func words(_ node: Node, in graph: Graph) -> String? {
    "shortcut zero-pad \(channels)" + (stride > 1 ? " /\(stride)" : "")
  }
  package func steps(_ node: Node, in graph: Graph) -> [String] {
    ["shortcut zero-pad" + (stride > 1 ? " stride \(stride)" : "")]
  }
  package var operandCounts: ClosedRange<Int> { 1...1 }
  package var resultCounts: ClosedRange<Int> { 1...1 }
  package func fault(_ types: OperandTypes) -> String? {
    types.images(types.inputs[0], types.outputs[0]) {
      isSubsampled($0, $1, stride) && $1.channels == channels
    }
  }
  package func overwritableOperands(_ node: Node, in graph: Graph) -> [Int] { [] }
  package var sweep: WorkKind.Sweep { .rearrangement }
  package func differentiate(_ node: Node, _ outer: ValueID, in builder: inout GradientBuilder) {
    builder.passBack(SubsampleBackward(stride: stride), outer, node)
  }
  package func recomputed(_ node: Node) -> Node? { node }
  package func fused(with activation: Activation) -> Op? { nil }
  package var channelFlow: ChannelFlow? { nil }
}

/// dy -> dx
package struct SubsampleBackward: BackwardOperator, SweepOperator {
  package var stride: Int

  package init(stride: Int) {
    self.stride = stride
  }

  package static var kind: OperatorKind { .subsampleBackward }
  package var text: String { "subsample_backward[s\(stride)]" }
  package var operandCounts: ClosedRange<Int> { 1...1 }
  package var resultCounts: ClosedRange<Int> { 1...1 }
  package func fault(_ types: OperandTypes) -> String? {
    types.images(types.outputs[0], types.inputs[0]) { isSubsampled($0, $1, stride) }
  }
  package var sweep: WorkKind.Sweep { .rearrangement }
}

private func isSubsampled(_ big: Shape, _ small: Shape, _ stride: Int) -> Bool {
  (small.height - 1) * stride < big.height && small.height * stride >= big.height
    && (small.width - 1) * stride < big.width && small.width * stride >= big.width
    && small.channels >= big.channels && small.batch == big.batch
}
