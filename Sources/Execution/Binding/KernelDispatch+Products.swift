internal import CostModel
internal import GraphIR
internal import Kernels
internal import Operators

// Convolutions and fully connected layers, in all directions.
extension KernelDispatch {
  func run(_ convolution: Convolution, _ node: Node, _ context: KernelContext) {
    unsafe convolutionForward(
      x: floats(node.operands[0]), filter: floats(node.operands[1]),
      bias: node.operands.count > 2 ? floats(node.operands[2]) : nil, y: floats(node.results[0]),
      activation: convolution.activation,
      geometry: convolution.geometry(input: shape(node.operands[0])), algorithm: convolution.algorithm,
      context: context)
  }

  func run(_ normalized: NormalizedConvolution, _ node: Node, _ context: KernelContext) {
    let convolution = normalized.convolution
    unsafe convolutionForward(
      x: floats(node.operands[0]), filter: floats(node.operands[1]),
      bias: node.operands.count > 6 ? floats(node.operands[6]) : nil, y: floats(node.results[0]),
      activation: convolution.activation,
      geometry: convolution.geometry(input: shape(node.operands[0])), algorithm: convolution.algorithm,
      normalization: normalization(node, at: 2, normalized.activation), context: context)
  }

  func run(_ normalized: NormalizedInputWeightGradient, _ node: Node, _ context: KernelContext) {
    let convolution = normalized.convolution
    unsafe convolutionWeightGradient(
      x: floats(node.operands[0]), dy: floats(node.operands[1]), dFilter: floats(node.results[0]),
      geometry: convolution.geometry(input: shape(node.operands[0])), algorithm: convolution.algorithm,
      normalization: normalization(node, at: 2, normalized.activation), context: context)
  }

  func run(_ gradient: ConvolutionInputGradient, _ node: Node, _ context: KernelContext) {
    let convolution = gradient.convolution
    unsafe convolutionInputGradient(
      dy: floats(node.operands[0]), filter: floats(node.operands[1]), dx: floats(node.results[0]),
      geometry: convolution.geometry(input: shape(node.results[0])), algorithm: convolution.algorithm,
      context: context)
  }

  func run(_ gradient: ConvolutionWeightGradient, _ node: Node, _ context: KernelContext) {
    let convolution = gradient.convolution
    unsafe convolutionWeightGradient(
      x: floats(node.operands[0]), dy: floats(node.operands[1]), dFilter: floats(node.results[0]),
      geometry: convolution.geometry(input: shape(node.operands[0])), algorithm: convolution.algorithm,
      context: context)
  }

  func run(_ linear: Linear, _ node: Node, _ context: KernelContext) {
    unsafe linearForward(
      x: floats(node.operands[0]), weight: floats(node.operands[1]),
      bias: node.operands.count > 2 ? floats(node.operands[2]) : nil, y: floats(node.results[0]),
      rows: batch, inFeatures: shape(node.operands[0]).elementsPerImage, outFeatures: linear.outFeatures,
      activation: linear.activation, context: context)
  }

  func run(_: LinearInputGradient, _ node: Node, _ context: KernelContext) {
    unsafe linearInputGradient(
      dy: floats(node.operands[0]), weight: floats(node.operands[1]), dx: floats(node.results[0]),
      rows: batch, inFeatures: shape(node.results[0]).elementsPerImage,
      outFeatures: shape(node.operands[0]).channels, context: context)
  }

  func run(_: LinearWeightGradient, _ node: Node, _ context: KernelContext) {
    unsafe linearWeightGradient(
      x: floats(node.operands[0]), dy: floats(node.operands[1]), dWeight: floats(node.results[0]),
      rows: batch, inFeatures: shape(node.operands[0]).elementsPerImage,
      outFeatures: shape(node.operands[1]).channels, context: context)
  }

  func run(_: BiasGradient, _ node: Node, _ context: KernelContext) {
    let dy = unsafe shape(node.operands[0])
    unsafe columnSums(
      x: floats(node.operands[0]), sums: floats(node.results[0]), rows: dy.rows, columns: dy.channels,
      context: context)
  }

  func run(_: ZeroGradient, _ node: Node) {
    unsafe floats(node.results[0]).update(repeating: 0, count: elementCount(node.results[0]))
  }
}
