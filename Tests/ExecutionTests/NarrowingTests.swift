import CompilerSupport
import Datasets
import Execution
import GraphIR
import Operators
import Planning
import TestSupport
import Testing

/// The first layer of a small net, trained by nobody: random numbers everywhere, running statistics included.
private struct NarrowedModule {
  let plan: Plan
  let engine: Engine
  let images: ImagePreparer
  private let isLinear: Bool
  /// Of the first layer, from 0, rising.
  let kept = [0, 2, 3, 7, 8]

  var narrowing: NarrowingPlan {
    guard let narrowing = plan.stages[0].narrowing else { preconditionFailure("the spec compresses") }
    return narrowing
  }

  init(_ sections: String, seed: UInt64 = 7) throws {
    isLinear = sections.contains("linear")
    let spec = try DecodedSpec(
      """
      strata: 1
      name: narrowed
      data: {source: digits, limit: {train: 64, test: 48}}
      \(sections)
      training: {strategy: sequential, batch: 32}
      compression: {width: [5, 6], epochs: 1}
      numerics: strict
      """)
    plan = try spec.plan(
      facts: DataFacts(trainCount: 64, testCount: 48, residentBytes: 0, fingerprint: nil))
    engine = try Engine(plan.memoryMap)
    images = ImagePreparer(
      dataset: try Dataset(.digits, limit: DatasetLimit(train: 64, test: 48)), seed: 1)
    engine.initialize([1], in: plan.stages[0].resident, seed: plan.training.seed)
    var random = SplitMix64(seed: seed)
    for entry in plan.stages[0].resident.entries where entry.value.initial != .zeros {
      let isVariance = entry.value.name.hasSuffix("running_var")
      set(entry) { _ in Float(random.uniform(in: isVariance ? 0.5...2 : -0.6...0.6)) }
    }
    for entry in plan.stages[0].resident.entries where entry.value.name.hasSuffix("running_mean") {
      set(entry) { _ in Float(random.uniform(in: -0.5...0.5)) }
    }
  }

  /// Elements in PyTorch's order.
  func set(_ entry: ResidentLayout.Entry, _ element: (Int) -> Float) {
    let numbers = (0..<entry.value.type.elementCount).map(element)
    engine.write(entry, from: 0, numbers.span)
  }

  func read(_ entry: ResidentLayout.Entry) -> [Float] {
    var numbers = [Float](repeating: .nan, count: entry.value.type.elementCount)
    var span = numbers.mutableSpan
    engine.read(entry, from: 0, into: &span)
    return numbers
  }

  /// Silences the channels that would go: they pass on zero for every image, and where batch norm reads them behind the
  /// pool it makes zero of them again.
  func mask() {
    for entry in plan.stages[0].resident.entries {
      let channels = narrowing.channels
      let perChannel = entry.value.type.elementCount / channels
      let isLayers = entry.value.name.hasPrefix("layers.1.") && !entry.value.name.contains("running")
      let isBehindPool =
        isLinear
        && ["auxiliaries.1.batch_norm.weight", "auxiliaries.1.batch_norm.bias"].contains(
          entry.value.name)
        && entry.value.type == .vector(channels)
      guard isLayers || isBehindPool else { continue }
      let numbers = read(entry)
      set(entry) { kept.contains($0 / perChannel) ? numbers[$0] : 0 }
    }
  }

  func losses(ofStage stage: Int) throws -> MetricSums {
    try Evaluator(engine: engine, images: images).run(plan.stages[stage - 1].evaluation)[0]
  }
}

@Suite("A module that loses channels")
struct NarrowingTests {
  static let nets = [
    "network: {family: vgg, widths: [9, 8]}\nauxiliary: linear",
    "network: {family: vgg, widths: [9, 8]}\nauxiliary: {kind: cnn, k: 3}",
    "network: {family: vgg, widths: [9, 8], bias: false}\nauxiliary: {kind: cnn, k: 2, width: 7}",
    "network: {family: vgg, widths: [9, 8]}\nauxiliary: {kind: mlp, hidden: 2}",
    "network: {family: vgg, widths: [9, 8]}\nauxiliary: {kind: mlp, hidden: 0}",
    "network: {family: vgg, widths: [9, 8]}\nauxiliary: {kind: mlp-sr, convolutions: 2, hidden: 1}",
    "network: {family: vgg, widths: [9, 8], batch-norm: false}\nauxiliary: {kind: cnn, k: 2}",
    "network: {family: vgg, widths: [9, 8], batch-norm: false}\nauxiliary: linear",
    "network: {family: vgg, widths: [9, 8]}\nauxiliary: {kind: linear, pool: 3}\ndownsampling: {kind: invertible, before: [1]}",
    "network: {family: vgg, widths: [9, 8]}\nauxiliary: {kind: linear, loss: predsim}",
  ]

