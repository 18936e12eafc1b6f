package import CostModel
package import GraphIR

/// Batch normalisation (Ioffe and Szegedy, 2015) over all but the channels.
/// x, scale, shift, runningMean, runningVariance -> y, [savedMean, savedInverseDeviation]
///
/// The results in brackets are there only in training, which moves the running statistics in place. `saved` reads savedMean and
/// savedInverseDeviation in the running statistics' place.
package struct BatchNorm: LayerOperator, SweepOperator {
  package enum Mode: String, Hashable, Sendable {
    /// Statistics of the batch normalise; running statistics move.
    case training
    /// Statistics of the batch normalise; running statistics stay.
    case batch
    /// Running statistics normalise and stay.
    case inference
    /// The batch's statistics, as another node saved them, normalise once more; running statistics stay.
    case saved

    /// Of the batch at hand; the kernel reads its input twice.
    package var takesStatistics: Bool {
      switch self {
      case .training, .batch: true
      case .inference, .saved: false
      }
    }
  }

  package var mode = Mode.training
  package var activation = Activation.none

  package init(mode: Mode = .training) {
    self.mode = mode
  }

  /// PyTorch's constants.
  package static let epsilon: Float = 1e-5
  package static let momentum: Float = 0.1

  package static var kind: OperatorKind { .batchNorm }
  package var text: String { "batch_norm[\(mode.rawValue)\(activation.suffix)]" }
  package func words(_ node: Node, in graph: Graph) -> String? { nil }
  package func steps(_ node: Node, in graph: Graph) -> [String] { activation.steps(behind: "batch-norm") }

  package var operandCounts: ClosedRange<Int> { 5...5 }
  package var resultCounts: ClosedRange<Int> { 1...3 }
  package func fault(_ types: OperandTypes) -> String? {
    types.same([types.inputs[0], types.outputs[0]])
      ?? types.perChannel(types.inputs[0], Array(types.inputs[1...]) + Array(types.outputs[1...]))
  }
  package var mutatedOperands: [Int] { mode == .training ? [3, 4] : [] }
  package func overwritableOperands(_ node: Node, in graph: Graph) -> [Int] {
    mode.takesStatistics ? [] : [0]
  }
  package func scratch(_ node: Node, in graph: Graph) -> Scratch {
    let x = graph.shape(node.operands[0])
    return mode.takesStatistics
      ? KernelScratch.batchNormTraining(rows: x.rows, channels: x.channels)
      : KernelScratch.batchNormInference(rows: x.rows, channels: x.channels)
  }
  package var sweep: WorkKind.Sweep { mode.takesStatistics ? .batchNormTraining : .batchNormInference }

  package func saving(_ node: Node, in builder: inout GradientBuilder) -> Node {
    var node = node
    if builder.isWatching {
      var norm = self
      norm.mode = .batch
      node.op = Op(norm)
    }
    let channels = builder.graph.shape(node.results[0]).channels
    node.results.append(builder.add("saved_mean", .vector(channels), .activation))
    node.results.append(builder.add("saved_inverse_deviation", .vector(channels), .activation))
    return node
  }
  package func differentiate(_ node: Node, _ outer: ValueID, in builder: inout GradientBuilder) {
    let (x, scale, shift) = (node.operands[0], node.operands[1], node.operands[2])
    let dx = builder.add("gradient", builder.graph[x].type, .gradient)
    let dScale = builder.add("gradient", builder.graph[scale].type, .gradient)
    let dShift = builder.add("gradient", builder.graph[shift].type, .gradient)
    builder.append(
      BatchNormBackward(activation), [x, outer, scale, shift, node.results[1], node.results[2]],
      results: [dx, dScale, dShift], node)
    if builder.isTrained(x) { builder.accumulate(dx, into: x, node) }
    builder.update([(scale, dScale), (shift, dShift)], node)
  }
  package func recomputed(_ node: Node) -> Node? {
    guard mode.takesStatistics else { return node }
    guard node.results.count == 3 else { return nil }
    var norm = self
    norm.mode = .saved
    var node = node
    node.op = Op(norm)
    node.operands = Array(node.operands[..<3]) + node.results[1...]
    return node
  }
  package var asInference: Op {
    var norm = self
    norm.mode = .inference
    return Op(norm)
  }
  package func fused(with activation: Activation) -> Op? {
    var fused = self
    fused.activation = activation
    return Op(fused)
  }
  package var channelFlow: ChannelFlow? { .passesWithVectors }
  package var absorbsConstant: Bool { true }
}

