import CompilerSupport
import Planning
import Testing

/// The comparison's row of sequential training, which is put together from pieces of its stages, against plans of sequential
/// training, whose stages are laid out one by one.
@Suite("Figures of sequential training")
struct SequentialFiguresTests {
  private func expectSame(_ text: String, images: Int, threads: Int, _ name: String) throws {
    let sequential = try DecodedSpec(text, sets: ["training.strategy=sequential"])
    let parallel = try DecodedSpec(text, sets: ["training.strategy=parallel"])
    let plan = try sequential.plan(threads: threads, images: images)
    let other = try parallel.plan(threads: threads, images: images)
    let laidOut = try #require(sequential.comparison(with: plan).rows.first { $0.strategy == .sequential })
    let found = try #require(parallel.comparison(with: other).rows.first { $0.strategy == .sequential })
    #expect(found.stages == laidOut.stages, "\(name)")
    #expect(found == laidOut, "\(name)")
    // The row is the plan's own where the plan is sequential, and so what stands in it is what a run takes.
    #expect(laidOut.memory == plan.memory, "\(name)")
  }

  @Test("of random specs", arguments: 0..<80)
  func random(seed: Int) throws {
    let random = RandomSpec(seed: seed)
    // Sections that belong to one strategy alone.
    let isBound = ["compression:", "asynchronous", "start:"].contains { random.text.contains($0) }
    if isBound { return }
    try expectSame(
      random.text, images: random.images, threads: 1 + seed % 3, "seed \(seed):\n\(random.text)")
  }

  /// More modules than a window has, in several forms.
  @Test(
    arguments: [
      "family: vgg, input: 3x8x8, widths: [{width: 8, repeat: 20}]",
      "family: vgg, input: 3x8x8, widths: [4, 6, 8, 12, 4, 4, 4, 20, 4, 4, 2], batch-norm: false",
      "family: vgg, input: 1x4x4, widths: [{width: 3, repeat: 9}], head: {kind: mlp, hidden: [16]}",
      "family: resnet, input: 3x16x16, stem: {width: 8, kernel: 3}, stages: [{blocks: 4, width: 8}, {blocks: 5, width: 12}]",
      "family: resnet, input: 3x16x16, block: bottleneck, stem: {width: 8, kernel: 3}, stages: [{blocks: 6, width: 8}]",
    ],
    [
      "auxiliary: {kind: linear}", "auxiliary: {kind: mlp-sr, convolutions: 2, hidden: 2}",
      "auxiliary: {kind: cnn, k: 2, width: 6}\ndownsampling: {kind: max-pool, before: [3]}",
    ])
  func deep(network: String, auxiliary: String) throws {
    for batch in [4, 16] {
      let text = """
        strata: 1
        name: deep
        network: {\(network)}
        \(auxiliary)
        training: {strategy: parallel, batch: \(batch), epochs: 2}
        """
      try expectSame(text, images: 40, threads: 2, "\(network), \(auxiliary), \(batch)")
    }
  }
}
