package import CostModel
package import GraphIR

/// x -> y, [windowIndices]; in training, which of a window's elements won.
package struct MaxPool: LayerOperator, SweepOperator {
  package var window: Int
  package var stride: Int
  package var padding: Int

  package init(window: Int, stride: Int, padding: Int = 0) {
    self.window = window
    self.stride = stride
    self.padding = padding
  }

  fileprivate var attributes: String { "[\(window)x\(window) s\(stride) p\(padding)]" }
  package static var kind: OperatorKind { .maxPool }
  package var text: String { "max_pool\(attributes)" }
  package func words(_ node: Node, in graph: Graph) -> String? {
    "max-pool \(window)x\(window)" + (stride == window ? "" : " /\(stride)")
  }
  package func steps(_ node: Node, in graph: Graph) -> [String] {
    ["max-pool \(window)x\(window) stride \(stride)" + (padding > 0 ? " padding \(padding)" : "")]
  }

  package var operandCounts: ClosedRange<Int> { 1...1 }
  package var resultCounts: ClosedRange<Int> { 1...2 }
  package func fault(_ types: OperandTypes) -> String? {
    fault(types, x: types.inputs[0], y: types.outputs[0], indices: types.outputs.dropFirst().first)
  }
  fileprivate func fault(
    _ types: OperandTypes, x: TensorType, y: TensorType, indices: TensorType?
  ) -> String? {
    let fault = types.images(x, y) { x, y in
      y.batch == x.batch && y.channels == x.channels
        && (y.height - 1) * stride + window <= x.height + 2 * padding
        && y.height * stride + window > x.height + 2 * padding
        && (y.width - 1) * stride + window <= x.width + 2 * padding
        && y.width * stride + window > x.width + 2 * padding
    }
    if let fault { return fault }
    return indices.map { $0 == .windowIndices(y.shape) } ?? true ? nil : "the indices are of another shape"
  }
  package func overwritableOperands(_ node: Node, in graph: Graph) -> [Int] { [] }
  package var sweep: WorkKind.Sweep { .maxPool }

  package func saving(_ node: Node, in builder: inout GradientBuilder) -> Node {
    guard builder.isTrained(node.operands[0]) else { return node }
    var node = node
    node.results.append(
      builder.add("window_indices", .windowIndices(builder.graph.shape(node.results[0])), .activation))
    return node
  }
  package func differentiate(_ node: Node, _ outer: ValueID, in builder: inout GradientBuilder) {
    let x = node.operands[0]
    guard builder.isTrained(x) else { return }
    builder.accumulate(
      builder.emit(MaxPoolBackward(self), [outer, node.results[1]], like: x, node), into: x, node)
  }
  package func recomputed(_ node: Node) -> Node? { node }
  package func fused(with activation: Activation) -> Op? { nil }
  package var channelFlow: ChannelFlow? { .passes }
}

/// dy, windowIndices -> dx
package struct MaxPoolBackward: BackwardOperator, SweepOperator {
  package var pool: MaxPool

  package init(_ pool: MaxPool) {
    self.pool = pool
  }

  package static var kind: OperatorKind { .maxPoolBackward }
  package var text: String { "max_pool_backward\(pool.attributes)" }
  package var operandCounts: ClosedRange<Int> { 2...2 }
  package var resultCounts: ClosedRange<Int> { 1...1 }
  package func fault(_ types: OperandTypes) -> String? {
    pool.fault(types, x: types.outputs[0], y: types.inputs[0], indices: types.inputs[1])
  }
  package var sweep: WorkKind.Sweep { .maxPoolBackward }
}

/// x -> y. With `window`: squares of this side, one beside the other from the first row and column on; what is left behind
/// the last of them is in none. Without: adaptive, windows floor(i s / n) up to ceil((i + 1) s / n).
package struct AveragePool: LayerOperator, SweepOperator {
  package var height, width: Int
  package var window: Int?

  package init(height: Int, width: Int, window: Int? = nil) {
    self.height = height
    self.width = width
    self.window = window
  }

  package static var kind: OperatorKind { .averagePool }
  package var text: String {
    "average_pool[\(height)x\(width)" + (window.map { " by \($0)x\($0)" } ?? "") + "]"
  }
  package func words(_ node: Node, in graph: Graph) -> String? { "average to \(height)x\(width)" }
  package func steps(_ node: Node, in graph: Graph) -> [String] {
    let input = graph.shape(node.operands[0])
    guard node.part == .layers else {
      return ["\(NetworkWiring.averageStep)\(input.height)x\(input.width) to \(height)x\(width)"]
    }
    return ["average-pool \(window ?? input.height / height)x\(window ?? input.width / width)"]
  }
  package var operandCounts: ClosedRange<Int> { 1...1 }
  package var resultCounts: ClosedRange<Int> { 1...1 }
  package func fault(_ types: OperandTypes) -> String? {
    types.images(types.inputs[0], types.outputs[0]) {
      $1 == $0.with(height: height, width: width) && isAveraged($0, $1, window)
    }
  }
  package func overwritableOperands(_ node: Node, in graph: Graph) -> [Int] { [] }
  package var sweep: WorkKind.Sweep { .averagePool }
  package func differentiate(_ node: Node, _ outer: ValueID, in builder: inout GradientBuilder) {
    builder.passBack(AveragePoolBackward(window: window), outer, node)
  }
  package func recomputed(_ node: Node) -> Node? { node }
  package func fused(with activation: Activation) -> Op? { nil }
  package var channelFlow: ChannelFlow? { .passes }
}

/// dy -> dx
package struct AveragePoolBackward: BackwardOperator, SweepOperator {
  package var window: Int?

  package init(window: Int?) {
    self.window = window
  }

  package static var kind: OperatorKind { .averagePoolBackward }
  package var text: String { "average_pool_backward" + (window.map { "[by \($0)x\($0)]" } ?? "") }
  package var operandCounts: ClosedRange<Int> { 1...1 }
  package var resultCounts: ClosedRange<Int> { 1...1 }
  package func fault(_ types: OperandTypes) -> String? {
    types.images(types.outputs[0], types.inputs[0]) {
      $1 == $0.with(height: $1.height, width: $1.width) && isAveraged($0, $1, window)
    }
  }
  package var sweep: WorkKind.Sweep { .averagePoolBackward }
}

/// Adaptive windows go with any two sizes.
private func isAveraged(_ big: Shape, _ small: Shape, _ window: Int?) -> Bool {
  window.map { small.height == big.height / $0 && small.width == big.width / $0 } ?? true
}

extension GradientBuilder {
  /// The gradient of operand 0 from that of the result alone, where it is of use.
  mutating func passBack(_ definition: some OperatorDefinition, _ outer: ValueID, _ node: Node) {
    let x = node.operands[0]
    guard isTrained(x) else { return }
    accumulate(emit(definition, [outer], like: x, node), into: x, node)
  }
}
