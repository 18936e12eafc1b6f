import Diagnostics
import GraphIR
import Operators
import Testing

/// A small well-formed graph, to be spoiled: 2 images of 4x4, 3 channels, through convolution, batch norm, ReLU and a
/// linear layer to a loss.
private struct SmallGraph {
  var builder: GraphBuilder
  let convolution, norm, relu, logits: ValueID

  init() {
    let images = Value(
      name: "images", type: .images(Shape(batch: 2, height: 4, width: 4, channels: 3)), category: .batch,
      module: 0)
    let labels = Value(name: "labels", type: .labels(batch: 2), category: .batch, module: 0)
    builder = GraphBuilder(
      graph: Graph(images: images, labels: labels),
      origin: SourceSpan(file: SourceFileID(index: 0), utf8: 0..<1))
    builder.module = 1
    convolution = builder.convolution(
      builder.graph.images, Convolution(outChannels: 5, kernelSize: 3, padding: 1), bias: true, name: "conv"
    )
    norm = builder.batchNorm(convolution, name: "norm")
    relu = builder.activate(norm, .relu)
    logits = builder.linear(relu, outFeatures: 10, name: "output")
    builder.loss(logits: logits, metricsOf: 1)
    builder.graph.moduleOutputs = [relu]
  }

  var graph: Graph { builder.graph }
}

private func fault(_ graph: Graph) -> String? {
  do {
    try GraphVerifier(graph).verify()
    return nil
  } catch {
    return error.description
  }
}

@Suite("The verifier of graphs")
struct GraphVerifierTests {
  /// Places of the small graph's nodes.
  private enum Place {
    static let convolution = 0
    static let norm = 1
    static let relu = 2
    static let linear = 3
    static let loss = 4
  }

  @Test("takes a well-formed graph")
  func wellFormed() {
    #expect(fault(SmallGraph().graph) == nil)
  }

  // MARK: - Definitions

  @Test("a value is used before it is defined")
  func useBeforeDefinition() {
    var graph = SmallGraph().graph
    graph.nodes.swapAt(Place.convolution, Place.norm)
    #expect(fault(graph) == "node 0, batch_norm[training]: %4 is used before it is defined")
  }

  @Test("a value that does not exist")
  func unknownValue() {
    var graph = SmallGraph().graph
    graph.nodes[Place.relu].operands = [ValueID(index: 999)]
    #expect(fault(graph) == "node 2, relu: %999 is used before it is defined")
  }

  @Test("a value is defined twice")
  func secondDefinition() {
    let small = SmallGraph()
    var graph = small.graph
    graph.nodes.append(graph.nodes[Place.relu])
    #expect(fault(graph) == "node 5, relu: %\(small.relu.index) is defined twice")
  }

  @Test("a node writes over the batch")
  func resultIsBatch() {
    var graph = SmallGraph().graph
    graph.nodes[Place.convolution].results = [graph.images]
    #expect(fault(graph) == "node 0, convolution[3x3 s1 p1 im2col]: %0 is defined twice")
  }

  @Test("a metric is never computed")
  func missingMetric() {
    var graph = SmallGraph().graph
    graph.nodes.removeLast()
    #expect(fault(graph) == "metric %\(graph.metrics[0].value.index) is never computed")
  }

  @Test("a module output is never computed")
  func missingModuleOutput() {
    var graph = SmallGraph().graph
    let output = graph.addValue(
      Value(name: "x", type: graph[graph.images].type, category: .activation, module: 1))
    graph.moduleOutputs.append(output)
    #expect(fault(graph) == "module output %\(output.index) is never computed")
  }

  // MARK: - Writing in place

  /// The small graph, batch norm in inference and the ReLU over its result.
  private var inPlace: Graph {
    var graph = SmallGraph().graph
    graph.nodes[Place.relu].overwrites = 0
    return graph
  }

  @Test("takes a result over an operand that is not read again")
  func overwriting() {
    #expect(fault(inPlace) == nil)
  }

