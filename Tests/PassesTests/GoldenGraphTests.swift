import CompilerSupport
import TestSupport
import Testing

/// A small spec and the passes after which its graphs are kept as text.
struct GoldenCase: Sendable, CustomTestStringConvertible {
  /// The golden's folder.
  let name: String
  let text: String
  let passes: [String]

  var testDescription: String { name }

  static let all = [
    GoldenCase(
      name: "parallel", text: twoLayers(strategy: "parallel"),
      passes: [
        "lowering", "partition", "auxiliaries", "fuse", "stage", "evaluation", "fold", "differentiate",
        "dead-values", "algorithms", "in-place",
      ]),
    GoldenCase(
      name: "sequential", text: twoLayers(strategy: "sequential"),
      passes: ["stage", "fold", "differentiate", "in-place"]),
    GoldenCase(
      name: "end-to-end", text: twoLayers(strategy: "end-to-end"),
      passes: ["partition", "auxiliaries", "in-place"]),
    GoldenCase(name: "resnet", text: residual, passes: ["lowering", "fuse", "differentiate", "in-place"]),
    GoldenCase(name: "pools", text: pools, passes: ["differentiate", "masks", "in-place"]),
    GoldenCase(
      name: "averages", text: averages, passes: ["masks", "spreads", "late-normalization", "in-place"]),
    GoldenCase(name: "similarity", text: similarity, passes: ["auxiliaries", "differentiate"]),
  ]

  private static func twoLayers(strategy: String) -> String {
    """
    strata: 1
    name: two-layers
    network:
      family: vgg
      input: 3x16x16
      classes: 10
      widths: [8, 12]
      head: gap
    downsampling: {kind: max-pool, before: [2]}
    auxiliary: {kind: mlp-sr, convolutions: 1, hidden: 1}
    training: {strategy: \(strategy), batch: 32}
    """
  }

  /// A block whose shortcut is its input, and one that halves and projects.
  private static let residual = """
    strata: 1
    name: residual
    network:
      family: resnet
      input: 3x8x8
      classes: 10
      stages: [{blocks: 1, width: 8}, {blocks: 1, width: 12}]
      head: gap
    training: {strategy: end-to-end, batch: 8}
    """

  /// ReLUs in front of both kinds of pools that pass masks on.
  private static let pools = """
    strata: 1
    name: pools
    network: {family: vgg, input: 3x8x8, classes: 10, widths: [8, 12], batch-norm: false, head: {kind: vgg}}
    downsampling: {kind: invertible, before: [2]}
    training: {strategy: end-to-end, batch: 8}
    """

  /// Averages that cover the image, which are fused, and uneven ones, which are not.
  private static let averages = """
    strata: 1
    name: averages
    network: {family: vgg, input: 3x16x16, classes: 10, widths: [8, 8, 8], head: gap}
    auxiliary: {kind: linear, pool: 2, overrides: [{module: 2, pool: 3}]}
    training: {strategy: parallel, batch: 8}
    """

  private static let similarity = """
    strata: 1
    name: similarity
    network: {family: vgg, input: 3x8x8, classes: 10, widths: [8, 12], batch-norm: false, head: gap}
    downsampling: {kind: invertible, before: [2]}
    auxiliary: {kind: cnn, k: 2, loss: predsim}
    training: {strategy: parallel, batch: 8}
    """
}

@Suite("Graphs after each pass")
struct GoldenGraphTests {
  @Test(arguments: GoldenCase.all)
  func isAsRecorded(golden: GoldenCase) throws {
    let spec = try DecodedSpec(golden.text)
    for pass in golden.passes {
      expectGolden(spec.text(try spec.graphs(after: pass)), "\(golden.name)/\(pass).txt")
    }
  }

  @Test("the last pass is what the planner gets")
  func lastPass() throws {
    let spec = try DecodedSpec(GoldenCase.all[0].text)
    #expect(spec.text(try spec.graphs(after: nil)) == spec.text(try spec.graphs(after: "in-place")))
  }
}
