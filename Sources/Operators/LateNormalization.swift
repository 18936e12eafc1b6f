package import CostModel
package import GraphIR

// A batch norm whose result is not written before somebody needs all of it: its statistics, the kernels that normalise what they
// read, and its gradient as other kernels read it. `LateNormalization` (Passes) makes them of `BatchNorm` and its neighbours.

/// The statistics of a batch norm in training; running statistics move where it moves them.
/// x, scale, shift, runningMean, runningVariance -> savedMean, savedInverseDeviation
package struct BatchNormStatistics: ForwardOperator, MadeOperator, SweepOperator {
  /// `training` or `batch`.
  package let mode: BatchNorm.Mode

  package init(mode: BatchNorm.Mode) {
    precondition(mode.takesStatistics, "of the batch at hand")
    self.mode = mode
  }

  package static var kind: OperatorKind { .batchNormStatistics }
  package var text: String { "batch_norm_statistics[\(mode.rawValue)]" }
  package var operandCounts: ClosedRange<Int> { 5...5 }
  package var resultCounts: ClosedRange<Int> { 2...2 }
  package func fault(_ types: OperandTypes) -> String? {
    types.perChannel(types.inputs[0], Array(types.inputs[1...]) + types.outputs)
  }
  package var mutatedOperands: [Int] { mode == .training ? [3, 4] : [] }
  package func overwritableOperands(_ node: Node, in graph: Graph) -> [Int] { [] }
  package func scratch(_ node: Node, in graph: Graph) -> Scratch {
    let x = graph.shape(node.operands[0])
    return KernelScratch.batchNormTraining(rows: x.rows, channels: x.channels)
  }
  package var sweep: WorkKind.Sweep { .batchNormTraining }
  package func saving(_ node: Node, in builder: inout GradientBuilder) -> Node { node }
}

/// An average pool of what a batch norm makes of x: x, scale, shift, savedMean, savedInverseDeviation -> y
package struct NormalizedAveragePool: ForwardOperator, MadeOperator, SweepOperator {
  package let pool: AveragePool
  package let activation: Activation

  package init(_ pool: AveragePool, _ activation: Activation) {
    self.pool = pool
    self.activation = activation
  }

  package static var kind: OperatorKind { .normalizedAveragePool }
  package var text: String { "normalized_\(pool.text.dropLast())\(activation.suffix)]" }
  package var operandCounts: ClosedRange<Int> { 5...5 }
  package var resultCounts: ClosedRange<Int> { 1...1 }
  package func fault(_ types: OperandTypes) -> String? {
    pool.fault(types) ?? types.perChannel(types.inputs[0], Array(types.inputs[1...]))
  }
  package var mutatedOperands: [Int] { [] }
  package func overwritableOperands(_ node: Node, in graph: Graph) -> [Int] { [] }
  package var sweep: WorkKind.Sweep { .averagePool }
  package func saving(_ node: Node, in builder: inout GradientBuilder) -> Node { node }
  package func recomputed(_ node: Node) -> Node? { node }
}

/// A convolution of what a batch norm makes of x.
/// x, filter, scale, shift, savedMean, savedInverseDeviation, bias? -> y
package struct NormalizedConvolution: ConvolutionOperator, ForwardOperator, MadeOperator {
  package var convolution: Convolution
  package let activation: Activation

  /// - Parameter activation: of the batch norm.
  package init(_ convolution: Convolution, _ activation: Activation) {
    self.convolution = convolution
    self.activation = activation
  }

  /// Whether kernels normalise what they read: those that gather it first.
  package static func isOffered(_ definition: some ConvolutionOperator, geometry: ConvolutionGeometry) -> Bool
  {
    switch definition.convolution.algorithm {
    case .pointwise: false
    case .im2col: NarrowConvolutionCost(geometry) == nil
    case .winograd2x2, .winograd4x4: true
    }
  }

  package static var operation: ConvolutionOperation { .forward }
  package func input(_ node: Node) -> ValueID { node.operands[0] }
  package static var kind: OperatorKind { .normalizedConvolution }
  package var text: String { "normalized_\(convolution.text)" }
  package var operandCounts: ClosedRange<Int> { 6...7 }
  package var resultCounts: ClosedRange<Int> { 1...1 }
  package func fault(_ types: OperandTypes) -> String? {
    types.perChannel(types.inputs[0], Array(types.inputs[2..<6]))
      ?? convolution.fault(
        OperandTypes(inputs: Array(types.inputs[..<2] + types.inputs[6...]), outputs: types.outputs))
  }
  package var mutatedOperands: [Int] { [] }
  package func overwritableOperands(_ node: Node, in graph: Graph) -> [Int] { [] }
  package func saving(_ node: Node, in builder: inout GradientBuilder) -> Node { node }
  package func recomputed(_ node: Node) -> Node? { node }
}

