import Artifacts
import CompilerSupport
import Pipeline
import Planning
import SpecLanguage
import Testing
import Text

@Suite("What a plan that narrows its network is compared with")
struct NarrowComparisonTests {
  private func spec(_ widths: String, _ rest: String) throws -> DecodedSpec {
    try DecodedSpec(
      """
      strata: 1
      name: narrow
      network: {family: vgg, input: 3x8x8, widths: \(widths), head: {kind: cnn, k: 2, width: 4}}
      auxiliary: {kind: cnn, k: 2, width: 7}
      downsampling: {kind: invertible, before: [2]}
      \(rest)

      """)
  }

  private func wide() throws -> DecodedSpec {
    try spec(
      "[12, 8, 10]",
      """
      training: {strategy: sequential, epochs: 2, batch: 8}
      compression: {width: [6, 8, 5], epochs: 1}
      """)
  }

  private func narrow(_ strategy: String) throws -> DecodedSpec {
    try spec("[6, 8, 5]", "training: {strategy: \(strategy), epochs: 2, batch: 8}")
  }

  @Test(
    "the network that is left, trained by backpropagation or side by side from the start",
    arguments: [TrainingStrategy.endToEnd, .parallel])
  func rows(strategy: TrainingStrategy) throws {
    let (wide, narrow) = (try wide(), try narrow(strategy.rawValue))
    let (plan, other) = (try wide.plan(), try narrow.plan())
    let (comparison, others) = (try wide.comparison(with: plan), try narrow.comparison(with: other))
    let row = try #require(comparison.rows.first { $0.strategy == strategy })
    #expect(comparison.rows.count { $0.strategy == .sequential } == 1)
    #expect(row.memory == other.memory)
    #expect(row.stages.map(\.memory) == other.stages.map(\.memory))
    #expect(row.stages == others.rows.first { $0.strategy == strategy }?.stages)
    #expect(
      row.trainingMultiplyAdds < comparison.rows.first { $0.strategy == .sequential }?.trainingMultiplyAdds
        ?? 0)
    let text = ComparisonText(plan, comparison).text(.plain, withStages: false)
    #expect(text.contains("trains the narrow one from the start") && !text.contains("same network"))
    #expect(
      ComparisonText(other, others).text(.plain, withStages: false).contains("same network, batch and data"))
  }

  @Test("the largest batch is that of the network that is left")
  func largestBatch() throws {
    func largest(_ spec: DecodedSpec) throws -> [LargestBatch] {
      try LargestBatch.all(
        of: LoweredSpec(spec.spec),
        options: CompileOptions(
          threads: 2, facts: DecodedSpec.facts(images: 64), specText: resolvedText(spec.spec)),
        budgetBytes: 40 << 20)
    }
    let (wide, narrow) = (try largest(wide()), try largest(narrow("sequential")))
    for strategy in [Strategy.endToEnd, .parallel] {
      let found = try #require(wide.first { $0.strategy == strategy })
      #expect(found.batch != nil && found == narrow.first { $0.strategy == strategy })
    }
  }
}
