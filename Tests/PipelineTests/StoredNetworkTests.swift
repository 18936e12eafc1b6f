import CompilerSupport
import GraphIR
import Pipeline
import Planning
import SpecLanguage
import TestSupport
import Testing

/// Networks that are rebuilt from what a model file says of them.
@Suite("Networks of model files")
struct StoredNetworkTests {
  /// What the file of a plan's run would hold.
  private struct File {
    var wiring: NetworkWiring
    var shapes: [String: [Int]] = [:]
    var input: ImageShape

    init(_ plan: Plan) {
      wiring = plan.wiring
      for entry in plan.resident.entries { shapes[entry.value.name] = entry.value.type.pyTorchShape }
      input = ImageShape(channels: plan.input.channels, height: plan.input.height, width: plan.input.width)
    }

    func network(batch: Int = 3) throws -> StoredNetwork {
      try StoredNetwork(wiring: wiring, shapes: shapes, input: input, batch: batch)
    }
  }

  @Test("come to the same wiring, tensors and work as the spec's own", arguments: 1...60)
  func random(seed: Int) throws {
    let spec = RandomSpec(seed: seed)
    let plan = try DecodedSpec(spec.text).plan(images: spec.images)
    // Layers that lose channels have the shapes of the end.
    let file = File(plan)
    let network = try file.network()
    #expect(NetworkWiring(network.graph) == plan.wiring, "seed \(seed)")
    let tensors = network.graph.values.filter { $0.category == .parameter || $0.category == .statistics }
    let expected = file.shapes.filter { !$0.key.contains(".similarity.") }
    #expect(Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.type.pyTorchShape) }) == expected)
    #expect(network.classes == plan.classes)
    #expect(
      network.modules.map(\.number)
        == Array((plan.modules.count - network.modules.count + 1)...plan.modules.count))
    // Programs for every answer are laid out, and proved.
    for index in network.modules.indices {
      let program = PredictionProgram(network, .module(index), threads: 2)
      #expect(program.program.graph.shape(program.logits).channels == plan.classes)
    }
    if network.modules.count > 1 {
      let all = PredictionProgram(network, .ensemble(ofProbabilities: true), threads: 1)
      #expect(all.resident.byteCount > 0)
    }
  }

  /// Metadata that lies: a fault or a network, never a trap, whatever it says.
  @Test("metadata that lies is refused in words")
  func hostile() throws {
    let plans = try (1...12).map { seed in
      let spec = RandomSpec(seed: seed)
      return try DecodedSpec(spec.text).plan(images: spec.images)
    }
    let files = plans.map { File($0) }
    let report = FuzzCampaign("wirings", usualCount: 4000).run { seed, random in
      var file = files[Int.random(in: 0..<files.count, using: &random)]
      var texts = file.wiring.texts
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let names = texts.keys.sorted()
        guard let name = names.randomElement(using: &random), let text = texts[name] else { break }
        switch Int.random(in: 0..<6, using: &random) {
        case 0: texts[name] = nil
        case 1:
          var bytes = Array(text.utf8)
          Mutation.spoil(&bytes, head: bytes.count, &random)
          texts[name] = String(decoding: bytes, as: UTF8.self)
        case 2:
          var steps = text.components(separatedBy: ", ")
          steps.swapAt(
            Int.random(in: 0..<steps.count, using: &random), Int.random(in: 0..<steps.count, using: &random))
          texts[name] = steps.joined(separator: ", ")
        case 3:
          let sizes = ["0", "1", "7", "64", "16384", "1048575", "9223372036854775807"]
          texts[name] = text.replacing(/\d+/) { _ in sizes.randomElement(using: &random) ?? "" }
        case 4:
          guard let tensor = file.shapes.keys.sorted().randomElement(using: &random) else { break }
          file.shapes[tensor] = (0..<Int.random(in: 0...5, using: &random)).map { _ in
            [0, 1, 3, 8, 1 << 20, 1 << 40, .max].randomElement(using: &random) ?? 0
          }
        default:
          file.input = ImageShape(
            channels: [1, 3, 65_536].randomElement(using: &random) ?? 1,
            height: [1, 2, 8, 65_536].randomElement(using: &random) ?? 1,
            width: [1, 2, 8, 65_536].randomElement(using: &random) ?? 1)
        }
      }
      file.wiring = NetworkWiring(texts: texts)
      do {
        _ = try file.network(batch: 4)
        return true
      } catch {
        #expect(!"\(error)".isEmpty, "seed \(seed)")
        return false
      }
    }
    #expect(report.refusedCount > 0)
  }

  @Test("steps are read back as they were written")
  func steps() {
    #expect(
      WiringStep("shortcut conv 1x1 stride 2 with bias")
        == .convolution(kernel: 1, stride: 2, padding: 0, hasBias: true, isShortcut: true))
    #expect(
      WiringStep("conv 3x3 padding 1")
        == .convolution(kernel: 3, stride: 1, padding: 1, hasBias: false, isShortcut: false))
    #expect(WiringStep("adaptive-average-pool 8x8 to 2x3") == .adaptiveAveragePool(height: 2, width: 3))
    #expect(WiringStep("max-pool 3x3 stride 2 padding 1") == .maxPool(window: 3, stride: 2, padding: 1))
    for text in [
      "conv 3x5", "conv", "conv 3x3 stride", "fold 3x3", "linear 7", "behind", "conv 3x3 padding -1", "",
    ] {
      let step = WiringStep(text)
      #expect(step == nil || step == .activation(text), "\(text)")
    }
  }
}
