import Diagnostics
import GraphIR
import Operators
import Testing

/// An operation with operands and results that fit.
struct FittingOperation: Sendable, CustomTestStringConvertible {
  let name: String
  let op: any OperatorDefinition
  let inputs, outputs: [TensorType]
  /// Changes of one type that leave the operation well formed: `operand or result, what grew by one`.
  let tolerated: [String]

  var testDescription: String { name }

  init(
    _ name: String, _ op: some OperatorDefinition, _ inputs: [TensorType], _ outputs: [TensorType],
    tolerates: [String] = []
  ) {
    self.name = name
    self.op = op
    self.inputs = inputs
    self.outputs = outputs
    tolerated = tolerates
  }

  private static func images(_ side: Int, _ channels: Int) -> TensorType {
    .images(Shape(batch: 2, height: side, width: side, channels: channels))
  }

  private static func indices(_ side: Int, _ channels: Int) -> TensorType {
    .windowIndices(Shape(batch: 2, height: side, width: side, channels: channels))
  }

  private static let inference = BatchNorm(mode: .inference)
  private static let spreading = {
    var backward = BatchNormBackward(.relu)
    backward.spreadsGradient = true
    return backward
  }()

  private static let plain = Convolution(outChannels: 5, kernelSize: 3, padding: 1)
  private static let strided = Convolution(outChannels: 5, kernelSize: 3, stride: 2, padding: 1)
  private static let filter = TensorType.filter(kernelSize: 3, inChannels: 3, outChannels: 5)
  private static let pool = MaxPool(window: 3, stride: 2, padding: 1)
  private static let weight = TensorType.matrix(outFeatures: 7, height: 2, width: 2, channels: 3)
  private static let threes = TensorType.vector(3)
  private static let fives = TensorType.vector(5)

