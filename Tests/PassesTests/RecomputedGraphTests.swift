import CompilerSupport
import GraphIR
import Operators
import Planning
import TestSupport
import Testing

/// What a budget makes of a graph.
@Suite("Graphs whose values are computed again")
struct RecomputedGraphTests {
  private static let text = """
    strata: 1
    name: two-layers
    network: {family: vgg, input: 3x32x32, classes: 10, widths: [32, 12], head: gap}
    downsampling: {kind: max-pool, before: [2]}
    auxiliary: {kind: mlp-sr, convolutions: 1, hidden: 1}
    training: {strategy: parallel, batch: 128}
    """

  private func graphs(after pass: String) throws -> (text: String, graph: Graph) {
    let spec = try DecodedSpec(Self.text)
    var choices = PlanChoices()
    choices.recomputeAboveBytes = 1
    let dumps = try spec.graphs(after: pass, choices: choices).filter { $0.title.contains("training") }
    return (spec.text(dumps), dumps[0].graph)
  }

  @Test("are as recorded")
  func isAsRecorded() throws {
    expectGolden(try graphs(after: "recompute").text, "two-layers/recompute.txt")
  }

  /// The first module's output is written over what its batch norm read, behind the last node that reads that, and before that batch
  /// norm's parameters are updated.
  @Test("write a module's output late, in front of the next module")
  func lateOutput() throws {
    let spec = try DecodedSpec(Self.text)
    let graph = try #require(
      try spec.graphs(after: "in-place", choices: PlanChoices()).first { $0.title.contains("training") }
    ).graph
    let index = try #require(
      graph.nodes.lastIndex { $0.op.text == "batch_norm[saved relu]" && $0.module == 1 && $0.part == .layers }
    )
    let clone = graph.nodes[index]
    #expect(clone.overwrites == 0)
    #expect(
      !graph.nodes.contains { $0.op.text == "batch_norm[training relu]" && $0.results[0] == clone.results[0] }
    )
    let reader = try #require(graph.nodes.firstIndex { $0.operands.contains(clone.results[0]) })
    #expect(graph.nodes[reader].module == 2)
    for parameter in clone.operands[1...2] {
      let update = try #require(
        graph.nodes.firstIndex { node in
          if node.op.is(Update.self) { return node.operands[0] == parameter }
          return false
        })
      #expect(update > index)
    }
  }
}
