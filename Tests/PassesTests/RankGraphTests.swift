import CompilerSupport
import Planning
import TestSupport
import Testing

@Suite("Graphs of ranks")
struct RankGraphTests {
  @Test("receive, learn and send as recorded")
  func golden() throws {
    let decoded = try DecodedSpec(
      """
      strata: 1
      name: ranked
      data: {source: synthetic}
      network: {family: vgg, input: 3x8x8, classes: 4, widths: [4, 8, 8], head: gap}
      downsampling: {kind: max-pool, before: [2]}
      training: {strategy: parallel, batch: 16}
      """)
    let plan = try decoded.ranked(3)
    let text = try (plan.ranks?.ranks ?? []).map { try decoded.rankText($0, of: plan) }
    expectGolden(text.joined(separator: "\n"), "ranks/in-place.txt")
  }
}
