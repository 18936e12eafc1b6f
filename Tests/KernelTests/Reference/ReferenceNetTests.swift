import TestSupport
import Testing

/// The fixtures' nets trained once more by the reference: forward, backward, update and running statistics in their places,
/// and the fixtures read as their README says.
@Suite struct ReferenceNetTests {
  enum Kind: String, CaseIterable, Sendable {
    case maxPoolMLPSR = "max-pool-mlp-sr"
    case invertibleCNN = "invertible-cnn"
    case strideLinearGAP = "stride-linear-gap"

    /// Layers of the modules, and the classifier of each.
    var layers: [[ReferenceNet.Step]] {
      switch self {
      case .maxPoolMLPSR: [layer(1), [.maxPool] + layer(2)]
      case .invertibleCNN: [layer(1), [.spaceToDepth] + layer(2)]
      case .strideLinearGAP: [layer(1), layer(2, stride: 2)]
      }
    }

    var classifiers: [[ReferenceNet.Step]] {
      switch self {
      case .maxPoolMLPSR:
        [
          [.averagePool(2)] + block("auxiliaries.1.convolutions.1", .pointwise(8))
            + [.averagePool(2), .flatten] + hidden("auxiliaries.1.hidden.1", 32)
            + [.linear("auxiliaries.1.output", outFeatures: 10)],
          [.averagePool(1), .averagePool(2), .flatten] + hidden("head.hidden.1", 16)
            + hidden("head.hidden.2", 16) + [.linear("head.output", outFeatures: 10)],
        ]
      case .invertibleCNN:
        [("auxiliaries.1", 8), ("head", 12)].map { name, channels in
          block("\(name).convolutions.1", .same3x3(channels)) + linear(name)
        }
      case .strideLinearGAP:
        [
          linear("auxiliaries.1"),
          [.averagePool(1), .flatten, .linear("head.output", outFeatures: 10)],
        ]
      }
    }

    /// Channels of the images that a linear layer reads flattened, where there are several positions.
    func channelsFlattened(into weight: String) -> Int? {
      let inputs = [
        ("auxiliaries.1.hidden.1.linear.weight", 8), ("head.hidden.1.linear.weight", 12),
        ("auxiliaries.1.output.weight", 8), ("head.output.weight", 12),
      ]
      guard let channels = inputs.first(where: { $0.0 == weight })?.1 else { return nil }
      switch self {
      case .maxPoolMLPSR: return weight.contains("hidden") ? channels : nil
      case .invertibleCNN: return channels
      case .strideLinearGAP: return weight.hasPrefix("auxiliaries") ? channels : nil
      }
    }

    private func layer(_ number: Int, stride: Int = 1) -> [ReferenceNet.Step] {
      block("layers.\(number)", .same3x3(number == 1 ? 8 : 12, stride: stride), hasBias: true)
    }

    private func block(
      _ name: String, _ convolution: ReferenceConvolution, hasBias: Bool = false
    ) -> [ReferenceNet.Step] {
      [
        .convolution("\(name).conv", convolution, hasBias: hasBias),
        .batchNorm("\(name).batch_norm", relu: true),
      ]
    }

    private func hidden(_ name: String, _ width: Int) -> [ReferenceNet.Step] {
      [.linear("\(name).linear", outFeatures: width), .batchNorm("\(name).batch_norm", relu: true)]
    }

    private func linear(_ name: String) -> [ReferenceNet.Step] {
      [
        .averagePool(2), .batchNorm("\(name).batch_norm", relu: false), .flatten,
        .linear("\(name).output", outFeatures: 10),
      ]
    }
  }

  /// The files hold float32.
  private let bound = 3e-7

  @Test(arguments: Kind.allCases)
  func parallel(kind: Kind) throws {
    let oracle = try Oracle(kind)
    var net = try ReferenceNet(tensors: oracle.tensors(under: "initial."))
    var losses: [Double] = []
    for step in 0..<3 {
      var x = oracle.images
      for module in 0..<2 {
        let (features, loss) = oracle.lossAndGradients(&net, x, modules: [module])
        losses.append(loss)
        x = features
      }
      if step == 0 { try expectGradients(net, "gradient.parallel.", oracle) }
      net.update()
    }
    #expect(relativeL2(losses, try oracle.fixture.tensor("loss.parallel").values) < bound)
    try expectFinal(net, "parallel", [0, 1], oracle)
  }

