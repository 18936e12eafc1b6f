internal import CostModel
internal import GraphIR
internal import Operators

/// Nodes and constants of an ONNX graph, as operations of a forward graph become them (opset 17, channels first).
struct ONNXGraph {
  struct Attribute {
    enum Value {
      case integer(Int)
      case integers([Int])
      case float(Float)
    }

    var name: String
    var value: Value
  }

  struct Node {
    var operation: String
    var inputs: [String]
    var output: String
    var attributes: [Attribute]
  }

  /// A constant that is no tensor of the model's file.
  struct Constant {
    enum Numbers {
      case floats([Float])
      case integers([Int])
    }

    var name: String
    var shape: [Int]
    var numbers: Numbers
  }

  private(set) var nodes: [Node] = []
  private(set) var constants: [Constant] = []
  private let model: ExportedModel
  /// By value of the graph: its name here.
  private var names: [ValueID: String] = [:]
  /// Values that lie as rows of numbers already, not as images.
  private var flat: Set<ValueID> = []

  static let inputName = "images"

  init(_ model: ExportedModel) {
    self.model = model
    names[model.graph.images] = model.changesPixels ? normalized() : Self.inputName
    for node in model.graph.nodes { append(node) }
    let logits = names[model.logits] ?? ""
    // The graph's output has a name of its own, so that it reads well; and a node makes it in any case.
    emit(
      model.endsInSoftmax ? "Softmax" : "Identity", [logits], named: model.outputName,
      model.endsInSoftmax ? [axis(1)] : [])
  }

  // MARK: - Building

  @discardableResult
  private mutating func emit(
    _ operation: String, _ inputs: [String], named name: String? = nil, _ attributes: [Attribute] = []
  ) -> String {
    let output = name ?? "v\(nodes.count + 1)"
    nodes.append(Node(operation: operation, inputs: inputs, output: output, attributes: attributes))
    return output
  }

  private mutating func constant(_ numbers: [Float], _ shape: [Int]) -> String {
    let name = "c\(constants.count + 1)"
    constants.append(Constant(name: name, shape: shape, numbers: .floats(numbers)))
    return name
  }

  private mutating func constant(_ numbers: [Int]) -> String {
    let name = "c\(constants.count + 1)"
    constants.append(Constant(name: name, shape: [numbers.count], numbers: .integers(numbers)))
    return name
  }

  private func axis(_ number: Int) -> Attribute { Attribute(name: "axis", value: .integer(number)) }
  private func integers(_ name: String, _ numbers: [Int]) -> Attribute {
    Attribute(name: name, value: .integers(numbers))
  }

  /// (pixel / scale - mean) / deviation, as the engine computes it.
  private mutating func normalized() -> String {
    var x = Self.inputName
    if model.pixelScale != 1 { x = emit("Div", [x, constant([Float(model.pixelScale)], [1])]) }
    let shape = [1, model.mean.count, 1, 1]
    x = emit("Sub", [x, constant(model.mean, shape)])
    return emit("Div", [x, constant(model.standardDeviation, shape)])
  }

  // MARK: - Operations

