import Artifacts
import CompilerSupport
import Execution
import GraphIR
import Pipeline
import Planning
import SpecLanguage
import TestSupport
import Testing

/// A model file from a stranger, of which everything is taken: the network, how it is fed, and its weights.
@Suite("Spoiled models")
struct StoredModelFuzzTests {
  private static let specs = [
    """
    strata: 1
    name: small
    network: {family: vgg, input: 2x6x6, widths: [4, 5], ensemble: probabilities, activation: {kind: leaky-relu}}
    training: {strategy: sequential, epochs: 3, batch: 16, optimizer: adam}
    """,
    """
    strata: 1
    name: small
    network: {family: resnet, input: 3x8x8, classes: 3, stem: {width: 4, pool: max}, stages: [{blocks: 1, width: 4}, {blocks: 1, width: 6}], head: gap, activation: gelu}
    training: {strategy: parallel, epochs: 3, batch: 16}
    """,
  ]

  /// Of as many images as pass at once.
  private static let batch = 4

  /// - Returns: whether a program is made of the file, and its weights are loaded where its arena is small.
  private func use(_ path: String) -> Bool {
    guard let stored = try? StoredModel(path: path) else { return false }
    _ = try? stored.torchvisionModel()
    let input = ImageShape(
      channels: stored.input.channels, height: stored.input.height, width: stored.input.width)
    guard
      let network = try? StoredNetwork(
        wiring: stored.wiring, shapes: stored.shapes, input: input, batch: Self.batch,
        headModule: stored.headModule)
    else { return false }
    let answers: [PredictionProgram.Answer] =
      [.module(network.modules.count - 1)]
      + (network.modules.count > 1 ? [.ensemble(ofProbabilities: stored.ensembleOfProbabilities)] : [])
    for answer in answers {
      _ = network.forward(answer)
      let program = PredictionProgram(network, answer, threads: 2)
      // The command holds the plan against the machine before anything is mapped.
      guard program.program.arenaBytes < 4 << 20, let engine = try? Engine(program.memoryMap) else {
        continue
      }
      do throws(ModelFileError) { try stored.load(program.resident, into: engine) } catch {
        #expect(!error.message.isEmpty)
      }
    }
    return true
  }

  @Test("are refused in words, or make a network, whatever they say", arguments: specs.indices)
  func models(index: Int) throws {
    let plan = try DecodedSpec(Self.specs[index]).plan()
    let engine = try Engine(plan.memoryMap)
    engine.initialize(Array(1...plan.modules.count), in: plan.resident, seed: plan.training.seed)
    let folder = try TemporaryFolder(inMemory: true)
    _ = try ModelFile(plan).write(from: engine, to: folder.path + "/good")
    let good = try folder.bytes("good")
    #expect(use(folder.path + "/good"))
    let headerCount = good.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let report = try FuzzCampaign("model \(index)", usualCount: 5000).run { seed, random in
      var header = Array(good[8..<8 + headerCount])
      Mutation.spoil(&header, head: header.count, &random)
      // Mostly a header whose length is right, so that what it says is looked at.
      let length = seed % 8 == 0 ? headerCount : header.count
      let prefix = (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
      try folder.write(prefix + header + good[(8 + headerCount)...], to: "model.safetensors")
      return use(folder.path + "/model.safetensors")
    }
    #expect(report.slowest.seconds < FuzzCampaign.secondsCap, "seed \(report.slowest.seed)")
    if report.isLong { #expect(report.peakByteCount < FuzzCampaign.memoryCap) }
    #expect(report.refusedCount > report.acceptedCount / 100, "most changes are faults")
  }
}