/// Its weight gradient: x, dy, scale, shift, savedMean, savedInverseDeviation -> dFilter
package struct NormalizedInputWeightGradient: ConvolutionOperator, BackwardOperator {
  package var convolution: Convolution
  package let activation: Activation

  package init(_ gradient: ConvolutionWeightGradient, _ activation: Activation) {
    convolution = gradient.convolution
    self.activation = activation
  }

  package static var operation: ConvolutionOperation { .weightGradient }
  package func input(_ node: Node) -> ValueID { node.operands[0] }
  package static var kind: OperatorKind { .normalizedInputWeightGradient }
  package var text: String {
    let gradient = ConvolutionWeightGradient(convolution: convolution)
    return "normalized_input_\(gradient.text.dropFirst("convolution_".count))"
  }
  package var operandCounts: ClosedRange<Int> { 6...6 }
  package var resultCounts: ClosedRange<Int> { 1...1 }
  package func fault(_ types: OperandTypes) -> String? {
    types.perChannel(types.inputs[0], Array(types.inputs[2...]))
      ?? ConvolutionWeightGradient(convolution: convolution).fault(
        OperandTypes(inputs: Array(types.inputs[..<2]), outputs: types.outputs))
  }
}

/// The sums of a batch norm's backward pass: x, dy, scale, shift, savedMean, savedInverseDeviation -> dScale, dShift
package struct BatchNormSums: BackwardOperator, SweepOperator {
  package let backward: BatchNormBackward

  package init(of backward: BatchNormBackward) {
    self.backward = backward
  }

  package static var kind: OperatorKind { .batchNormSums }
  package var text: String { backward.text.replacing("backward", with: "sums") }
  package var operandCounts: ClosedRange<Int> { 6...6 }
  package var resultCounts: ClosedRange<Int> { 2...2 }
  package func fault(_ types: OperandTypes) -> String? {
    backward.fault(types.inputs) ?? types.perChannel(types.inputs[0], types.outputs)
  }
  package func scratch(_ node: Node, in graph: Graph) -> Scratch { backward.scratch(node, in: graph) }
  package var sweep: WorkKind.Sweep { .batchNormBackward }
}

/// A convolution's weight gradient from the gradient of the batch norm behind it, whose own input gradient is computed a block of rows
/// at a time. By im2col.
/// input, x, dy, scale, shift, savedMean, savedInverseDeviation, dScale, dShift -> dFilter, where x is the convolution's result
package struct NormalizedWeightGradient: BackwardOperator {
  package let gradient: ConvolutionWeightGradient
  package let backward: BatchNormBackward

  package init(_ gradient: ConvolutionWeightGradient, behind backward: BatchNormBackward) {
    self.gradient = gradient
    self.backward = backward
  }

  /// Whether the kernel takes it: products of whole filters over rows that are not folded.
  package static func isOffered(_ gradient: ConvolutionWeightGradient, geometry: ConvolutionGeometry) -> Bool
  {
    gradient.convolution.algorithm == .im2col && NarrowConvolutionCost(geometry) == nil
      && WeightGradientCost(geometry).stripes.blockCount == 1
      && !RowFolding(rows: geometry.outRows, channels: geometry.outChannels).isFolded
  }

  package static var kind: OperatorKind { .normalizedWeightGradient }
  package var text: String {
    "normalized_\(gradient.text.dropLast())\(backward.spreadsGradient ? " spread" : "")]"
  }
  package var operandCounts: ClosedRange<Int> { 9...9 }
  package var resultCounts: ClosedRange<Int> { 1...1 }
  package func fault(_ types: OperandTypes) -> String? {
    backward.fault(Array(types.inputs[1..<7]))
      ?? types.perChannel(types.inputs[1], Array(types.inputs[7...]))
      ?? gradient.fault(OperandTypes(inputs: Array(types.inputs[..<2]), outputs: types.outputs))
  }
  private func geometry(_ node: Node, in graph: Graph) -> ConvolutionGeometry {
    gradient.convolution.geometry(input: graph.shape(node.operands[0]))
  }
  package func scratch(_ node: Node, in graph: Graph) -> Scratch {
    KernelScratch.normalizedWeightGradient(geometry(node, in: graph))
  }
  package func productBufferBytes(_ node: Node, in graph: Graph) -> Int {
    ProductBuffer.convolution(.weightGradient, geometry(node, in: graph), .im2col)
  }
  package func productMultiplyAdds(_ node: Node, in graph: Graph, batch: Int) -> Int {
    var input = graph.shape(node.operands[0])
    input.batch = batch
    return gradient.convolution.geometry(input: input).multiplyAdds
  }
  package func executedWork(_ node: Node, in graph: Graph, batch: Int, isLastPiece: Bool) -> ExecutedWork {
    ExecutedWork(multiplyAdds: productMultiplyAdds(node, in: graph, batch: batch))
  }
  package func work(_ node: Node, in graph: Graph) -> [Work] {
    [
      .convolution(.weightGradient, geometry(node, in: graph), .im2col),
      .sweep(.batchNormInference, byteCount: graph[node.operands[1]].type.byteCount),
    ]
  }
}
