import CompilerSupport
import Pipeline
import Planning
import SpecLanguage
import Testing

@Suite("Ranks behind frozen modules")
struct FrozenRankTests {
  @Test("count what the frozen modules take, whatever one process keeps of them", arguments: [64, 20_000])
  func frozen(images: Int) throws {
    let text = startSpec(
      widths: "[6, 8, 10, 12]", network: ", from: runs/a, frozen: 2", training: "strategy: parallel, batch: 8"
    )
    let weights = try storedWeights(startSpec(widths: "[6, 8]"))
    let plan = try compiledStart(text, from: weights, images: images)
    var compiler = try DecodedSpec(text).rankCompiler(plan, 2)
    let costs = compiler.costs()
    #expect(costs.byModule.allSatisfy { $0 > 0 })
    let groups = compiler.groups(costs, count: 2)
    #expect(groups == [1...3, 4...4])
    let ranks = compiler.ranks(groups).ranks
    #expect(ranks.map { $0.stage.schedule.indices } == [[3], [4]])
    // Layers of frozen modules run forward, from images; nothing of them is updated.
    let updated = ranks[0].stage.training.graph.nodes.filter { $0.op.text.hasPrefix("sgd") }.map(\.module)
    #expect(!updated.isEmpty && updated.allSatisfy { $0 == 3 })
    #expect(ranks[0].stage.training.inputs.map(\.kind) == [.images, .labels])
    #expect(throws: SpecFaults.self) { try DecodedSpec(text).rankCompiler(plan, 3) }
  }
}
