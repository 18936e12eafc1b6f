import CompilerSupport
import Diagnostics
import SpecLanguage
import Testing

/// A fragment's spec; the test fails where there is none or a fault.
func spec(_ fragment: String, sets: [String] = [], _ location: SourceLocation = #_sourceLocation) throws
  -> Spec
{
  let decoded = Decoded(completed(fragment), sets: sets)
  #expect(decoded.codes == [], "\(decoded.rendered)", sourceLocation: location)
  return try #require(decoded.result.spec, sourceLocation: location)
}

extension Spec {
  var vggLayers: [VGGLayerSpec] { if case .vgg(let vgg) = network.body { vgg.layers } else { [] } }
  var resnet: ResNetSpec? { if case .resnet(let resnet) = network.body { resnet } else { nil } }
}

@Suite struct DecodeTests {
  /// Kernels divide by these, in single precision.
  @Test(
    arguments: [
      "data: {source: digits, normalize: {mean: [0.5], std: [1e-60]}}\n",
      "data: {source: digits, normalize: {mean: [0.5], std: [1e-39]}}\n",
      "training: {optimizer: {kind: adam, epsilon: 1e-50}}\n",
    ])
  func positiveInSinglePrecision(fragment: String) throws {
    let decoded = Decoded(completed(fragment))
    #expect(decoded.codes == ["E034"])
    #expect(decoded.rendered.contains("in single precision this is 0"))
    let spec = try spec("training: {optimizer: {kind: adam, beta2: 0.99999999, epsilon: 2e-38}}\n")
    #expect(spec.training.optimizer.beta2.value == 0.99999999)
  }

  @Test func defaultsOfVGG() throws {
    let spec = try spec("network: {family: vgg, widths: [8, 16]}\n")
    #expect(spec.data.source.value == .synthetic)
    #expect(spec.data.path == nil && spec.data.trainLimit == nil && spec.data.normalization == nil)
    #expect(spec.data.padCrop.value == 0 && !spec.data.flipHorizontal.value)
    #expect(spec.network.input.value.text == "3x32x32" && spec.network.classes.value == 10)
    #expect(spec.vggLayers.map(\.width.value) == [8, 16])
    #expect(spec.vggLayers.allSatisfy { $0.kernel.value == 3 && $0.bias.value && $0.batchNorm.value })
    #expect(spec.network.batchNorm.value && spec.network.from == nil)
    expect(spec.network.head, is: { if case .auxiliary = $0 { true } else { false } })
    #expect(spec.network.initialization.weights.value == .default)
    #expect(spec.network.initialization.batchNorm.value == .ones)
    expect(spec.downsampling.placement, is: { if case .none = $0 { true } else { false } })
    expect(spec.auxiliary.standard.kind, is: { if case .linear = $0 { true } else { false } })
    #expect(spec.auxiliary.standard.poolSize.value == 2 && spec.auxiliary.overrides.isEmpty)
    #expect(spec.auxiliary.loss.value == .crossEntropy)
    #expect(spec.training.strategy.value == .parallel)
    expect(spec.training.partition, is: { if case .perLayer = $0 { true } else { false } })
    #expect(
      spec.training.epochs.value == 1 && spec.training.batch.value == 128 && !spec.training.dropLast.value)
    let optimizer = spec.training.optimizer
    #expect(optimizer.kind.value == .sgd && optimizer.learningRate.value == 0.1)
    #expect(
      optimizer.momentum.value == 0.9 && optimizer.weightDecay.value == 5e-4 && !optimizer.nesterov.value)
    expect(spec.training.schedule, is: { if case .constant = $0 { true } else { false } })
    #expect(spec.training.momentumAtDecay.value == .keep && spec.training.overrides.isEmpty)
    #expect(spec.training.startEvery.value == 0 && spec.training.asynchronous == nil)
    #expect(spec.training.seed.value == 1)
    #expect(spec.numerics.value == .fast && spec.memory.budget == nil && spec.memory.features.value == .auto)
  }

  @Test func defaultsOfResNet() throws {
    let spec = try spec(
      "network: {family: resnet, stages: [{blocks: 2, width: 16}, {blocks: 1, width: 32}]}\n")
    let resnet = try #require(spec.resnet)
    #expect(resnet.block.value == .basic && resnet.shortcut.value == .projection && !resnet.bias.value)
    #expect(resnet.stem.width.value == 16 && resnet.stem.kernel.value == 3)
    #expect(resnet.stem.stride.value == 1 && !resnet.stem.maxPool.value)
    #expect(resnet.stages.map(\.blocks.value) == [2, 1] && resnet.stages.map(\.width.value) == [16, 32])
    #expect(resnet.stages.map(\.kernel.value) == [3, 3])
    #expect(spec.downsampling.kind.value == .stride)
    expect(spec.downsampling.placement, is: { if case .standard = $0 { true } else { false } })
    expect(spec.training.partition, is: { if case .perBlock = $0 { true } else { false } })
  }

  @Test(arguments: [
    ("digits", "1x8x8", 10), ("cifar10", "3x32x32", 10), ("cifar100", "3x32x32", 100),
    ("synthetic", "3x32x32", 10),
  ])
  func dataGivesShapeAndClasses(source: String, input: String, classes: Int) throws {
    let spec = try spec("data: {source: \(source)}\nnetwork: {family: vgg, widths: [8]}\n")
    #expect(spec.network.input.value.text == input)
    #expect(spec.network.classes.value == classes)
  }

  @Test func madeUpDataHasAnyShape() throws {
    let spec = try spec("network: {family: vgg, widths: [8], input: 1x4x4, classes: 2}\n")
    #expect(spec.network.input.value.text == "1x4x4" && spec.network.classes.value == 2)
  }

  @Test func repeatsAndListsOfLayers() throws {
    let spec = try spec(
      """
      network:
        family: vgg
        widths: [16, {width: 8, repeat: 2}, {width: 4}]
        kernel: [3, 1, 5, 11]
        bias: [true, false, true, false]
        batch-norm: [false, true, false, true]
      """)
    #expect(spec.vggLayers.map(\.width.value) == [16, 8, 8, 4])
    #expect(spec.vggLayers.map(\.kernel.value) == [3, 1, 5, 11])
    #expect(spec.vggLayers.map(\.bias.value) == [true, false, true, false])
    #expect(spec.vggLayers.map(\.batchNorm.value) == [false, true, false, true])
    #expect(spec.network.batchNorm.value)
  }

  @Test func batchNormOffInEveryLayerIsOffEverywhere() throws {
    #expect(
      try !spec("network: {family: vgg, widths: [8, 8], batch-norm: [false, false]}\n").network.batchNorm
        .value)
    #expect(try !spec("network: {family: vgg, widths: [8, 8], batch-norm: false}\n").network.batchNorm.value)
  }

  @Test func bareWordsAreSectionsOfOneKey() throws {
    let spec = try spec(
      "auxiliary: cnn\nnetwork: {family: vgg, widths: [8], head: gap}\ntraining: {schedule: cosine, optimizer: adam}\n"
    )
    expect(
      spec.auxiliary.standard.kind, is: { if case .cnn(let k, .same) = $0 { k.value == 3 } else { false } })
    expect(
      spec.network.head,
      is: { if case .classifier(let head) = $0, case .gap = head.kind { true } else { false } })
    expect(
      spec.training.schedule,
      is: { if case .cosine(let w, let f) = $0 { w.value == 0 && f.value == 0 } else { false } })
    #expect(
      spec.training.optimizer.kind.value == .adam && spec.training.optimizer.learningRate.value == 0.001)
  }

  @Test func headsAndAuxiliaries() throws {
    func head(_ text: String) throws -> ClassifierKind? {
      let spec = try spec("network: {family: vgg, widths: [8], head: \(text)}\n")
      if case .classifier(let head) = spec.network.head { return head.kind }
      return nil
    }
    try expect(
      head("{kind: mlp, hidden: [10, 20]}"),
      is: { if case .mlpHead(let h)? = $0 { h.map(\.value) == [10, 20] } else { false } })
    try expect(
      head("{kind: mlp, hidden: 2}"), is: { if case .mlp(let h)? = $0 { h.value == 2 } else { false } })
    try expect(head("vgg"), is: { if case .vggHead? = $0 { true } else { false } })
    try expect(head("auxiliary"), is: { $0 == nil })
    try expect(head("{kind: cnn, k: 1}"), is: { if case .linear? = $0 { true } else { false } })
    try expect(
      head("{kind: mlp-sr, convolutions: 1, hidden: 0}"),
      is: { if case .mlpSR(let c, let h)? = $0 { c.value == 1 && h.value == 0 } else { false } })

    func width(_ text: String) throws -> AuxiliaryWidth? {
      let spec = try spec("auxiliary: {kind: cnn, k: 2, width: \(text)}\n")
      if case .cnn(_, let width) = spec.auxiliary.standard.kind { return width }
      return nil
    }
    try expect(width("64"), is: { if case .number(let n)? = $0 { n.value == 64 } else { false } })
    try expect(width("doubled"), is: { if case .doubled(nil)? = $0 { true } else { false } })
    try expect(
      width("{doubled: 32}"), is: { if case .doubled(let n?)? = $0 { n.value == 32 } else { false } })
    try expect(
      width("[8, 4]"), is: { if case .explicit(let n)? = $0 { n.map(\.value) == [8, 4] } else { false } })

    let vgg = try spec(
      "auxiliary: {kind: vgg, overrides: [{module: 3, kind: mlp, hidden: 1}, {module: 1, kind: linear, pool: 4}]}\n"
    )
    expect(vgg.auxiliary.standard.kind, is: { if case .vggAuxiliary = $0 { true } else { false } })
    #expect(vgg.auxiliary.overrides.map(\.module.value) == [1, 3])
    #expect(vgg.auxiliary.overrides.map(\.classifier.poolSize.value) == [4, 2])
  }

  @Test func downsamplingPlaces() throws {
    let mixed = try spec("downsampling: {kind: average-pool, before: [1, {at: 3, kind: stride}, {at: 4}]}\n")
    guard case .before(let positions) = mixed.downsampling.placement else { throw Unexpected() }
    #expect(positions.map(\.item.value) == [1, 3, 4])
    #expect(positions.map(\.kind.value) == [.averagePool, .stride, .averagePool])
    let accelerated = try spec("downsampling: {schedule: {accelerated: 2}}\n")
    expect(
      accelerated.downsampling.placement,
      is: { if case .accelerated(let n) = $0 { n.value == 2 } else { false } })
    let none = try spec(
      "network: {family: resnet, stages: [{blocks: 1, width: 8}]}\ndownsampling: {before: []}\n")
    expect(none.downsampling.placement, is: { if case .none = $0 { true } else { false } })
  }

  @Test func trainingSections() throws {
    let spec = try spec(
      """
      training:
        strategy: asynchronous
        partition: {cuts: [2, 4]}
        drop-last: true
        momentum-at-decay: drop
        optimizer: {momentum: 0.8, nesterov: true}
        schedule: {kind: milestones, at: [2, 5], factor: 0.1}
        overrides: [{module: 2, epochs: 3}, {module: 1, learning-rate: 1}]
        start: {every: 2}
        asynchronous: {buffer: 30, reuse: 4, slow: {module: 3, by: 1.11}, order: sequential, ties: write-pointer, at-decay: clear}
        seed: 18446744073709551615
      """)
    let training = spec.training
    #expect(training.strategy.value == .asynchronous && training.dropLast.value)
    expect(
      training.partition,
      is: { if case .cuts(let cuts, _) = $0 { cuts.map(\.value) == [2, 4] } else { false } })
    #expect(training.momentumAtDecay.value == .drop)
    #expect(training.optimizer.nesterov.value && training.optimizer.momentum.value == 0.8)
    expect(
      training.schedule,
      is: {
        if case .milestones(let at, let f) = $0 {
          at.map(\.value) == [2, 5] && f.value == 0.1
        } else {
          false
        }
      })
    #expect(training.overrides.map(\.module.value) == [1, 2])
    #expect(training.overrides.map { $0.epochs?.value } == [nil, 3])
    #expect(training.overrides.map { $0.learningRate?.value } == [1, nil])
    #expect(training.startEvery.value == 2 && training.seed.value == .max)
    let asynchronous = try #require(training.asynchronous)
    #expect(asynchronous.buffer.value == 30 && asynchronous.reuse.value == 4)
    #expect(asynchronous.slow?.module.value == 3 && asynchronous.slow?.factor.value == 1.11)
    #expect(asynchronous.order.value == .sequential && asynchronous.ties.value == .writePointer)
    #expect(asynchronous.atDecay.value == .clear)
  }

  @Test(arguments: [
    ("900MiB", MemoryBudget.bytes(900 << 20)), ("2GiB", .bytes(2 << 30)), ("1.5KiB", .bytes(1536)),
    ("4096", .bytes(4096)), ("7B", .bytes(7)), ("50%", .percent(50)), ("\"1TiB\"", .bytes(1 << 40)),
  ])
  func sizes(text: String, budget: MemoryBudget) throws {
    #expect(try spec("memory: {budget: \(text)}\n").memory.budget?.value == budget)
  }

  @Test func otherWaysToWriteTheSame() throws {
    // A byte order mark, CRLF, quoted keys and words, a leading document marker, JSON.
    let lines =
      "\u{FEFF}---\r\nstrata: 1\r\n\"name\": 'a'\r\nnetwork: {\"family\": \"vgg\", widths: [0x10]}\r\ntraining: {}\r\n"
    let decoded = Decoded(lines)
    #expect(decoded.codes == [], "\(decoded.rendered)")
    #expect(decoded.result.spec?.vggLayers.map(\.width.value) == [16])
    let json =
      #"{"strata": 1, "name": "a", "network": {"family": "vgg", "widths": [8]}, "training": {"seed": 7}}"#
    #expect(Decoded(json).result.spec?.training.seed.value == 7)
  }

  @Test func spansAreThoseOfTheValues() throws {
    let text = completed("# é\ntraining: {epochs: 12}\n")
    let result = Decoded(text).result
    let epochs = try #require(result.spec?.training.epochs)
    #expect(String(decoding: Array(text.utf8)[epochs.span.utf8], as: UTF8.self) == "12")
    // A default's place is that of the nearest enclosing key.
    let batch = try #require(result.spec?.training.batch)
    #expect(String(decoding: Array(text.utf8)[batch.span.utf8], as: UTF8.self) == "training")
  }

  /// What contradicts other keys has its default in the spec, so that nothing stumbles over it again.
  @Test func contradictionsGoOnWithTheDefault() throws {
    let decoded = Decoded(
      completed(
        """
        data: {source: digits, limit: {train: 5000}, normalize: {mean: [1, 1], std: [1]}}
        network: {family: vgg, widths: [8], input: 3x32x32, classes: 7}
        training: {partition: per-block, optimizer: {momentum: 0, nesterov: true}}
        """))
    #expect(decoded.codes == ["E046", "E047", "E045", "E045", "E043", "E048"], "\(decoded.rendered)")
    let spec = try #require(decoded.result.spec)
    #expect(spec.network.input.value.text == "1x8x8" && spec.network.classes.value == 10)
    #expect(spec.data.trainLimit == nil && spec.data.normalization == nil)
    expect(spec.training.partition, is: { if case .perLayer = $0 { true } else { false } })
    #expect(!spec.training.optimizer.nesterov.value)
  }

  /// With all that it needs written, there is a spec to look further into.
  @Test func unsupportedFeaturesAreRefusedByName() throws {
    let decoded = Decoded(
      completed(
        "data: {source: cifar10, path: x, augment: {random-resized-crop: default}}\nnetwork: {family: vgg, widths: [8]}\n"
      ))
    #expect(decoded.codes == ["E090"] && decoded.result.spec != nil)
    let diagnostic = try #require(decoded.result.diagnostics.first)
    #expect(diagnostic.message == "'random-resized-crop of cifar10' is not supported yet")
  }

  /// What is no whole number is told what it is.
  @Test(
    arguments: [
      ("training: {batch: .inf}", "infinite", nil), ("training: {batch: -.inf}", "infinite", nil),
      ("training: {seed: .nan}", "not a number", nil), ("training: {batch: 2.5}", "has a fraction", nil),
      ("training: {batch: 1e30}", "beyond 64 bits", nil),
      ("training: {batch: 1e3}", "not written as one", "write 1000"),
      ("strata: 1.0", "not written as one", "write 1"), ("strata: 1.5", "has a fraction", nil),
      ("strata: .inf", "infinite", nil), ("strata: 0", "version 0", "write 1"),
      ("strata: 2", "version 2", "a newer Strata may read it"),
    ] as [(String, String, String?)])
  func wrongWholeNumbers(line: String, label: String, help: String?) throws {
    let decoded = Decoded(completed(line + "\n"))
    let diagnostic = try #require(decoded.result.diagnostics.first)
    #expect(
      decoded.codes.count == 1 && diagnostic.label == label && diagnostic.help == help, "\(decoded.rendered)")
  }

  @Test func trainingImagesAreCountedWhereTheSourceTells() throws {
    func count(_ data: String) throws -> Int? { try spec("data: {\(data)}\n").data.trainCount }
    #expect(try count("source: digits") == 1437)
    #expect(try count("source: digits, limit: {train: 300}") == 300)
    #expect(try count("source: synthetic") == 1024)
    #expect(try count("source: synthetic, limit: {train: 5000}") == 5000)
    #expect(try count("source: cifar10, path: x") == 50_000)
    let files = try spec(
      "data: {source: npy, path: x, limit: {train: 9}}\nnetwork: {family: vgg, input: 1x4x4, classes: 2, widths: [8]}\n"
    )
    #expect(files.data.trainCount == nil)
  }
}

struct Unexpected: Error {}

/// Expects something of a value, and shows the value where it does not hold.
private func expect<T>(
  _ value: T, is predicate: (T) -> Bool, sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(predicate(value), "\(value)", sourceLocation: sourceLocation)
}
