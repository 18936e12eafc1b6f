import CompilerSupport
import Diagnostics
import SpecLanguage
import Testing

/// A value with all its places left out: equal texts, equal values.
func meaning(_ value: Any) -> String {
  if value is SourceSpan { return "" }
  let mirror = Mirror(reflecting: value)
  guard !mirror.children.isEmpty else { return String(reflecting: value) }
  // Printed overrides are in the order of their modules, whichever entry they were.
  let isOverride = value is AuxiliaryOverride || value is TrainingOverride
  let children = mirror.children.filter { !(isOverride && $0.label == "path") }.map {
    "\($0.label ?? ""):\(meaning($0.value))"
  }
  return "\(mirror.subjectType)(\(children.joined(separator: ",")))"
}

@Suite struct ResolvedTextTests {
  private static func expectRoundTrip(_ spec: Spec, _ hint: String = "") {
    let text = resolvedText(spec)
    let again = Decoded(text)
    #expect(again.codes == [], "\(hint)\n\(text)\n\(again.rendered)")
    guard let second = again.result.spec else { return }
    #expect(meaning(second) == meaning(spec), "\(hint)\n\(text)")
    #expect(resolvedText(second) == text, "\(hint)")
  }

  /// Specs made from the table: whatever is wrong with them, the table does not say; the others survive printing.
  @Test func everySpecSurvivesPrinting() {
    let betweenKeys = [
      "E023", "E030", "E041", "E042", "E043", "E044", "E045", "E046", "E047", "E048", "E049", "E051", "E052",
      "E053",
      "E150", "E151",
      // And what the table has and this release has not.
      "E090",
    ]
    var good = 0
    for seed in 1...800 as ClosedRange<UInt64> {
      var generator = SpecGenerator(seed: seed)
      let text = generator.spec()
      let decoded = Decoded(text)
      let others = decoded.codes.filter { !betweenKeys.contains($0) }
      #expect(others == [], "seed \(seed)\n\(text)\n\(decoded.rendered)")
      guard decoded.codes.isEmpty, let spec = decoded.result.spec else { continue }
      good += 1
      Self.expectRoundTrip(spec, "seed \(seed)\n\(text)")
    }
    #expect(good > 150, "too few good specs to say anything: \(good)")
  }

  @Test(arguments: [
    "{width: 4, epochs: 1}", "{width: [8, 4], epochs: 3, fine-tune: module, learning-rate: 0.5}",
    "{width: [1, 8], epochs: 2, criterion: activation, pictures: 9}",
    "{width: 7, epochs: 1, criterion: weight-norm}",
  ])
  func compressionSurvivesPrinting(compression: String) throws {
    let spec = try spec(
      """
      network: {family: vgg, widths: [8, 8]}
      training: {strategy: sequential}
      compression: \(compression)

      """)
    #expect(resolvedText(spec).contains("\ncompression:\n  width: "))
    Self.expectRoundTrip(spec, compression)
  }

  @Test func canonicalText() throws {
    let spec = try spec(
      """
      strata: 1
      name: "true"
      network:
        family: vgg
        widths: [{width: 8, repeat: 2}, 4]
        kernel: [3, 3, 1]
        head: {kind: cnn, width: {doubled: 8}}
      memory: {budget: 1.5GiB}
      data: {path: "é ü", source: cifar10}
      downsampling: {before: [1, {at: 2, kind: stride}, {at: 3, kind: max-pool}]}
      auxiliary: {overrides: [{module: 2, kind: mlp}]}
      training: {optimizer: {weight-decay: 1e-5}, schedule: {kind: step, every: 3, factor: 0.2}}
      """)
    #expect(
      resolvedText(spec) == """
        strata: 1
        name: "true"
        data:
          source: cifar10
          path: "é ü"
          augment:
            pad-crop: 0
            flip: none
          normalize: default
        network:
          family: vgg
          input: 3x32x32
          classes: 10
          widths: [8, 8, 4]
          kernel: [3, 3, 1]
          bias: true
          batch-norm: true
          head:
            kind: cnn
            k: 3
            width:
              doubled: 8
            pool: 2
          init:
            weights: default
            batch-norm: ones
        downsampling:
          kind: max-pool
          before: [1, {at: 2, kind: stride}, 3]
        auxiliary:
          kind: linear
          pool: 2
          loss: cross-entropy
          overrides:
            - {module: 2, kind: mlp, hidden: 3}
        training:
          strategy: parallel
          partition: per-layer
          epochs: 1
          batch: 128
          drop-last: false
          optimizer:
            kind: sgd
            learning-rate: 0.1
            momentum: 0.9
            nesterov: false
            weight-decay: 1e-05
          schedule:
            kind: step
            every: 3
            factor: 0.2
          momentum-at-decay: keep
          start:
            every: 0
          seed: 1
        numerics: fast
        memory:
          budget: 1536MiB
          features: auto

        """)
    Self.expectRoundTrip(spec)
  }

  @Test func commentsOrderAndSpellingDoNotChangeIt() throws {
    let one = try spec("training: {epochs: 10, seed: 3}\nnumerics: strict\nauxiliary: cnn\n")
    let other = try spec(
      """
      # a comment
      auxiliary: {k: 3, kind: "cnn", width: same}
      numerics: 'strict'
      training:
        seed: 0x3
        epochs: 10   # ten
        optimizer: {learning-rate: 1e-1, momentum: 0.90}
      """)
    #expect(resolvedText(one) == resolvedText(other))
    #expect(
      try resolvedText(spec("auxiliary: {kind: cnn, k: 1}\n")) == resolvedText(spec("auxiliary: linear\n")))
  }

  @Test func setsChangeIt() throws {
    #expect(try resolvedText(spec("")) != resolvedText(spec("", sets: ["training.seed=2"])))
  }

  @Test func everyLineSaysWhereItComesFrom() throws {
    let decoded = Decoded(completed("auxiliary: {overrides: [{module: 1}]}\n"))
    let spec = try #require(decoded.result.spec)
    let plain = resolvedText(spec).split(separator: "\n")
    let annotated = resolvedText(spec, origins: decoded.result.origins, texts: decoded.texts).split(
      separator: "\n")
    #expect(plain.count == annotated.count)
    for (line, commented) in zip(plain, annotated) {
      #expect(commented.hasPrefix(line))
      let isValue = !line.hasSuffix(":")
      #expect(commented.contains("  # ") == (isValue || line.hasSuffix("overrides:")), "\(commented)")
    }
  }
}