  @Test(arguments: Kind.allCases)
  func sequential(kind: Kind) throws {
    let oracle = try Oracle(kind)
    var net = try ReferenceNet(tensors: oracle.tensors(under: "initial."))
    var losses = [Double](repeating: 0, count: 6)
    var x = oracle.images
    for module in 0..<2 {
      for step in 0..<3 {
        losses[2 * step + module] = oracle.lossAndGradients(&net, x, modules: [module]).loss
        if step == 0 && module == 1 { try expectGradients(net, "gradient.sequential.", oracle) }
        net.update()
      }
      x = net.forward(x, through: kind.layers[module], training: false).last!
    }
    #expect(relativeL2(losses, try oracle.fixture.tensor("loss.sequential").values) < bound)
    try expectFinal(net, "sequential", [0, 1], oracle)
  }

  @Test(arguments: Kind.allCases)
  func endToEnd(kind: Kind) throws {
    let oracle = try Oracle(kind)
    let tensors = try oracle.tensors(under: "initial.").filter { !$0.key.hasPrefix("auxiliaries.") }
    var net = ReferenceNet(tensors: tensors)
    var losses: [Double] = []
    for step in 0..<3 {
      losses.append(oracle.lossAndGradients(&net, oracle.images, modules: [0, 1]).loss)
      if step == 0 { try expectGradients(net, "gradient.end-to-end.", oracle) }
      net.update()
    }
    #expect(relativeL2(losses, try oracle.fixture.tensor("loss.end-to-end").values) < bound)
    try expectFinal(net, "end-to-end", [1], oracle)
  }

  private func expectGradients(_ net: ReferenceNet, _ prefix: String, _ oracle: Oracle) throws {
    let expected = try oracle.tensors(under: prefix)
    #expect(net.gradients.keys.sorted() == expected.keys.sorted())
    let largest = expected.values.map { innerProduct($0, $0).squareRoot() }.max()!
    for name in expected.keys.sorted() {
      let gradient = try #require(net.gradients[name])
      // A bias in front of a batch norm has no gradient but rounding.
      let vanishes = innerProduct(gradient, gradient).squareRoot() < 1e-12 * largest
      let error = relativeL2(gradient, try #require(expected[name]))
      #expect(error < bound || vanishes, "gradient of \(name): \(error)")
    }
  }

  private func expectFinal(
    _ net: ReferenceNet, _ strategy: String, _ modules: [Int], _ oracle: Oracle
  ) throws {
    let expected = try oracle.tensors(under: "final.\(strategy).")
    #expect(net.tensors.keys.sorted() == expected.keys.sorted())
    for name in expected.keys.sorted() {
      let error = relativeL2(try #require(net.tensors[name]), try #require(expected[name]))
      #expect(error < bound, "\(name) after three steps: \(error)")
    }
    var (net, x, logits) = (net, oracle.images, [Double]())
    for module in 0..<2 {
      x = net.forward(x, through: oracle.kind.layers[module], training: false).last!
      guard modules.contains(module) else { continue }
      logits += net.forward(x, through: oracle.kind.classifiers[module], training: false).last!.values
    }
    #expect(relativeL2(logits, try oracle.fixture.tensor("logits.\(strategy)").values) < bound)
  }

  private struct Oracle {
    let kind: Kind
    let fixture: Fixture
    let images: Images
    let labels: [Int]

    init(_ kind: Kind) throws {
      self.kind = kind
      fixture = try Fixture(named: "pytorch/\(kind.rawValue).safetensors")
      images = PyTorchLayouts.images(try fixture.tensor("images"))
      labels = try fixture.tensor("labels").integers
    }

    func tensors(under prefix: String) throws -> [String: [Double]] {
      var result: [String: [Double]] = [:]
      for name in fixture.names(under: prefix) {
        let tensor = try fixture.tensor(prefix + name)
        result[name] =
          if tensor.shape.count == 4 {
            PyTorchLayouts.filter(tensor)
          } else if let channels = kind.channelsFlattened(into: name) {
            PyTorchLayouts.flattenedLinearWeight(tensor, channels: channels, height: 2, width: 2)
          } else {
            tensor.values
          }
      }
      return result
    }

    /// Trains `modules` as one, by the last one's classifier: what it outputs, and its loss; gradients are added to the
    /// net's.
    func lossAndGradients(
      _ net: inout ReferenceNet, _ x: Images, modules: [Int]
    ) -> (features: Images, loss: Double) {
      let layers = modules.flatMap { kind.layers[$0] }
      let steps = layers + kind.classifiers[modules.last!]
      let values = net.forward(x, through: steps, training: true)
      let result = Reference.softmaxCrossEntropy(values.last!, labels: labels)
      _ = net.backward(result.logitGradient, through: steps, values: values)
      return (values[layers.count], result.loss)
    }
  }
}

extension ReferenceConvolution {
  fileprivate static func pointwise(_ channels: Int) -> Self { Self(outChannels: channels, kernelSize: 1) }
  fileprivate static func same3x3(_ channels: Int, stride: Int = 1) -> Self {
    Self(outChannels: channels, kernelSize: 3, stride: stride, padding: 1)
  }
}
