import CompilerSupport
import GraphIR
import Planning
import Testing

@Suite("Programs of stages")
struct ProgramTests {
  private func spec(_ strategy: String) throws -> DecodedSpec {
    try DecodedSpec(
      """
      strata: 1
      name: three
      network: {family: vgg, input: 3x8x8, classes: 10, widths: [8, 12, 16], head: gap}
      training: {strategy: \(strategy), batch: 4}
      """)
  }

  /// With what frozen modules give kept in a file.
  private func cached() throws -> Plan {
    var choices = PlanChoices()
    (choices.features, choices.featureStages) = (.file, .all)
    return try spec("sequential").plan(choices: choices)
  }

  @Test("say what they start from, and what they pass on")
  func ports() throws {
    let plan = try cached()
    let (first, last) = (plan.stages[0], plan.stages[2])
    #expect(first.training.inputs.map(\.kind) == [.images, .labels])
    #expect(first.training.outputs.map(\.kind) == [.metrics(module: 1)])
    #expect(last.training.inputs.map(\.kind) == [.activation(module: 2), .labels])
    #expect(last.programs[.depthEvaluation]?.inputs.map(\.kind) == [.images, .labels])
    let features = try #require(last.programs[.features])
    #expect(features.inputs[0].kind == .images && features.outputs.map(\.kind) == [.activation(module: 2)])
    #expect(features.featureCount == 12 * 8 * 8)
    let again = try #require(last.programs[.featuresOfPrevious])
    #expect(again.inputs[0].kind == .activation(module: 1))
    #expect(again.outputs.map(\.kind) == [.activation(module: 2)])
  }

  @Test("of asynchronous modules read and write rings")
  func rings() throws {
    let stage = try spec("asynchronous").plan().stages[0]
    let rings: [(Port.Kind, Int)] = [(.ring(module: 1), 2), (.ring(module: 2), 3)]
    let inputs = stage.training.inputs.dropFirst(2)
    #expect(inputs.map(\.kind) == rings.map(\.0) && inputs.map(\.module) == rings.map(\.1))
    #expect(
      stage.training.outputs.map(\.kind)
        == rings.map(\.0) + (1...3).map { .metrics(module: $0) })
    let feeding = try #require(stage.programs[.feeding])
    #expect(feeding.outputs.map(\.kind) == rings.map(\.0))
  }

  @Test("are found by their names, each once")
  func names() throws {
    let plan = try cached()
    #expect(Set(plan.programIDs).count == plan.programIDs.count)
    #expect(Set(plan.programIDs.map(\.title)).count == plan.programIDs.count)
    let roles = plan.stages[2].programs.all.map(\.role)
    #expect(roles == [.training, .evaluation, .depthEvaluation, .features, .featuresOfPrevious])
    for id in plan.programIDs { #expect(plan.program(id).arenaBytes > 0) }
  }

  @Test("lie behind a run of modules that does not begin with the first")
  func run() throws {
    let plan = try cached()
    let network = try #require(try spec("sequential").graphs(after: "fuse").first).graph
    let whole = ResidentLayout(network: network)
    let part = ResidentLayout(network: network, modules: 2...3)
    let kept = whole.entries.filter { $0.value.module > 1 }
    let base = try #require(kept.first?.offset)
    #expect(part.entries.map(\.value) == kept.map(\.value))
    #expect(part.entries.map(\.offset) == kept.map { $0.offset - base })
    #expect(part.byteCount == whole.byteCount - base)

    let stage = plan.stages[2]
    let graph = stage.training.graph
    let planner = Planner(
      threads: 2, training: plan.training, facts: plan.data.facts, choices: plan.choices)
    let resident = planner.resident(
      in: stage.schedule, of: graph, network: ResidentLayout(network: network, modules: 3...3))
    #expect(Set(resident.entries.map(\.value.module)) == [3])
    // Its layout is proved.
    let program = planner.program(graph, resident: resident)
    let frozen = try #require(whole.entries.first { $0.value.module == 3 }?.offset)
    #expect(program.arenaBytes == stage.training.arenaBytes - frozen)
  }
}