  static let all = [
    FittingOperation("convolution", plain, [images(6, 3), filter, fives], [images(6, 5)]),
    FittingOperation(
      "strided convolution", strided, [images(6, 3), filter, fives], [images(3, 5)]),
    FittingOperation(
      "input gradient", ConvolutionInputGradient(convolution: plain), [images(6, 5), filter],
      [images(6, 3)]),
    FittingOperation(
      "weight gradient", ConvolutionWeightGradient(convolution: plain), [images(6, 3), images(6, 5)],
      [filter]),
    FittingOperation(
      "bias gradient", BiasGradient(), [images(6, 5)], [fives],
      tolerates: ["operand 0, batch", "operand 0, height", "operand 0, width"]),
    FittingOperation(
      "linear", Linear(outFeatures: 7), [images(2, 3), weight, .vector(7)], [images(1, 7)]),
    FittingOperation(
      "linear input gradient", LinearInputGradient(), [images(1, 7), weight], [images(2, 3)]),
    FittingOperation(
      "linear weight gradient", LinearWeightGradient(), [images(2, 3), images(1, 7)], [weight]),
    FittingOperation(
      "batch norm", BatchNorm(), [images(6, 5), fives, fives, fives, fives],
      [images(6, 5), fives, fives]),
    FittingOperation(
      "batch norm in inference", inference, [images(6, 5), fives, fives, fives, fives],
      [images(6, 5)]),
    FittingOperation(
      "batch norm backward", BatchNormBackward(.relu),
      [images(6, 5), images(6, 5), fives, fives, fives, fives], [images(6, 5), fives, fives]),
    FittingOperation(
      "batch norm backward of averages", spreading,
      [images(6, 5), images(3, 5), fives, fives, fives, fives], [images(6, 5), fives, fives]),
    FittingOperation(
      "batch norm statistics", BatchNormStatistics(mode: .training),
      [images(6, 5), fives, fives, fives, fives],
      [fives, fives], tolerates: ["operand 0, batch", "operand 0, height", "operand 0, width"]),
    FittingOperation(
      "batch norm sums", BatchNormSums(of: spreading),
      [images(6, 5), images(3, 5), fives, fives, fives, fives],
      [fives, fives]),
    FittingOperation(
      "normalized average pool", NormalizedAveragePool(AveragePool(height: 3, width: 3), .relu),
      [images(6, 5), fives, fives, fives, fives], [images(3, 5)],
      tolerates: ["operand 0, height", "operand 0, width"]),
    FittingOperation(
      "normalized convolution", NormalizedConvolution(plain, .relu),
      [images(6, 3), filter, threes, threes, threes, threes, fives], [images(6, 5)]),
    FittingOperation(
      "weight gradient of normalized input",
      NormalizedInputWeightGradient(ConvolutionWeightGradient(convolution: plain), .relu),
      [images(6, 3), images(6, 5), threes, threes, threes, threes], [filter]),
    FittingOperation(
      "weight gradient behind a batch norm",
      NormalizedWeightGradient(ConvolutionWeightGradient(convolution: plain), behind: spreading),
      [images(6, 3), images(6, 5), images(3, 5), fives, fives, fives, fives, fives, fives], [filter]),
    FittingOperation(
      "fold batch norm", BatchNormFolding(), [filter, fives, fives, fives, fives, fives], [filter, fives]),
    FittingOperation("relu", Activate(.relu), [images(6, 5)], [images(6, 5)]),
    FittingOperation(
      "relu backward", ActivationBackward(.relu), [images(6, 5), images(6, 5)], [images(6, 5)]),
    FittingOperation("add", Addition(), [images(6, 5), images(6, 5)], [images(6, 5)]),
    FittingOperation("max-pool", pool, [images(6, 5)], [images(3, 5), indices(3, 5)]),
    FittingOperation(
      "max-pool backward", MaxPoolBackward(pool), [images(3, 5), indices(3, 5)], [images(6, 5)]),
    FittingOperation(
      "average pool", AveragePool(height: 2, width: 2), [images(6, 5)], [images(2, 5)],
      tolerates: ["operand 0, height", "operand 0, width"]),
    FittingOperation(
      "average pool backward", AveragePoolBackward(window: nil), [images(2, 5)], [images(6, 5)],
      tolerates: ["operand 0, height", "operand 0, width", "result 0, height", "result 0, width"]),
    FittingOperation(
      "average pool by windows", AveragePool(height: 3, width: 3, window: 2), [images(7, 5)],
      [images(3, 5)]),
    FittingOperation(
      "average pool by windows, backward", AveragePoolBackward(window: 2), [images(3, 5)],
      [images(7, 5)]),
    FittingOperation("space to depth", SpaceToDepth(), [images(6, 5)], [images(3, 20)]),
    FittingOperation("depth to space", DepthToSpace(), [images(3, 20)], [images(6, 5)]),
    FittingOperation(
      "subsample", Subsample(stride: 2, channels: 8), [images(6, 5)], [images(3, 8)],
      tolerates: ["operand 0, channels"]),
    FittingOperation(
      "subsample backward", SubsampleBackward(stride: 2), [images(3, 8)], [images(6, 5)],
      tolerates: ["operand 0, channels", "result 0, channels"]),
    FittingOperation(
      "deviation", SpatialDeviation(), [images(6, 5)], [images(1, 5)],
      tolerates: ["operand 0, height", "operand 0, width"]),
    FittingOperation(
      "deviation backward", SpatialDeviationBackward(), [images(6, 5), images(1, 5), images(1, 5)],
      [images(6, 5)]),
    FittingOperation(
      "cross entropy", SoftmaxCrossEntropy(), [images(1, 10), .labels(batch: 2)],
      [.metrics, images(1, 10)]),
    FittingOperation(
      "similarity", SimilarityLoss(weight: 1, classes: 10), [images(6, 5), .labels(batch: 2), .metrics],
      [.metrics, images(6, 5)]),
    FittingOperation(
      "ensemble", Ensemble(.logits, share: 0.5), [images(1, 10), images(1, 10)], [images(1, 10)]),
    FittingOperation(
      "ring_read", RingRead(),
      [.images(Shape(batch: 6, height: 4, width: 4, channels: 3)), .labels(batch: 6)],
      [.images(Shape(batch: 2, height: 4, width: 4, channels: 3)), .labels(batch: 2)]),
    FittingOperation(
      "ring_write", RingWrite(),
      [
        .images(Shape(batch: 2, height: 4, width: 4, channels: 3)), .labels(batch: 2),
        .images(Shape(batch: 6, height: 4, width: 4, channels: 3)), .labels(batch: 6),
      ], []),
    FittingOperation(
      "zero gradient", ZeroGradient(), [], [fives],
      tolerates: ["result 0, count", "result 0, kind", "result 0, element type"]),
    FittingOperation("accumulate", Accumulate(), [filter, filter], []),
    FittingOperation("taylor scores", ChannelScores(.taylor), [fives, images(6, 5), images(6, 5)], []),
    FittingOperation(
      "activation scores", ChannelScores(.activation), [fives, images(6, 5)], [],
      tolerates: ["operand 1, batch", "operand 1, height", "operand 1, width"]),
    FittingOperation(
      "filter scores", ChannelScores(.weightNorm), [fives, filter], [],
      tolerates: ["operand 1, kernel size", "operand 1, input channels"]),
    FittingOperation(
      "sgd", Update(.sgd(momentum: 0.9, weightDecay: 0, nesterov: false)), [filter, filter, filter], []),
    FittingOperation(
      "adam", Update(.adam(beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0)),
      [weight, weight, weight, weight], []),
  ]

