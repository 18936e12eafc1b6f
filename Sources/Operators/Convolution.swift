package import CostModel
package import GraphIR

/// 2-D cross-correlation ("convolution" in the CNN literature), NHWC * HWIO -> NHWC, square kernel.
/// x, filter, bias? -> y
package struct Convolution: Hashable, Sendable {
  package var outChannels: Int
  package var kernelSize: Int
  package var stride = 1
  package var padding = 0
  /// In the same sweep; only where no batch norm stands between.
  package var activation = Activation.none
  package var algorithm = ConvolutionAlgorithm.im2col
  /// Carries a block's input past its other convolutions; changes nothing of what is computed.
  package var isShortcut = false

  package init(outChannels: Int, kernelSize: Int, stride: Int = 1, padding: Int = 0, isShortcut: Bool = false)
  {
    self.isShortcut = isShortcut
    self.outChannels = outChannels
    self.kernelSize = kernelSize
    self.stride = stride
    self.padding = padding
  }

  package func geometry(input: Shape) -> ConvolutionGeometry {
    ConvolutionGeometry(
      batch: input.batch, height: input.height, width: input.width, inChannels: input.channels,
      outChannels: outChannels, kernelSize: kernelSize, stride: stride, padding: padding)
  }

  /// As gradients need it.
  fileprivate var withoutActivation: Convolution {
    var convolution = self
    convolution.activation = .none
    return convolution
  }

  fileprivate var attributes: String {
    "[\(kernelSize)x\(kernelSize) s\(stride) p\(padding) \(algorithm.rawValue)\(activation.suffix)]"
  }

  fileprivate func fault(
    _ types: OperandTypes, x: TensorType, filter: TensorType, y: TensorType
  ) -> String? {
    let fault = types.images(x, y) { x, y in
      y.batch == x.batch && y.channels == outChannels
        && (y.height - 1) * stride + kernelSize <= x.height + 2 * padding
        && y.height * stride + kernelSize > x.height + 2 * padding
        && (y.width - 1) * stride + kernelSize <= x.width + 2 * padding
        && y.width * stride + kernelSize > x.width + 2 * padding
    }
    if let fault { return fault }
    let fits =
      filter == .filter(kernelSize: kernelSize, inChannels: x.shape.channels, outChannels: outChannels)
    return fits ? nil : "the filter is \(filter)"
  }
}

/// One of the three products of a convolution's training.
package protocol ConvolutionOperator: ProductOperator {
  var convolution: Convolution { get set }
  static var operation: ConvolutionOperation { get }
  /// The convolution's input, or the value of its type.
  func input(_ node: Node) -> ValueID
}

extension ConvolutionOperator {
  package func geometry(_ node: Node, in graph: Graph) -> ConvolutionGeometry {
    convolution.geometry(input: graph.shape(input(node)))
  }

  /// Over so many images.
  package func geometry(_ node: Node, in graph: Graph, batch: Int) -> ConvolutionGeometry {
    var input = graph.shape(input(node))
    input.batch = batch
    return convolution.geometry(input: input)
  }

  package func productMultiplyAdds(_ node: Node, in graph: Graph, batch: Int) -> Int {
    geometry(node, in: graph, batch: batch).multiplyAdds
  }

  package func executedWork(_ node: Node, in graph: Graph, batch: Int, isLastPiece: Bool) -> ExecutedWork {
    ExecutedWork(
      multiplyAdds: geometry(node, in: graph, batch: batch)
        .executedMultiplyAdds(Self.operation, convolution.algorithm))
  }

  package func work(_ node: Node, in graph: Graph) -> [Work] {
    [.convolution(Self.operation, geometry(node, in: graph), convolution.algorithm)]
  }

  package func scratch(_ node: Node, in graph: Graph) -> Scratch {
    KernelScratch.convolution(Self.operation, geometry(node, in: graph), convolution.algorithm)
  }

  package func productBufferBytes(_ node: Node, in graph: Graph) -> Int {
    ProductBuffer.convolution(Self.operation, geometry(node, in: graph), convolution.algorithm)
  }

  /// By another algorithm.
  package func computed(by algorithm: ConvolutionAlgorithm) -> Op {
    var definition = self
    definition.convolution.algorithm = algorithm
    return Op(definition)
  }
}

