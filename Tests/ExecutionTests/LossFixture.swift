import Testing

/// A net of `Tests/Fixtures/pytorch/losses` as a spec.
struct LossFixture: Sendable, CustomTestStringConvertible {
  /// Of the fixture's file.
  let name: String
  /// What the spec says beyond name, data, batch and strategy.
  let network: String
  let sections: String
  var partition = "per-layer"
  var optimizer = Self.sgd
  var labelSmoothing = 0.0
  /// Relative, of a loss.
  var tolerance = 1e-5

  var testDescription: String { name }
  var path: String { "pytorch/losses/\(name).safetensors" }

  private static let sgd = "{kind: sgd, learning-rate: 0.1, momentum: 0.9, weight-decay: 5e-4}"
  private static let maxPool = "downsampling: {kind: max-pool, before: [2]}"
  private static let stem = "stem: {width: 4, kernel: 3, stride: 1, pool: none}"
  private static let twoStages = "\(stem), stages: [{blocks: 1, width: 4}, {blocks: 1, width: 8}]"
  private static let maxPoolNet =
    "family: vgg, input: 3x8x8, widths: [8, 12], head: {kind: mlp, hidden: [16, 16]}"
  private static let maxPoolSections = """
    \(maxPool)
    auxiliary: {kind: mlp-sr, convolutions: 1, hidden: 1}
    """

  static let all = [
    LossFixture(
      name: "resnet-basic",
      network: "family: resnet, input: 3x8x8, block: basic, \(twoStages), shortcut: projection, head: gap",
      sections: "auxiliary: linear", partition: "per-block"),
    LossFixture(
      name: "resnet-bottleneck",
      network: """
        family: resnet, input: 3x8x8, block: bottleneck, \(stem), stages: [{blocks: 1, width: 2}], \
        shortcut: projection, head: linear
        """,
      sections: "auxiliary: linear", partition: "per-block"),
    LossFixture(
      name: "resnet-zero-pad",
      network: "family: resnet, input: 3x8x8, block: basic, \(twoStages), shortcut: zero-pad, head: gap",
      sections: "auxiliary: linear", partition: "per-block"),
    LossFixture(
      name: "average-pool-mlp", network: "family: vgg, input: 3x8x8, widths: [6, 8], head: gap",
      sections: """
        downsampling: {kind: average-pool, before: [2]}
        auxiliary: {kind: mlp, hidden: 2}
        """),
    LossFixture(
      name: "vgg-auxiliary", network: "family: vgg, input: 3x12x12, widths: [4, 6], head: gap",
      sections: "auxiliary: vgg"),
    LossFixture(
      name: "sim", network: "family: vgg, input: 3x8x8, widths: [8, 12], head: gap",
      sections: """
        \(maxPool)
        auxiliary: {kind: linear, loss: sim}
        """, tolerance: 1e-4),
    LossFixture(
      name: "predsim", network: "family: vgg, input: 3x8x8, widths: [8, 12], head: gap",
      sections: """
        \(maxPool)
        auxiliary: {kind: linear, loss: predsim}
        """, tolerance: 1e-4),
    LossFixture(
      name: "adam", network: maxPoolNet, sections: maxPoolSections,
      optimizer: "{kind: adam, learning-rate: 0.01, weight-decay: 5e-4}"),
    LossFixture(
      name: "adamw",
      network: "family: resnet, input: 3x8x8, block: basic, \(twoStages), shortcut: projection, head: gap",
      sections: "auxiliary: linear", partition: "per-block",
      optimizer: "{kind: adamw, learning-rate: 0.01, weight-decay: 0.1, decay: weights}"),
    LossFixture(
      name: "smoothed", network: "family: vgg, input: 3x8x8, widths: [8, 12], head: gap",
      sections: "\(maxPool)\nauxiliary: linear", labelSmoothing: 0.1),
    LossFixture(
      name: "leaky-relu",
      network: """
        family: resnet, input: 3x8x8, block: basic, \(twoStages), shortcut: zero-pad, head: gap, \
        activation: {kind: leaky-relu, slope: 0.1}
        """,
      sections: "auxiliary: linear", partition: "per-block"),
    LossFixture(
      name: "gelu",
      network: """
        family: resnet, input: 3x8x8, block: basic, \(twoStages), shortcut: projection, head: gap, activation: gelu
        """,
      sections: "auxiliary: linear", partition: "per-block"),
    LossFixture(
      name: "silu", network: "\(maxPoolNet), activation: silu", sections: maxPoolSections),
    LossFixture(
      name: "nesterov", network: maxPoolNet, sections: maxPoolSections,
      optimizer: "{kind: sgd, learning-rate: 0.1, momentum: 0.9, nesterov: true, weight-decay: 5e-4}"),
    LossFixture(
      name: "odd-max-pool", network: "family: vgg, input: 3x7x7, widths: [8, 12], head: gap",
      sections: "\(maxPool)\nauxiliary: linear"),
    LossFixture(
      name: "odd-average-pool", network: "family: vgg, input: 3x7x7, widths: [8, 12], head: gap",
      sections: "downsampling: {kind: average-pool, before: [2]}\nauxiliary: linear"),
    LossFixture(
      name: "odd-projection",
      network: "family: resnet, input: 3x7x7, block: basic, \(twoStages), shortcut: projection, head: gap",
      sections: "auxiliary: linear", partition: "per-block"),
    LossFixture(
      name: "odd-zero-pad",
      network: """
        family: resnet, input: 3x5x5, block: bottleneck, \(stem), \
        stages: [{blocks: 1, width: 2}, {blocks: 1, width: 3}], shortcut: zero-pad, head: gap
        """,
      sections: "auxiliary: linear", partition: "per-block"),
  ]

  var learningRate: Float { optimizer.contains("adam") ? 0.01 : 0.1 }

  func text(numerics: String) -> String {
    """
    strata: 1
    name: \(name)
    data: {source: synthetic}
    network: {\(network), classes: 10}
    \(sections)
    numerics: \(numerics)
    training: {strategy: parallel, partition: \(partition), batch: 6, optimizer: \(optimizer)\(labelSmoothing > 0 ? ", loss: {label-smoothing: \(labelSmoothing)}" : "")}
    """
  }
}
