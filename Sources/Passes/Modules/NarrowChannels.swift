package import GraphIR
internal import Operators

/// Leaves a module some of the channels that its layers pass on: the rows of its last convolution that make them, with their
/// bias and batch norm, and whatever reads them, in its auxiliary and in the next module. Behind the first convolution or
/// linear layer that reads them everything is as it was.
///
/// Which channels stay is not known before training; which shapes are left is.
package struct NarrowChannels: Pass {
  package static let name = "narrow"

  private let module: Int
  private let width: Int

  /// - Parameters:
  ///   - module: of a network of plain layers, forward, from 1.
  ///   - width: channels that stay, fewer than there are.
  package init(module: Int, width: Int) {
    self.module = module
    self.width = width
  }

  package func run(_ graph: Graph) -> Graph {
    var narrowing = Narrowing(graph: graph, output: graph.moduleOutputs[module - 1], width: width)
    narrowing.run(module: module)
    return narrowing.graph
  }
}

extension Graph {
  /// The node that makes the channels which a module of plain layers outputs.
  func lastConvolution(ofModule module: Int) -> Int {
    let last = nodes.lastIndex { node in
      node.module == module && node.part == .layers && node.op.is(Convolution.self)
    }
    guard let last else { preconditionFailure("lowering makes a convolution in every layer") }
    return last
  }
}

private struct Narrowing {
  private(set) var graph: Graph
  private let channels, width: Int
  /// Values that have lost channels.
  private var narrowed: Set<ValueID> = []

  init(graph: Graph, output: ValueID, width: Int) {
    self.graph = graph
    self.width = width
    channels = graph.shape(output).channels
    precondition(width < channels, "whoever narrows takes channels away")
  }

  mutating func run(module: Int) {
    let source = graph.lastConvolution(ofModule: module)
    guard var convolution = graph.nodes[source].op.as(Convolution.self) else {
      preconditionFailure("a convolution is one")
    }
    precondition(convolution.outChannels == channels, "a plain layer outputs what its convolution makes")
    convolution.outChannels = width
    graph.nodes[source].op = Op(convolution)
    for operand in graph.nodes[source].operands.dropFirst() { narrowParameter(operand, ofOutput: true) }
    narrowImage(graph.nodes[source].results[0])
    for index in graph.nodes.indices.dropFirst(source + 1)
    where narrowed.contains(graph.nodes[index].operands[0]) {
      narrow(index)
    }
  }

  /// A node whose input has lost channels.
  private mutating func narrow(_ index: Int) {
    let node = graph.nodes[index]
    switch node.op.definition.channelFlow {
    case .passes: narrowImage(node.results[0])
    case .passesWithVectors:
      for operand in node.operands.dropFirst() { narrowParameter(operand, ofOutput: false) }
      narrowImage(node.results[0])
    case .ends:
      narrowParameter(node.operands[1], ofOutput: false)
      if node.operands.count > 2 { startLike(node.operands[1], node.operands[2]) }
    case nil:
      preconditionFailure("plain layers have no '\(node.op.text)', and a linear layer before each loss")
    }
  }

  /// As many as are left of `count` channels: of `channels`, or of as many for each pixel that was folded in.
  private func left(of count: Int) -> Int { count / channels * width }

  private mutating func narrowImage(_ id: ValueID) {
    let shape = graph.shape(id)
    graph[id].type = .images(shape.with(channels: left(of: shape.channels)))
    narrowed.insert(id)
  }

  private mutating func narrowParameter(_ id: ValueID, ofOutput: Bool) {
    switch graph[id].type.extent {
    case .vector(let count): graph[id].type = .vector(left(of: count))
    case .filter(let kernelSize, let inChannels, let outChannels):
      graph[id].type = .filter(
        kernelSize: kernelSize, inChannels: ofOutput ? inChannels : left(of: inChannels),
        outChannels: ofOutput ? left(of: outChannels) : outChannels)
      if !ofOutput { startFrom(id, fanIn: kernelSize * kernelSize * left(of: inChannels)) }
    case .matrix(let outFeatures, let height, let width, let channels):
      graph[id].type = .matrix(
        outFeatures: outFeatures, height: height, width: width, channels: left(of: channels))
      startFrom(id, fanIn: height * width * left(of: channels))
    case .images, .labels, .metrics: preconditionFailure("no parameter or statistic")
    }
  }

  /// Weights that read fewer channels from their first step on start from the bound that goes with them.
  private mutating func startFrom(_ id: ValueID, fanIn: Int) {
    guard case .uniformFanIn = graph[id].initial else { return }
    graph[id].initial = .uniformFanIn(fanIn)
  }

  private mutating func startLike(_ weight: ValueID, _ bias: ValueID) {
    guard case .uniformFanIn(let fanIn) = graph[weight].initial else { return }
    startFrom(bias, fanIn: fanIn)
  }
}
