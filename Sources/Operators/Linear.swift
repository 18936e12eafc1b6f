package import CostModel
package import GraphIR

/// A fully connected layer; x is flattened. x, weight, bias? -> y
package struct Linear: LayerOperator, ProductOperator {
  package var outFeatures: Int
  package var activation = Activation.none

  package init(outFeatures: Int) {
    self.outFeatures = outFeatures
  }

  package static var kind: OperatorKind { .linear }
  package var text: String { "linear[\(outFeatures)\(activation.suffix)]" }
  package func words(_ node: Node, in graph: Graph) -> String? { "linear \(outFeatures)" }
  package func steps(_ node: Node, in graph: Graph) -> [String] { activation.steps(behind: "linear") }

  package var operandCounts: ClosedRange<Int> { 2...3 }
  package var resultCounts: ClosedRange<Int> { 1...1 }
  package func fault(_ types: OperandTypes) -> String? {
    types.linear(outFeatures, x: types.inputs[0], weight: types.inputs[1], y: types.outputs[0])
      ?? types.bias(of: outFeatures)
  }
  package func overwritableOperands(_ node: Node, in graph: Graph) -> [Int] { [] }
  package func scratch(_ node: Node, in graph: Graph) -> Scratch {
    let x = graph.shape(node.operands[0])
    return KernelScratch.linearForward(
      rows: x.batch, inFeatures: x.elementsPerImage, outFeatures: outFeatures)
  }
  package func productBufferBytes(_ node: Node, in graph: Graph) -> Int {
    let x = graph.shape(node.operands[0])
    return ProductBuffer.linear(rows: x.batch, columns: outFeatures, depth: x.elementsPerImage)
  }

  package func multiplyAddsPerImage(_ node: Node, in graph: Graph) -> Int {
    outFeatures * graph.shape(node.operands[0]).elementsPerImage
  }
  package func productMultiplyAdds(_ node: Node, in graph: Graph, batch: Int) -> Int {
    batch * graph[node.operands[1]].type.elementCount
  }
  package func work(_ node: Node, in graph: Graph) -> [Work] {
    let x = graph.shape(node.operands[0])
    return [.linear(.forward, rows: x.batch, ins: x.elementsPerImage, outs: outFeatures)]
  }

  package func differentiate(_ node: Node, _ outer: ValueID, in builder: inout GradientBuilder) {
    let (x, weight) = (node.operands[0], node.operands[1])
    let dy = builder.activationGradient(activation, node, outer)
    var updates = [(weight, builder.emit(LinearWeightGradient(), [x, dy], like: weight, node))]
    if node.operands.count == 3 {
      updates.append((node.operands[2], builder.biasGradient(node, dy, activation)))
    }
    if builder.isTrained(x) {
      builder.accumulate(
        builder.emit(LinearInputGradient(), [dy, weight], like: x, node), into: x, node)
    }
    builder.update(updates, node)
  }
  package func recomputed(_ node: Node) -> Node? { node }
  package func fused(with activation: Activation) -> Op? {
    guard activation.gradientFollowsFromOutput else { return nil }
    var fused = self
    fused.activation = activation
    return Op(fused)
  }
  package var channelFlow: ChannelFlow? { .ends }
}

/// dy, weight -> dx
package struct LinearInputGradient: BackwardOperator, ProductOperator {
  package init() {}

  package static var kind: OperatorKind { .linearInputGradient }
  package var text: String { "linear_input_gradient" }
  package var operandCounts: ClosedRange<Int> { 2...2 }
  package var resultCounts: ClosedRange<Int> { 1...1 }
  package func fault(_ types: OperandTypes) -> String? {
    types.linear(nil, x: types.outputs[0], weight: types.inputs[1], y: types.inputs[0])
  }
  package func scratch(_ node: Node, in graph: Graph) -> Scratch {
    let dx = graph.shape(node.results[0])
    return KernelScratch.linearInputGradient(
      rows: dx.batch, inFeatures: dx.elementsPerImage, outFeatures: graph.shape(node.operands[0]).channels)
  }
  package func productBufferBytes(_ node: Node, in graph: Graph) -> Int {
    let (dy, dx) = (graph.shape(node.operands[0]), graph.shape(node.results[0]))
    return ProductBuffer.linear(rows: dx.batch, columns: dx.elementsPerImage, depth: dy.channels)
  }
  package func productMultiplyAdds(_ node: Node, in graph: Graph, batch: Int) -> Int {
    batch * graph[node.operands[1]].type.elementCount
  }
  package func work(_ node: Node, in graph: Graph) -> [Work] {
    let (dy, dx) = (graph.shape(node.operands[0]), graph.shape(node.results[0]))
    return [.linear(.inputGradient, rows: dx.batch, ins: dx.elementsPerImage, outs: dy.channels)]
  }
}

/// x, dy -> dWeight
package struct LinearWeightGradient: BackwardOperator, ProductOperator {
  package init() {}

  package static var kind: OperatorKind { .linearWeightGradient }
  package var text: String { "linear_weight_gradient" }
  package var operandCounts: ClosedRange<Int> { 2...2 }
  package var resultCounts: ClosedRange<Int> { 1...1 }
  package func fault(_ types: OperandTypes) -> String? {
    types.linear(nil, x: types.inputs[0], weight: types.outputs[0], y: types.inputs[1])
  }
  package func scratch(_ node: Node, in graph: Graph) -> Scratch {
    let x = graph.shape(node.operands[0])
    return KernelScratch.linearWeightGradient(
      rows: x.batch, inFeatures: x.elementsPerImage, outFeatures: graph.shape(node.operands[1]).channels)
  }
  package func productBufferBytes(_ node: Node, in graph: Graph) -> Int {
    let (x, dy) = (graph.shape(node.operands[0]), graph.shape(node.operands[1]))
    return ProductBuffer.linearWeightGradient(
      rows: x.batch, inFeatures: x.elementsPerImage, outFeatures: dy.channels)
  }
  package func productMultiplyAdds(_ node: Node, in graph: Graph, batch: Int) -> Int {
    batch * graph[node.results[0]].type.elementCount
  }
  package func work(_ node: Node, in graph: Graph) -> [Work] {
    let (x, dy) = (graph.shape(node.operands[0]), graph.shape(node.operands[1]))
    return [.linear(.weightGradient, rows: x.batch, ins: x.elementsPerImage, outs: dy.channels)]
  }
}

extension OperandTypes {
  fileprivate func linear(_ outFeatures: Int?, x: TensorType, weight: TensorType, y: TensorType) -> String? {
    guard weight.element == .float32,
      case .matrix(let rows, let height, let width, let channels) = weight.extent
    else {
      return "the weight is \(weight)"
    }
    guard outFeatures == nil || outFeatures == rows else { return "makes \(rows) features" }
    return images(x, y) { x, y in
      x.height == height && x.width == width && x.channels == channels && y.batch == x.batch
        && y.elementsPerImage == rows
    }
  }
}