  func fault(inputs: [TensorType], outputs: [TensorType]) -> String? {
    let batch = Value(name: "images", type: Self.images(6, 3), category: .batch, module: 0)
    let labels = Value(name: "labels", type: .labels(batch: 2), category: .batch, module: 0)
    var graph = Graph(images: batch, labels: labels)
    // Parameters: defined from the start, and free to change in place.
    let operands = inputs.map {
      graph.addValue(Value(name: "x", type: $0, category: .parameter, module: 1))
    }
    let results = outputs.map {
      graph.addValue(Value(name: "y", type: $0, category: .activation, module: 1))
    }
    let origin = SourceSpan(file: SourceFileID(index: 0), utf8: 0..<1)
    graph.nodes = [Node(op: Op(op), operands: operands, results: results, origin: origin, item: 1)]
    do {
      try GraphVerifier(graph).verify()
      return nil
    } catch {
      return error.description
    }
  }
}

extension TensorType {
  /// The same with one extent larger by one, by the extent's name; and a type that fits nothing.
  fileprivate var neighbours: [(change: String, type: TensorType)] {
    func changed(_ shape: Shape) -> [(String, Shape)] {
      var batch = shape
      batch.batch += 1
      return [
        ("batch", batch), ("height", shape.with(height: shape.height + 1)),
        ("width", shape.with(width: shape.width + 1)), ("channels", shape.with(channels: shape.channels + 1)),
      ]
    }
    let strangers = [
      ("kind", TensorType.labels(batch: 77)),
      ("element type", TensorType(element == .uint8 ? .float32 : .uint8, extent)),
    ]
    switch extent {
    case .images(let shape):
      return changed(shape).map { ($0, TensorType(element, .images($1))) } + strangers
    case .filter(let k, let i, let o):
      return [
        ("kernel size", .filter(kernelSize: k + 1, inChannels: i, outChannels: o)),
        ("input channels", .filter(kernelSize: k, inChannels: i + 1, outChannels: o)),
        ("output channels", .filter(kernelSize: k, inChannels: i, outChannels: o + 1)),
      ] + strangers
    case .matrix(let o, let h, let w, let c):
      return [
        ("output features", .matrix(outFeatures: o + 1, height: h, width: w, channels: c)),
        ("height", .matrix(outFeatures: o, height: h + 1, width: w, channels: c)),
        ("width", .matrix(outFeatures: o, height: h, width: w + 1, channels: c)),
        ("channels", .matrix(outFeatures: o, height: h, width: w, channels: c + 1)),
      ] + strangers
    case .vector(let count): return [("count", .vector(count + 1))] + strangers
    case .labels(let batch): return [("batch", .labels(batch: batch + 1))] + strangers
    case .metrics: return strangers
    }
  }
}

@Suite("Types of operands and results")
struct OperandTypeTests {
  @Test("of every operation")
  func complete() {
    let covered = Set(FittingOperation.all.map { type(of: $0.op).kind })
    #expect(OperatorKind.allCases.filter { !covered.contains($0) } == [])
  }

  @Test("fit as they are", arguments: FittingOperation.all)
  func fitting(operation: FittingOperation) {
    #expect(operation.fault(inputs: operation.inputs, outputs: operation.outputs) == nil)
  }

  @Test("do not fit when one extent of one of them changes", arguments: FittingOperation.all)
  func spoiled(operation: FittingOperation) {
    var tolerated: [String] = []
    for (index, type) in operation.inputs.enumerated() {
      for (change, neighbour) in type.neighbours {
        var inputs = operation.inputs
        inputs[index] = neighbour
        if operation.fault(inputs: inputs, outputs: operation.outputs) == nil {
          tolerated.append("operand \(index), \(change)")
        }
      }
    }
    for (index, type) in operation.outputs.enumerated() {
      for (change, neighbour) in type.neighbours {
        var outputs = operation.outputs
        outputs[index] = neighbour
        if operation.fault(inputs: operation.inputs, outputs: outputs) == nil {
          tolerated.append("result \(index), \(change)")
        }
      }
    }
    #expect(tolerated == operation.tolerated)
  }
}
