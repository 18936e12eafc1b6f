internal import CostModel
package import GraphIR
internal import Operators

/// Writes what a batch norm gives as late as can be: over its own input, behind the last node that reads that, if at all. The average
/// pools and convolutions that read it before normalise what they read, and a weight gradient behind it computes the norm's input gradient
/// as it goes. A layer then keeps one activation, the convolution's output, in the place of two and a gradient.
///
/// That a module's output is there only behind its backward pass serves training layer by layer, where the next module alone reads
/// it. All results have the bits that they had.
package struct LateNormalization: Pass {
  package static let name = "late-normalization"

  package init() {}

  package func run(_ graph: Graph) -> Graph {
    var readers = [[Int]](repeating: [], count: graph.values.count)
    var producers = [Int?](repeating: nil, count: graph.values.count)
    for (index, node) in graph.nodes.enumerated() {
      for operand in node.operands { readers[operand.index].append(index) }
      for result in node.results { producers[result.index] = index }
    }
    let kept = Set(graph.moduleOutputs.map(\.index) + graph.metrics.map(\.value.index))
    var replacements: [Int: [Node]] = [:]
    for (index, node) in graph.nodes.enumerated() {
      guard let backward = node.op.as(BatchNormBackward.self), let first = producers[node.operands[4].index],
        let norm = graph.nodes[first].op.as(BatchNorm.self), norm.mode.takesStatistics,
        graph.nodes[first].operands[0] == node.operands[0]
      else { continue }
      let forward = graph.nodes[first]
      let y = forward.results[0]
      let (before, behind) = (readers[y.index].filter { $0 < index }, readers[y.index].filter { $0 > index })
      let normalization = Array(node.operands[2..<6])
      let readingNodes = before.map { place in
        replacements[place] == nil
          ? Self.normalizing(
            graph.nodes[place], y, norm.activation, [forward.operands[0]], normalization, in: graph)
          : nil
      }
      guard !before.isEmpty, readingNodes.allSatisfy({ $0 != nil }) else { continue }

      var statistics = forward
      statistics.op = Op(BatchNormStatistics(mode: norm.mode))
      statistics.results = Array(forward.results[1...])
      replacements[first] = [statistics]
      for (place, reading) in zip(before, readingNodes) { replacements[place] = reading.map { [$0] } }
      var nodes = [node]
      if !kept.contains(node.results[0].index), let place = weightGradient(of: node, readers, in: graph),
        replacements[place] == nil
      {
        nodes = Self.fused(node, backward, graph.nodes[place])
        replacements[place] = []
      }
      if !behind.isEmpty || kept.contains(y.index) {
        var late = forward
        var saved = norm
        saved.mode = .saved
        late.op = Op(saved)
        late.operands = [forward.operands[0]] + normalization
        late.results = [y]
        nodes.append(late)
      }
      replacements[index] = nodes
    }
    guard !replacements.isEmpty else { return graph }
    var result = graph
    result.nodes = graph.nodes.enumerated().flatMap { replacements[$0.offset] ?? [$0.element] }
    return result.compacted
  }

  /// The node with its operand `y` normalised as it is read; nil where its kernel needs all of it.
  private static func normalizing(
    _ node: Node, _ y: ValueID, _ activation: Activation, _ x: [ValueID], _ normalization: [ValueID],
    in graph: Graph
  ) -> Node? {
    guard node.operands[0] == y, !node.operands.dropFirst().contains(y) else { return nil }
    var node = node
    if let pool = node.op.as(AveragePool.self) {
      node.op = Op(NormalizedAveragePool(pool, activation))
      node.operands = x + normalization
    } else if let convolution = node.op.as(Convolution.self),
      NormalizedConvolution.isOffered(convolution, geometry: convolution.geometry(node, in: graph))
    {
      node.op = Op(NormalizedConvolution(convolution, activation))
      node.operands = x + [node.operands[1]] + normalization + node.operands[2...]
    } else if let gradient = node.op.as(ConvolutionWeightGradient.self),
      NormalizedConvolution.isOffered(gradient, geometry: gradient.geometry(node, in: graph))
    {
      node.op = Op(NormalizedInputWeightGradient(gradient, activation))
      node.operands = x + [node.operands[1]] + normalization
    } else {
      return nil
    }
    return node
  }

  /// The weight gradient that alone reads the norm's input gradient, where its kernel can compute that itself.
  private func weightGradient(of backward: Node, _ readers: [[Int]], in graph: Graph) -> Int? {
    let places = readers[backward.results[0].index]
    guard places.count == 1, let gradient = graph.nodes[places[0]].op.as(ConvolutionWeightGradient.self),
      NormalizedWeightGradient.isOffered(
        gradient, geometry: gradient.geometry(graph.nodes[places[0]], in: graph))
    else { return nil }
    return places[0]
  }

  /// The sums, and the weight gradient in front of all that moves the norm's parameters.
  private static func fused(_ node: Node, _ backward: BatchNormBackward, _ gradient: Node) -> [Node] {
    guard let definition = gradient.op.as(ConvolutionWeightGradient.self) else {
      preconditionFailure("what is fused is a weight gradient")
    }
    var sums = node
    sums.op = Op(BatchNormSums(of: backward))
    sums.results = Array(node.results[1...])
    var weights = gradient
    weights.op = Op(NormalizedWeightGradient(definition, behind: backward))
    weights.operands = [gradient.operands[0]] + node.operands + sums.results
    return [sums, weights]
  }
}
