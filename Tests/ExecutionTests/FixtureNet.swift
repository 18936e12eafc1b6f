import Testing

/// A net of `Tests/Fixtures/pytorch` as a spec.
struct FixtureNet: Sendable, CustomTestStringConvertible {
  /// Of the fixture's file.
  let name: String
  /// What its spec says beyond the common part.
  private let sections: String

  var testDescription: String { name }

  static let all = [
    FixtureNet(
      name: "max-pool-mlp-sr",
      sections: """
        downsampling: {kind: max-pool, before: [2]}
        auxiliary: {kind: mlp-sr, convolutions: 1, hidden: 1}
        """, head: "{kind: mlp, hidden: [16, 16]}"),
    FixtureNet(
      name: "invertible-cnn",
      sections: """
        downsampling: {kind: invertible, before: [2]}
        auxiliary: {kind: cnn, k: 2, width: same}
        """, head: "auxiliary"),
    FixtureNet(
      name: "stride-linear-gap",
      sections: """
        downsampling: {kind: stride, before: [2]}
        auxiliary: linear
        """, head: "gap"),
  ]

  private let head: String

  private init(name: String, sections: String, head: String) {
    self.name = name
    self.sections = sections
    self.head = head
  }

  /// - Parameter batch: planned; the fixture's own is 6.
  func text(strategy: String, numerics: String, batch: Int) -> String {
    """
    strata: 1
    name: \(name)
    data: {source: synthetic}
    network: {family: vgg, input: 3x8x8, classes: 10, widths: [8, 12], head: \(head)}
    \(sections)
    numerics: \(numerics)
    training:
      strategy: \(strategy)
      batch: \(batch)
      optimizer: {kind: sgd, learning-rate: 0.1, momentum: 0.9, weight-decay: 5e-4}
    """
  }
}
