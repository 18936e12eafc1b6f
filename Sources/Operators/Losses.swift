package import CostModel
package import GraphIR

/// logits, labels -> metrics, [logitGradient]: `weight` times the mean over the batch is what is differentiated;
/// metrics know no weight.
package struct SoftmaxCrossEntropy: ForwardOnlyOperator, SweepOperator {
  package var weight: Double
  /// Share of the target that all classes have alike; of training alone.
  package var smoothing: Double

  package init(weight: Double = 1, smoothing: Double = 0) {
    self.weight = weight
    self.smoothing = smoothing
  }

  package static var kind: OperatorKind { .softmaxCrossEntropy }
  package var text: String {
    let attributes =
      (weight == 1 ? [] : ["weight \(weight)"]) + (smoothing == 0 ? [] : ["smoothing \(smoothing)"])
    return "softmax_cross_entropy" + (attributes.isEmpty ? "" : "[\(attributes.joined(separator: " "))]")
  }
  package func steps(_ node: Node, in graph: Graph) -> [String] { [] }
  package var operandCounts: ClosedRange<Int> { 2...2 }
  package var resultCounts: ClosedRange<Int> { 1...2 }
  package func fault(_ types: OperandTypes) -> String? {
    let (inputs, outputs) = (types.inputs, types.outputs)
    guard let logits = inputs[0].activation, logits.height == 1, logits.width == 1 else {
      return "the logits are \(inputs[0])"
    }
    guard inputs[1] == .labels(batch: logits.batch) else { return "the labels are \(inputs[1])" }
    guard outputs[0] == .metrics else { return "the first result is \(outputs[0])" }
    return outputs.count == 1 || outputs[1] == inputs[0] ? nil : "the gradient is \(outputs[1])"
  }
  package var mutatedOperands: [Int] { [] }
  package func scratch(_ node: Node, in graph: Graph) -> Scratch {
    let logits = graph.shape(node.operands[0])
    return KernelScratch.softmaxCrossEntropy(rows: logits.batch, classes: logits.channels)
  }
  package var sweep: WorkKind.Sweep { .elementwise }
  package func saving(_ node: Node, in builder: inout GradientBuilder) -> Node {
    builder.startingDifferentiation(node)
  }
  package func differentiate(_ node: Node, _ outer: ValueID, in builder: inout GradientBuilder) {}
  /// What is measured is the cross entropy itself.
  package var asInference: Op { Op(SoftmaxCrossEntropy(weight: weight)) }
}

/// z, labels, metrics -> metrics, [gradient]: Nøkland and Eidnes' similarity loss, mixed with the loss in `metrics`.
package struct SimilarityLoss: ForwardOnlyOperator, SweepOperator {
  package var weight: Double
  package var classes: Int

  package init(weight: Double, classes: Int) {
    self.weight = weight
    self.classes = classes
  }

  package static var kind: OperatorKind { .similarityLoss }
  package var text: String { "similarity_loss[weight \(weight)]" }
  package func steps(_ node: Node, in graph: Graph) -> [String] { [] }
  package var operandCounts: ClosedRange<Int> { 3...3 }
  package var resultCounts: ClosedRange<Int> { 1...2 }
  package func fault(_ types: OperandTypes) -> String? {
    let (inputs, outputs) = (types.inputs, types.outputs)
    guard let z = inputs[0].activation else { return "works on images" }
    guard inputs[1] == .labels(batch: z.batch) else { return "the labels are \(inputs[1])" }
    guard inputs[2] == .metrics, outputs[0] == .metrics else { return "mixes its loss into metrics" }
    return outputs.count == 1 || outputs[1] == inputs[0] ? nil : "the gradient is \(outputs[1])"
  }
  package var mutatedOperands: [Int] { [] }
  package func scratch(_ node: Node, in graph: Graph) -> Scratch {
    let z = graph.shape(node.operands[0])
    return KernelScratch.similarityLoss(rows: z.batch, features: z.elementsPerImage)
  }
  package func productBufferBytes(_ node: Node, in graph: Graph) -> Int {
    let z = graph.shape(node.operands[0])
    return ProductBuffer.similarityLoss(rows: z.batch, features: z.elementsPerImage)
  }
  package var sweep: WorkKind.Sweep { .elementwise }
  package func executedWork(_ node: Node, in graph: Graph, batch: Int, isLastPiece: Bool) -> ExecutedWork {
    // Similarities, and the way back through them.
    let square = batch * batch * graph.shape(node.operands[0]).elementsPerImage
    return ExecutedWork(
      multiplyAdds: node.results.count > 1 ? 2 * square : square,
      byteCount: node.movedBytes(in: graph, batch: batch))
  }
  package func work(_ node: Node, in graph: Graph) -> [Work] {
    let z = graph.shape(node.operands[0])
    let square = Work.linear(.forward, rows: z.batch, ins: z.elementsPerImage, outs: z.batch)
    return [square, square, .sweep(sweep, byteCount: node.touchedBytes(in: graph))]
  }
  package func saving(_ node: Node, in builder: inout GradientBuilder) -> Node {
    builder.startingDifferentiation(node)
  }
  package func differentiate(_ node: Node, _ outer: ValueID, in builder: inout GradientBuilder) {}
}

extension GradientBuilder {
  /// A loss that makes the gradient of operand 0 as its second result.
  fileprivate mutating func startingDifferentiation(_ node: Node) -> Node {
    var node = node
    let gradient = add("logit_gradient", graph[node.operands[0]].type, .gradient)
    node.results.append(gradient)
    start(node.operands[0], with: gradient)
    return node
  }
}

/// What an ensemble takes the mean of.
package enum EnsembleMean: String, Hashable, Sendable {
  case logits
  /// Each module's softmax; the ensemble's logits are the logarithms of the mean.
  case probabilities
}

/// logits of an ensemble, or of the first module in it, and of one more module -> the logits of the ensemble with that
/// module, whose share in the mean is `share`.
package struct Ensemble: ForwardOnlyOperator, SweepOperator {
  package var mean: EnsembleMean
  package var share: Double

  package init(_ mean: EnsembleMean, share: Double) {
    self.mean = mean
    self.share = share
  }

  package static var kind: OperatorKind { .ensemble }
  package var text: String {
    switch mean {
    case .logits: "ensemble[share \(share)]"
    case .probabilities: "ensemble[probabilities share \(share)]"
    }
  }
  package func steps(_ node: Node, in graph: Graph) -> [String] { [] }
  package var operandCounts: ClosedRange<Int> { 2...2 }
  package var resultCounts: ClosedRange<Int> { 1...1 }
  package func fault(_ types: OperandTypes) -> String? { types.same(types.inputs + [types.outputs[0]]) }
  package var mutatedOperands: [Int] { [] }
  package var sweep: WorkKind.Sweep { .elementwise }
  package func differentiate(_ node: Node, _ outer: ValueID, in builder: inout GradientBuilder) {}
}