extension Convolution: ConvolutionOperator, LayerOperator {
  package var convolution: Convolution {
    get { self }
    set { self = newValue }
  }
  package static var operation: ConvolutionOperation { .forward }
  package func input(_ node: Node) -> ValueID { node.operands[0] }

  package static var kind: OperatorKind { .convolution }
  package var text: String { "convolution\(attributes)" }
  package func words(_ node: Node, in graph: Graph) -> String? {
    (isShortcut ? "shortcut " : "")
      + "conv \(kernelSize)x\(kernelSize) \(outChannels)" + (stride > 1 ? " /\(stride)" : "")
  }
  package func steps(_ node: Node, in graph: Graph) -> [String] {
    activation.steps(
      behind: "\(isShortcut ? "shortcut " : "")conv \(kernelSize)x\(kernelSize)"
        + (stride > 1 ? " stride \(stride)" : "") + (padding > 0 ? " padding \(padding)" : "")
        + (node.operands.count > 2 ? " with bias" : ""))
  }

  package var operandCounts: ClosedRange<Int> { 2...3 }
  package var resultCounts: ClosedRange<Int> { 1...1 }
  package func fault(_ types: OperandTypes) -> String? {
    fault(types, x: types.inputs[0], filter: types.inputs[1], y: types.outputs[0])
      ?? types.bias(of: outChannels)
  }
  package func overwritableOperands(_ node: Node, in graph: Graph) -> [Int] { [] }
  package func multiplyAddsPerImage(_ node: Node, in graph: Graph) -> Int {
    graph.shape(node.results[0]).elementsPerImage * kernelSize * kernelSize
      * graph.shape(node.operands[0]).channels
  }

  package func differentiate(_ node: Node, _ outer: ValueID, in builder: inout GradientBuilder) {
    let (x, filter) = (node.operands[0], node.operands[1])
    let dy = builder.activationGradient(activation, node, outer)
    var updates = [
      (
        filter,
        builder.emit(
          ConvolutionWeightGradient(convolution: withoutActivation), [x, dy], like: filter, node)
      )
    ]
    if node.operands.count == 3 {
      updates.append((node.operands[2], builder.biasGradient(node, dy, activation)))
    }
    if builder.isTrained(x) {
      builder.accumulate(
        builder.emit(ConvolutionInputGradient(convolution: withoutActivation), [dy, filter], like: x, node),
        into: x, node)
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

/// dy, filter -> dx
package struct ConvolutionInputGradient: ConvolutionOperator, BackwardOperator {
  package var convolution: Convolution

  package init(convolution: Convolution) {
    self.convolution = convolution
  }

  package static var operation: ConvolutionOperation { .inputGradient }
  package func input(_ node: Node) -> ValueID { node.results[0] }
  package static var kind: OperatorKind { .convolutionInputGradient }
  package var text: String { "convolution_input_gradient\(convolution.attributes)" }
  /// By Winograd, where its blocks allow it.
  package func overwritableOperands(_ node: Node, in graph: Graph) -> [Int] {
    convolution.algorithm.winogradTile.map {
      WinogradCost(geometry(node, in: graph).inputGradientForward, tile: $0).allowsInPlace ? [0] : []
    } ?? []
  }
  package var operandCounts: ClosedRange<Int> { 2...2 }
  package var resultCounts: ClosedRange<Int> { 1...1 }
  package func fault(_ types: OperandTypes) -> String? {
    convolution.fault(types, x: types.outputs[0], filter: types.inputs[1], y: types.inputs[0])
  }
}

/// x, dy -> dFilter
package struct ConvolutionWeightGradient: ConvolutionOperator, BackwardOperator {
  package var convolution: Convolution

  package init(convolution: Convolution) {
    self.convolution = convolution
  }

  package static var operation: ConvolutionOperation { .weightGradient }
  package func input(_ node: Node) -> ValueID { node.operands[0] }
  package static var kind: OperatorKind { .convolutionWeightGradient }
  package var text: String { "convolution_weight_gradient\(convolution.attributes)" }
  package var operandCounts: ClosedRange<Int> { 2...2 }
  package var resultCounts: ClosedRange<Int> { 1...1 }
  package func fault(_ types: OperandTypes) -> String? {
    convolution.fault(types, x: types.inputs[0], filter: types.outputs[0], y: types.inputs[1])
  }
}