  @Test("computes what it computed with the others silent", arguments: nets)
  func maskedForward(net: String) throws {
    let whole = try NarrowedModule(net)
    let untouched = try whole.losses(ofStage: 1)
    whole.mask()
    let masked = try whole.losses(ofStage: 1)
    let narrowed = try NarrowedModule(net)
    let (before, after) = (narrowed.plan.stages[0].resident, narrowed.plan.stages[1].resident)
    narrowed.engine.narrow(narrowed.narrowing, keeping: narrowed.kept, from: before, to: after)
    let cut = try narrowed.losses(ofStage: 2)
    #expect(abs(cut.meanLoss - masked.meanLoss) < 1e-5 * masked.meanLoss, "\(cut), \(masked)")
    #expect(cut.top1Count == masked.top1Count)
    // And the others did say something.
    #expect(abs(untouched.meanLoss - masked.meanLoss) > 5e-5 * masked.meanLoss)
  }

  @Test("keeps its tensors' rows and slices, in order and in place")
  func slices() throws {
    let module = try NarrowedModule(
      "network: {family: vgg, widths: [9, 8]}\nauxiliary: {kind: mlp, hidden: 1}")
    let (before, after) = (module.plan.stages[0].resident, module.plan.stages[1].resident)
    let old = Dictionary(uniqueKeysWithValues: before.entries.map { ($0.value.name, module.read($0)) })
    module.engine.narrow(module.narrowing, keeping: module.kept, from: before, to: after)
    func new(_ name: String) throws -> [Float] { module.read(after.entry(name)) }
    // A convolution is O, I, H, W: nine numbers a filter of one input channel.
    let filter = try #require(old["layers.1.conv.weight"])
    var filters: [Float] = []
    for channel in module.kept { filters += filter[9 * channel..<9 * channel + 9] }
    #expect(try new("layers.1.conv.weight") == filters)
    for name in ["conv.bias", "batch_norm.weight", "batch_norm.bias", "batch_norm.running_mean"] {
      let vector = try #require(old["layers.1." + name])
      #expect(try new("layers.1." + name) == module.kept.map { vector[$0] }, "\(name)")
    }
    // A linear layer behind a flatten is out, then channel, height, width: four numbers a channel.
    let matrix = try #require(old["auxiliaries.1.hidden.1.linear.weight"])
    var rows: [Float] = []
    for row in 0..<36 {
      for channel in module.kept {
        let first = 36 * row + 4 * channel
        rows += matrix[first..<first + 4]
      }
    }
    #expect(try new("auxiliaries.1.hidden.1.linear.weight") == rows)
    // What reads no channel of the layer stays whole.
    for name in ["auxiliaries.1.hidden.1.linear.bias", "auxiliaries.1.output.weight"] {
      #expect(try new(name) == old[name], "\(name)")
    }
  }

  @Test("keeps the channels of the highest scores, of equal ones the first, in their order")
  func ties() {
    #expect(channelsToKeep([1, 5, 5, 0, 5], count: 2) == [1, 2])
    #expect(channelsToKeep([1, 5, 5, 0, 6], count: 4) == [0, 1, 2, 4])
    #expect(channelsToKeep([0, 0, 0], count: 2) == [0, 1])
    #expect(channelsToKeep([3, 1, 2], count: 1) == [0])
  }
}

@Suite("The importance of channels")
struct ChannelRankingTests {
  static let nets = [
    "network: {family: vgg, widths: [9, 8]}\nauxiliary: linear",
    "network: {family: vgg, widths: [9, 8]}\nauxiliary: {kind: cnn, k: 2}",
    "network: {family: vgg, widths: [9, 8]}\nauxiliary: {kind: mlp-sr, convolutions: 1, hidden: 1}",
  ]