/// With the activation's mask, which is computed again from x. Of averages of its output where it spreads their gradient.
/// x, dy, scale, shift, savedMean, savedInverseDeviation -> dx, dScale, dShift
package struct BatchNormBackward: BackwardOperator, SweepOperator {
  package var activation: Activation
  /// dy is the gradient of averages of y over windows that cover it: what an average pool's backward pass would spread.
  package var spreadsGradient = false

  package init(_ activation: Activation) {
    self.activation = activation
  }

  package static var kind: OperatorKind { .batchNormBackward }
  package var text: String {
    let attributes = [activation == .none ? nil : activation.word, spreadsGradient ? "spread" : nil]
    let known = attributes.compactMap(\.self)
    return "batch_norm_backward" + (known.isEmpty ? "" : "[\(known.joined(separator: " "))]")
  }
  package var operandCounts: ClosedRange<Int> { 6...6 }
  package var resultCounts: ClosedRange<Int> { 3...3 }
  package func fault(_ types: OperandTypes) -> String? {
    types.same([types.inputs[0], types.outputs[0]]) ?? fault(types.inputs)
      ?? types.perChannel(types.inputs[0], Array(types.outputs[1...]))
  }
  /// Of the operands alone, whatever is made of them.
  func fault(_ inputs: [TensorType]) -> String? {
    let types = OperandTypes(inputs: inputs, outputs: [])
    let rows =
      spreadsGradient
      ? types.images(inputs[0], inputs[1]) { Self.canSpread($1, over: $0) } : types.same(Array(inputs[..<2]))
    return rows ?? types.perChannel(inputs[0], Array(inputs[2...]))
  }
  /// Whether every pixel of `x` lies in one window of the averages' gradient, and the kernel takes it pixel by pixel.
  package static func canSpread(_ averages: Shape, over x: Shape) -> Bool {
    averages == x.with(height: averages.height, width: averages.width)
      && x.height % averages.height == 0 && x.width % averages.width == 0
      && !RowFolding(rows: x.rows, channels: x.channels).isFolded
  }

  /// The gradient's memory, or, where others read that, the activation's: it is read for the last time.
  package func overwritableOperands(_ node: Node, in graph: Graph) -> [Int] { [1, 0] }
  package func scratch(_ node: Node, in graph: Graph) -> Scratch {
    let x = graph.shape(node.operands[0])
    return KernelScratch.batchNormBackward(rows: x.rows, channels: x.channels)
  }
  package var sweep: WorkKind.Sweep { .batchNormBackward }
}

/// A filter and a bias that give, as a convolution, what the convolution and the batch norm behind it give in inference.
/// filter, scale, shift, runningMean, runningVariance, bias? -> filter, bias
package struct BatchNormFolding: ForwardOperator, MadeOperator, SweepOperator {
  package init() {}

  package static var kind: OperatorKind { .batchNormFolding }
  package var text: String { "fold_batch_norm" }
  package var operandCounts: ClosedRange<Int> { 5...6 }
  package var resultCounts: ClosedRange<Int> { 2...2 }
  package func fault(_ types: OperandTypes) -> String? {
    guard types.inputs[0].element == .float32,
      case .filter(_, _, let outChannels) = types.inputs[0].extent, types.outputs[0] == types.inputs[0]
    else { return "folds a filter" }
    let vectors = types.inputs[1...] + types.outputs[1...]
    return vectors.allSatisfy { $0 == .vector(outChannels) } ? nil : "needs vectors of \(outChannels)"
  }
  package var mutatedOperands: [Int] { [] }
  package func overwritableOperands(_ node: Node, in graph: Graph) -> [Int] { [] }
  package func scratch(_ node: Node, in graph: Graph) -> Scratch {
    let outChannels = graph[node.results[1]].type.elementCount
    return KernelScratch.foldBatchNorm(
      patchSize: graph[node.operands[0]].type.elementCount / outChannels, outChannels: outChannels)
  }
  package var sweep: WorkKind.Sweep { .elementwise }
  package func saving(_ node: Node, in builder: inout GradientBuilder) -> Node { node }
}
