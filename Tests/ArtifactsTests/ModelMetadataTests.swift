import Artifacts
import CompilerSupport
import Datasets
import Execution
import Foundation
import Planning
import TestSupport
import Testing

@Suite("A model file by itself") struct ModelMetadataTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder(inMemory: true)
  }

  private var path: String { folder.path + "/model.safetensors" }

  private func metadata() throws -> [String: String] {
    let reader = try SafetensorsReader(path: path)
    var found: [String: String] = [:]
    for (key, value) in reader.metadata { found[key] = value }
    return found
  }

  private func write(_ text: String, images: DataFacts.Images?) throws {
    var facts = DecodedSpec.facts(images: 40)
    facts.images = images
    let plan = try DecodedSpec(text).plan(facts: facts)
    let engine = try Engine(plan.memoryMap)
    engine.initialize(Array(1...plan.modules.count), in: plan.resident, seed: plan.training.seed)
    let receipt = try ModelFile(plan).write(from: engine, to: path)
    #expect(receipt.byteCount == ModelFile(plan).byteCount)
  }

  private static let digits = """
    strata: 1
    name: small
    data: {source: digits}
    network: {family: vgg, widths: [4, 5], head: gap}
    downsampling: {kind: max-pool, before: [2]}
    auxiliary: {kind: mlp-sr, convolutions: 1, hidden: 1}
    training: {batch: 8}
    """

  @Test("says how its network is fed, and what its answers are called")
  func fed() throws {
    let images = DataFacts.Images(
      pixelScale: 16, mean: [0.305215], standardDeviation: [0.376322], classNames: (0..<10).map { "\($0)" })
    try write(Self.digits, images: images)
    #expect(
      try metadata() == [
        "format": "pt", "input": "1x8x8", "pixelScale": "16", "mean": "[0.305215]",
        "standardDeviation": "[0.376322]",
        "classes": #"["0","1","2","3","4","5","6","7","8","9"]"#,
        "wiring.layers.1": "conv 3x3 padding 1 with bias, batch-norm, relu",
        "wiring.layers.2": "max-pool 2x2 stride 2, conv 3x3 padding 1 with bias, batch-norm, relu",
        "wiring.auxiliaries.1":
          "behind layers.1, adaptive-average-pool 8x8 to 2x2, conv 1x1, batch-norm, relu, flatten 4x2x2, linear, "
          + "batch-norm, relu, linear",
        "wiring.head": "behind layers.2, adaptive-average-pool 4x4 to 1x1, flatten 5x1x1, linear",
      ])
    let bytes = try folder.bytes("model.safetensors")
    try write(Self.digits, images: images)
    #expect(try folder.bytes("model.safetensors") == bytes)
  }

  @Test("the spec's own normalization, a number of classes without names, and nothing that nobody told")
  func told() throws {
    let text = Self.digits.replacing(
      "source: digits", with: "source: synthetic, normalize: {mean: [0.1], std: [0.25]}"
    ).replacing("widths: [4, 5]", with: "classes: 12, input: 1x8x8, widths: [4, 5]")
    try write(
      text,
      images: DataFacts.Images(
        pixelScale: 255, mean: [0.5], standardDeviation: [2], classNames: (0..<10).map { "\($0)" }))
    let found = try metadata()
    #expect(
      found["mean"] == "[0.1]" && found["standardDeviation"] == "[0.25]" && found["pixelScale"] == "255")
    #expect(found["classes"] == "12")
    try write(Self.digits, images: nil)
    #expect(
      try metadata().keys.filter { !$0.hasPrefix("wiring.") }.sorted() == ["classes", "format", "input"])
  }

  @Test(
    "every source says what its pixels are divided by",
    arguments: [
      (DatasetSource.digits, 16), (.cifar10(folder: "."), 255), (.cifar100(folder: "."), 255),
      (
        .synthetic(
          SyntheticImages(
            dimensions: ImageDimensions(channels: 3, height: 8, width: 8), classCount: 2, seed: 1)),
        1
      ),
    ] as [(DatasetSource, Int)])
  func scales(source: DatasetSource, scale: Int) throws {
    #expect(try Dataset.facts(of: source).pixelScale == scale)
  }

  @Test("the reference states the numbers of every source")
  func statedNumbers() throws {
    let readme = URL(filePath: #filePath).appending(path: "../../../specs/README.md").standardizedFileURL
    let text = try String(contentsOf: readme, encoding: .utf8)
    for source in [DatasetSource.digits, .cifar10(folder: "."), .cifar100(folder: ".")] {
      let facts = try Dataset.facts(of: source)
      func list(_ numbers: [Float]) -> String { numbers.map { "\($0)" }.joined(separator: ", ") }
      let row =
        "| `\(source.name)` | \(facts.pixelScale) | \(list(facts.normalization.mean)) | \(list(facts.normalization.standardDeviation)) |"
      #expect(text.contains("\n\(row)\n"), "\(row)")
    }
  }

  // MARK: - Computed from the file alone

  /// What random specs do not draw.
  private static let further = [
    "network: {family: vgg, input: 3x10x10, classes: 4, widths: [5, 6], head: vgg}\nauxiliary: {kind: vgg}",
    "network: {family: resnet, input: 2x8x8, classes: 3, shortcut: zero-pad, stem: {width: 3, kernel: 3, pool: max}, "
      + "stages: [{blocks: 2, width: 4}, {blocks: 1, width: 7}]}\nauxiliary: {kind: linear, pool: 3}",
    "network: {family: resnet, input: 2x8x8, classes: 3, block: bottleneck, bias: true, "
      + "stages: [{blocks: 1, width: 2}, {blocks: 1, width: 3}], head: gap}\n"
      + "downsampling: {kind: invertible, schedule: standard}\nauxiliary: {kind: cnn, k: 3, width: doubled}",
    "network: {family: resnet, input: 1x8x8, classes: 3, batch-norm: false, stages: [{blocks: 1, width: 2}, {blocks: 1, width: 3}], "
      + "head: {kind: mlp, hidden: [6, 5]}}\ndownsampling: {kind: average-pool, schedule: standard}\n"
      + "auxiliary: {kind: mlp-sr, convolutions: 2, hidden: 2}",
    // Odd sizes: a stride leaves ceil(n / 2), a pool floor(n / 2).
    "network: {family: vgg, input: 2x7x7, classes: 3, widths: [4, 5, 6], kernel: [3, 5, 3], head: gap}\n"
      + "downsampling: {kind: average-pool, before: [2, 3]}\nauxiliary: {kind: mlp-sr, convolutions: 1, hidden: 1}",
    "network: {family: vgg, input: 1x9x9, classes: 3, widths: [4, 5, 6], head: vgg}\n"
      + "downsampling: {kind: max-pool, before: [2, {at: 3, kind: stride}]}\nauxiliary: {kind: cnn, k: 2}",
    "network: {family: resnet, input: 2x9x9, classes: 3, shortcut: zero-pad, stem: {width: 3, kernel: 3, pool: max}, "
      + "stages: [{blocks: 1, width: 4}, {blocks: 1, width: 5}]}\nauxiliary: {kind: linear}",
  ].map { "strata: 1\nname: net\ndata: {source: synthetic}\n\($0)\ntraining: {batch: 4}\n" }

  @Test(
    "its wiring and its tensors give the answers of the engine: heads and shortcuts of every kind",
    arguments: further)
  func wiredByHand(text: String) throws { try expectAnswers(text) }

  @Test("likewise of random networks", arguments: 1...60)
  func wiredRandom(seed: Int) throws { try expectAnswers(RandomSpec(seed: seed, size: .run).text) }

  private func expectAnswers(_ text: String) throws {
    let count = 6
    let decoded = try DecodedSpec(text)
    let plan = try decoded.plan(facts: DecodedSpec.facts(images: 24))
    let engine = try Engine(plan.memoryMap)
    engine.initialize(Array(1...plan.modules.count), in: plan.resident, seed: plan.training.seed)
    // Statistics and scales as a training leaves them: none is 0 or 1.
    var random = SplitMix64(seed: 5)
    for entry in plan.resident.entries where entry.value.type.elementCount == entry.value.type.pyTorchShape[0]
    {
      let isVariance = entry.value.name.hasSuffix("running_var")
      let numbers = (0..<entry.value.type.elementCount).map { _ in
        Float.random(in: isVariance ? 0.5...2 : -0.6...0.6, using: &random)
      }
      engine.write(entry, from: 0, numbers.span)
    }
    _ = try ModelFile(plan).write(from: engine, to: path)

    let dimensions = ImageDimensions(
      channels: plan.input.channels, height: plan.input.height, width: plan.input.width)
    let dataset = try Dataset(
      .synthetic(SyntheticImages(dimensions: dimensions, classCount: plan.classes, seed: 3)),
      limit: DatasetLimit(train: 24, test: count))
    let preparer = ImagePreparer(dataset: dataset, seed: 3)
    var images = Images(
      batch: count, height: dimensions.height, width: dimensions.width, channels: dimensions.channels)
    var labels: [Int] = []
    for index in 0..<count {
      var numbers = [Float](repeating: 0, count: dimensions.elementCount)
      let label = numbers.withUnsafeMutableBufferPointer {
        preparer.prepare(.test, index: index, epoch: nil, into: $0)
      }
      labels.append(Int(label))
      images.values.replaceSubrange(
        index * numbers.count..<(index + 1) * numbers.count, with: numbers.map { Double($0) })
    }

    let network = WiredNetwork(
      try Fixture(bytes: try folder.bytes("model.safetensors")), metadata: try metadata())
    let answers = try network.logits(of: images)
    let sums = try Evaluator(engine: engine, images: preparer).run(plan.evaluation).filter {
      !$0.isEnsemble
    }
    #expect(answers.count == sums.count)
    for sum in sums {
      let name = sum.module == plan.modules.count ? "head" : "auxiliaries.\(sum.module)"
      let logits = try #require(answers[name])
      let expected = Reference.softmaxCrossEntropy(logits, labels: labels)
      #expect(sum.top1Count == expected.top1, "\(name): \(text)")
      // `sim` and `predsim` measure more than the cross entropy.
      guard !network.tensors.contains("\(name).similarity.conv.weight") else { continue }
      let isClose = abs(sum.meanLoss - expected.loss) <= 1e-4 * max(1, expected.loss)
      #expect(isClose, "\(name): \(sum.meanLoss), from the file \(expected.loss)\n\(text)")
    }
  }
}
