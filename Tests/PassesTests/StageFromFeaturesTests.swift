import CompilerSupport
import GraphIR
import Operators
import Passes
import Testing

/// Programs whose batch is what a module outputs.
@Suite("Stages that start from features")
struct StageFromFeaturesTests {
  private let network: Graph

  init() throws {
    let spec = try DecodedSpec(
      """
      strata: 1
      name: three
      network: {family: vgg, input: 3x16x16, classes: 10, widths: [8, 12, 16], head: gap}
      downsampling: {kind: max-pool, before: [2]}
      training: {strategy: sequential, batch: 4}
      """)
    network = try #require(try spec.graphs(after: "fuse").first).graph
  }

  @Test("a module's training alone reads features and labels")
  func training() throws {
    let stage = DeadValueElimination().run(TrainingStage(modules: [3], startingAt: 3).run(network))
    try GraphVerifier(stage).verify()
    #expect(stage[stage.images].name == "features")
    #expect(stage[stage.images].category == .batch)
    #expect(stage.shape(stage.images) == Shape(batch: 4, height: 8, width: 8, channels: 12))
    #expect(Set(stage.nodes.map(\.module)) == [3])
    #expect(stage.values.filter { $0.category == .batch }.count == 2)
    #expect(stage.metrics.map(\.module) == [3])
    #expect(stage.values.filter { $0.category == .parameter }.allSatisfy { $0.module == 3 })
  }

  @Test("with a frozen module between, that one is inference")
  func frozenBetween() throws {
    let stage = DeadValueElimination().run(TrainingStage(modules: [3], startingAt: 2).run(network))
    try GraphVerifier(stage).verify()
    #expect(stage.shape(stage.images) == Shape(batch: 4, height: 16, width: 16, channels: 8))
    for node in stage.nodes {
      guard let norm = node.op.as(BatchNorm.self) else { continue }
      #expect(norm.mode == (node.module == 3 ? .training : .inference))
    }
  }

  @Test("the first module starts from images")
  func images() {
    #expect(
      TrainingStage(modules: [1], startingAt: 1).run(network) == TrainingStage(modules: [1]).run(network))
  }

  @Test("evaluation of one module alone")
  func evaluation() throws {
    let stage = DeadValueElimination().run(
      EvaluationStage(modules: [2], ensemble: .logits, startingAt: 2).run(network))
    try GraphVerifier(stage).verify()
    #expect(stage[stage.images].name == "features" && Set(stage.nodes.map(\.module)) == [2])
  }

  @Test("what computes features keeps its last module's output and nothing else")
  func features() throws {
    let stage = DeadValueElimination().run(FeatureStage(modules: 1...2).run(network))
    try GraphVerifier(stage).verify()
    #expect(stage[stage.images].name == "images" && stage.metrics.isEmpty)
    #expect(stage.moduleOutputs.map(stage.shape) == [Shape(batch: 4, height: 8, width: 8, channels: 12)])
    #expect(stage.nodes.allSatisfy { $0.part == .layers && $0.module <= 2 })
    let second = DeadValueElimination().run(FeatureStage(modules: 2...2).run(network))
    try GraphVerifier(second).verify()
    #expect(second[second.images].name == "features" && Set(second.nodes.map(\.module)) == [2])
  }
}
