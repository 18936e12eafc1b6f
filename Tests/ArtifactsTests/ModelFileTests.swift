import Artifacts
import CompilerSupport
import Execution
import Planning
import Testing

@Suite("The model file") struct ModelFileTests {
  private let folder: TemporaryFolder
  private var plan: Plan

  init() throws {
    folder = try TemporaryFolder(inMemory: true)
    plan = try DecodedSpec(
      """
      strata: 1
      name: small
      network: {family: vgg, input: 2x6x6, widths: [4, 5, 6]}
      training: {strategy: sequential, batch: 16}
      """
    ).plan()
  }

  private var path: String { folder.path + "/model.safetensors" }

  private func engine(_ plan: Plan) throws -> Engine {
    let engine = try Engine(plan.memoryMap)
    engine.initialize([1, 2, 3], in: plan.resident, seed: plan.training.seed)
    return engine
  }

  private func names() throws -> [String] {
    try StartFile.facts(of: path).tensors.map(\.name)
  }

  @Test("says how its layers compute")
  func wiring() throws {
    let receipt = try ModelFile(plan).write(from: try engine(plan), to: path)
    #expect(receipt.byteCount == ModelFile(plan).byteCount)
    let facts = try StartFile.facts(of: path)
    #expect(facts.wiring == plan.wiring && !facts.wiring.steps.isEmpty)
    #expect(facts.notFinite == [])
    #expect(facts.tensors.map(\.name) == plan.resident.entries.map(\.value.name).sorted())
  }

  @Test("does not hold classifiers that nobody trained; a file that does is read all the same")
  func untrained() throws {
    _ = try ModelFile(plan).write(from: try engine(plan), to: path)
    let all = try names()
    var started = plan
    started.start = StartPlan(path: "a", sha256: "", tensors: [], unsolved: [1])
    try ModelFile(started).read(into: try engine(started), from: path)
    let receipt = try ModelFile(started).write(from: try engine(started), to: path)
    #expect(receipt.byteCount == ModelFile(started).byteCount)
    #expect(try names() == all.filter { !$0.hasPrefix("auxiliaries.1.") })
    #expect(try StartFile.facts(of: path).wiring.steps["auxiliaries.1"] == nil)
    try ModelFile(started).read(into: try engine(started), from: path)
    // Who trained it misses it.
    #expect(throws: ModelFileError.self) { try ModelFile(plan).read(into: try engine(plan), from: path) }
  }

  @Test("numbers that are not finite are told, and not read", arguments: [Float.nan, .infinity, -.infinity])
  func notFinite(number: Float) throws {
    let source = try engine(plan)
    let entry = plan.resident.entry("layers.2.conv.weight")
    source.write(entry, from: entry.value.type.elementCount - 1, [number].span)
    _ = try ModelFile(plan).write(from: source, to: path)
    #expect(try StartFile.facts(of: path).notFinite == ["layers.2.conv.weight"])
    let target = try engine(plan)
    do throws(ModelFileError) {
      try ModelFile(plan).read(into: target, from: path)
      Issue.record("it was read")
    } catch {
      #expect(error.message == "\(path): the tensor 'layers.2.conv.weight' has numbers that are not finite")
    }
  }
}