  /// The gradient that the ranking program makes is that of the loss: scaling a channel, which its batch norm's scale and
  /// shift do in front of ReLU, changes the loss in Double by as much as z dz says.
  @Test(arguments: nets)
  func taylor(net: String) throws {
    // Numbers near a kink could take another branch in Float: others are drawn then.
    for seed in 0..<50 where try isTaylorTrue(of: NarrowedModule(net, seed: UInt64(seed)), net) { return }
    Issue.record("no numbers away from every kink")
  }

  /// - Returns: false where the numbers are too near a kink to tell.
  private func isTaylorTrue(of module: NarrowedModule, _ net: String) throws -> Bool {
    let (plan, engine, narrowing) = (module.plan, module.engine, module.narrowing)
    let program = try #require(plan.stages[0].programs[.ranking])
    let indices = [Int32](0..<32)
    engine.prepare(module.images, split: .train, indices: indices.span, epoch: 1, for: program)
    let batch = engine.withValue(program.graph.images, of: program) { span in
      span.indices.map { Double(span[$0]) }
    }
    let statistics = plan.stages[0].resident.entries.filter { $0.value.category == .statistics }
    let before = statistics.map(module.read)
    engine.run(program, batch: 32)
    #expect(statistics.map(module.read) == before, "ranking leaves running statistics alone")

    let node = try #require(program.graph.nodes.last)
    guard node.op == Op(ChannelScores(.taylor)) else {
      Issue.record("the last operation is \(node.op)")
      return true
    }
    func values(_ id: ValueID) -> [Double] {
      engine.withValue(id, of: program) { span in span.indices.map { Double(span[$0]) } }
    }
    let (z, dz) = (values(node.operands[1]), values(node.operands[2]))
    let scores = module.read(narrowing.scores).map { Double($0) }
    let channels = narrowing.channels
    let pixels = z.count / channels / 32
    for c in 0..<channels {
      var expected = 0.0
      for n in 0..<32 {
        var mean = 0.0
        for p in 0..<pixels {
          let place = (n * pixels + p) * channels + c
          mean += 32 * z[place] * dz[place] / Double(pixels)
        }
        expected += abs(mean)
      }
      #expect(abs(scores[c] - expected) < 1e-4 * expected + 1e-9, "channel \(c): \(scores[c]), \(expected)")
    }

    let spec = try spec(net)
    let network = try spec.graphs(after: "fuse")[0].graph
    let labels = indices.map { Int(module.images.dataset.label(.train, Int($0))) }
    var tensors: [String: [Double]] = [:]
    for entry in plan.stages[0].resident.entries {
      tensors[entry.value.name] = engine.withBytes(of: entry) { bytes in
        (0..<entry.value.type.elementCount).map {
          Double(unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 4 * $0, as: Float.self))
        }
      }
    }
    let input = Images(batch: 32, height: 8, width: 8, channels: 1, values: batch)
    func loss(scaling channel: Int, by factor: Double) -> Double {
      var scaled = tensors
      for name in ["layers.1.batch_norm.weight", "layers.1.batch_norm.bias"] {
        scaled[name]?[channel] *= factor
      }
      var reference = ReferenceProgram(network, tensors: scaled, images: input, labels: labels)
      return reference.run(modules: [1])
    }
    var untouched = ReferenceProgram(network, tensors: tensors, images: input, labels: labels)
    untouched.run(modules: [1])
    guard untouched.margin > 1e-5 else { return false }
    let step = 1e-6
    for c in 0..<channels {
      let slope = (loss(scaling: c, by: 1 + step) - loss(scaling: c, by: 1 - step)) / (2 * step)
      var told = 0.0
      for place in stride(from: c, to: z.count, by: channels) { told += z[place] * dz[place] }
      #expect(abs(slope - told) < 2e-3 * abs(slope) + 2e-5, "channel \(c): \(slope), \(told)")
    }
    return true
  }

  private func spec(_ net: String) throws -> DecodedSpec {
    try DecodedSpec(
      """
      strata: 1
      name: narrowed
      data: {source: digits}
      \(net)
      training: {strategy: sequential, batch: 32}
      """)
  }
}