  @Test("a value is used after it was overwritten")
  func useAfterOverwriting() {
    var graph = inPlace
    var second = graph.nodes[Place.relu]
    second.overwrites = nil
    second.results = [
      graph.addValue(graph[graph.nodes[Place.relu].results[0]])
    ]
    graph.nodes.append(second)
    #expect(
      fault(graph) == "node 5, relu: %\(second.operands[0].index) is used after it was overwritten")
  }

  @Test("an operation that can't work in place")
  func unableToOverwrite() {
    var graph = SmallGraph().graph
    graph.nodes[Place.convolution].overwrites = 0
    #expect(fault(graph) == "node 0, convolution[3x3 s1 p1 im2col]: operand 0 can't be overwritten")
  }

  @Test("the batch can't be overwritten")
  func overwritingTheBatch() {
    var graph = SmallGraph().graph
    let result = graph.addValue(
      Value(name: "x", type: graph[graph.images].type, category: .activation, module: 1))
    var node = graph.nodes[Place.relu]
    node.operands = [graph.images]
    node.results = [result]
    node.overwrites = 0
    graph.nodes.append(node)
    #expect(fault(graph) == "node 5, relu: a batch value can't be overwritten")
  }

  @Test("a value of another type can't be overwritten")
  func overwritingAnotherType() {
    var graph = inPlace
    graph[graph.nodes[Place.relu].results[0]].type = .images(
      Shape(batch: 2, height: 4, width: 4, channels: 6))
    #expect(fault(graph) == "node 2, relu: overwrites a value of another type")
  }

  @Test("an operand that is read twice can't be overwritten")
  func overwritingWhatIsReadTwice() {
    var graph = inPlace
    graph.nodes[Place.relu].op = Op(Addition())
    graph.nodes[Place.relu].operands.append(graph.nodes[Place.relu].operands[0])
    #expect(fault(graph) == "node 2, add: overwrites an operand that it reads twice")
  }

  @Test("what is wanted behind the last node can't be overwritten")
  func overwritingWhatIsWanted() {
    var graph = SmallGraph().graph
    let output = graph.moduleOutputs[0]
    var node = graph.nodes[Place.relu]
    node.operands = [output]
    node.results = [graph.addValue(graph[output])]
    node.overwrites = 0
    graph.nodes.append(node)
    #expect(fault(graph) == "module output %\(output.index) is overwritten")
    graph.moduleOutputs = []
    graph.metrics[0].value = output
    #expect(fault(graph) == "metric %\(output.index) is overwritten")
  }

  @Test("only what outlives a step may change in place")
  func mutation() {
    var graph = SmallGraph().graph
    let activation = graph.addValue(
      Value(name: "x", type: .vector(5), category: .gradient, module: 1))
    var source = graph.nodes[Place.relu]
    source.op = Op(ZeroGradient())
    source.operands = []
    source.results = [activation]
    graph.nodes.insert(source, at: 0)
    graph.nodes[1 + Place.norm].operands[3] = activation
    #expect(fault(graph) == "node 2, batch_norm[training]: operand 3 may not change in place")
  }

  // MARK: - Counts

  @Test("operands that are missing", arguments: [Place.convolution, Place.norm, Place.relu, Place.linear])
  func tooFewOperands(place: Int) {
    var graph = SmallGraph().graph
    graph.nodes[place].operands.removeLast(max(1, graph.nodes[place].operands.count - 1))
    let count = graph.nodes[place].operands.count
    #expect(fault(graph)?.hasSuffix(": has \(count) operands") == true)
  }

  @Test("operands that are too many", arguments: 0...4)
  func tooManyOperands(place: Int) {
    var graph = SmallGraph().graph
    graph.nodes[place].operands += [graph.images, graph.images]
    #expect(fault(graph)?.hasSuffix(": has \(graph.nodes[place].operands.count) operands") == true)
  }

  @Test("results that are missing or too many", arguments: 0...4)
  func resultCounts(place: Int) {
    var graph = SmallGraph().graph
    let results = graph.nodes[place].results
    graph.nodes[place].results = []
    #expect(fault(graph)?.hasSuffix(": has 0 results") == true)
    graph.nodes[place].results = results
    for _ in 0..<3 { graph.nodes[place].results.append(graph.addValue(graph[results[0]])) }
    #expect(fault(graph)?.hasSuffix(": has 4 results") == true)
  }
}