  private mutating func append(_ node: GraphIR.Node) {
    let graph = model.graph
    let (input, output) = (node.operands[0], node.results[0])
    let x = names[input] ?? ""
    func operand(_ index: Int) -> String { names[node.operands[index]] ?? graph[node.operands[index]].name }
    let isFlat = flat.contains(input)
    var result: String
    var staysFlat = isFlat
    switch ForwardOperation(node) {
    case .convolution(let convolution):
      let padding = convolution.padding
      result = emit(
        "Conv", [x] + node.operands.indices.dropFirst().map(operand),
        [
          integers("kernel_shape", [convolution.kernelSize, convolution.kernelSize]),
          integers("strides", [convolution.stride, convolution.stride]),
          integers("pads", [padding, padding, padding, padding]),
        ])
    case .linear:
      let rows = isFlat ? x : emit("Flatten", [x], [axis(1)])
      result = emit(
        "Gemm", [rows, operand(1), operand(2)], [Attribute(name: "transB", value: .integer(1))])
      staysFlat = true
    case .batchNorm:
      result = emit(
        "BatchNormalization", [x, operand(1), operand(2), operand(3), operand(4)],
        [Attribute(name: "epsilon", value: .float(BatchNorm.epsilon))])
    case .activate(let activation):
      switch activation {
      case .none: result = emit("Identity", [x])
      case .relu: result = emit("Relu", [x])
      case .leakyRelu(let slope):
        result = emit("LeakyRelu", [x], [Attribute(name: "alpha", value: .float(slope))])
      // Of these opset 17 has no operator of their own.
      case .gelu:
        let half = emit("Mul", [x, constant([0.5], [])])
        let error = emit("Erf", [emit("Mul", [x, constant([Float(0.5).squareRoot()], [])])])
        result = emit("Mul", [half, emit("Add", [error, constant([1], [])])])
      case .silu: result = emit("Mul", [x, emit("Sigmoid", [x])])
      }
    case .add: result = emit("Add", [x, operand(1)])
    case .maxPool(let pool):
      result = emit(
        "MaxPool", [x],
        [
          integers("kernel_shape", [pool.window, pool.window]),
          integers("strides", [pool.stride, pool.stride]),
          integers("pads", [pool.padding, pool.padding, pool.padding, pool.padding]),
        ])
    case .halvingAverage:
      result = emit("AveragePool", [x], [integers("kernel_shape", [2, 2]), integers("strides", [2, 2])])
    case .adaptiveAverage(let height, let width):
      result = average(x, graph.shape(input), height, width)
    case .fold:
      result = emit("SpaceToDepth", [x], [Attribute(name: "blocksize", value: .integer(2))])
    case .zeroPad(let stride, let channels):
      result = x
      if stride > 1 {
        let shape = graph.shape(input)
        result = emit(
          "Slice",
          [
            x, constant([0, 0]), constant([shape.height, shape.width]), constant([2, 3]),
            constant([stride, stride]),
          ])
      }
      let added = channels - graph.shape(input).channels
      if added > 0 { result = emit("Pad", [result, constant([0, 0, 0, 0, 0, added, 0, 0])]) }
      if result == x { result = emit("Identity", [x]) }
    case .ensemble(let ensemble): result = mean(x, operand(1), ensemble)
    }
    names[output] = result
    if staysFlat { flat.insert(output) }
  }

  /// Windows floor(i s / n) up to ceil((i + 1) s / n): a pool where all are alike, else two products with matrices of shares.
  private mutating func average(_ x: String, _ input: Shape, _ height: Int, _ width: Int) -> String {
    if height == 1, width == 1 { return emit("GlobalAveragePool", [x]) }
    if input.height % height == 0, input.width % width == 0 {
      let window = [input.height / height, input.width / width]
      return emit("AveragePool", [x], [integers("kernel_shape", window), integers("strides", window)])
    }
    let columns = Self.shares(of: input.width, in: width)
    let rows = Self.shares(of: input.height, in: height)
    let transposed = (0..<input.width).flatMap { column in
      (0..<width).map { columns[$0 * input.width + column] }
    }
    let mixed = emit("MatMul", [x, constant(transposed, [input.width, width])])
    return emit("MatMul", [constant(rows, [height, input.height]), mixed])
  }

  /// `[windows, size]`.
  private static func shares(of size: Int, in windows: Int) -> [Float] {
    var shares = [Float](repeating: 0, count: windows * size)
    for window in 0..<windows {
      let range = window * size / windows..<((window + 1) * size + windows - 1) / windows
      for place in range { shares[window * size + place] = 1 / Float(range.count) }
    }
    return shares
  }

  private mutating func mean(_ soFar: String, _ own: String, _ ensemble: Ensemble) -> String {
    let shares = [constant([Float(1 - ensemble.share)], [1]), constant([Float(ensemble.share)], [1])]
    var members = [soFar, own]
    if ensemble.mean == .probabilities { members = members.map { emit("Softmax", [$0], [axis(1)]) } }
    let sum = emit("Add", [emit("Mul", [members[0], shares[0]]), emit("Mul", [members[1], shares[1]])])
    return ensemble.mean == .probabilities ? emit("Log", [sum]) : sum
  }
}
