import CompilerSupport
import Execution
import Planning
import Testing

/// Pieces of work depend on sizes alone, and so does the order in which their results are added up.
@Suite("Many workers")
struct ManyWorkersTests {
  /// Pools, strides, products by every algorithm, and enough images that there are more pieces than workers.
  private static let networks = [
    """
    network: {family: vgg, input: 3x16x16, classes: 10, widths: [16, 24, 7], kernel: [3, 5, 1], head: {kind: mlp, hidden: [20]}}
    downsampling: {kind: max-pool, before: [2]}
    auxiliary: {kind: mlp-sr, convolutions: 1, hidden: 1, loss: predsim}
    """,
    """
    network: {family: resnet, input: 3x16x16, classes: 10, block: bottleneck, stem: {width: 8, kernel: 3, stride: 1}, stages: [{blocks: 1, width: 4}, {blocks: 1, width: 8}], head: gap}
    auxiliary: {kind: cnn, k: 2}
    """,
  ]

  @Test(
    "16 and 64 come to the bits of one", arguments: networks,
    ["parallel", "sequential", "end-to-end", "asynchronous"])
  func bits(sections: String, strategy: String) throws {
    let spec = try DecodedSpec(
      "strata: 1\nname: many\n\(sections)\ntraining: {strategy: \(strategy), epochs: 1, batch: 40}\n")
    let states = try [1, 16, 64].map { threads in
      try TrainedState(spec, try spec.plan(threads: threads, images: 90, choices: PlanChoices()))
    }
    #expect(states[1] == states[0] && states[2] == states[0])
  }
}
