import CompilerSupport
import Diagnostics
import Foundation
import SpecLanguage
import TestSupport
import Testing

/// Broken bytes never trap, never take long, and never give a place outside of the text.
@Suite struct FuzzTests {
  private static let seeds = [
    completed(
      """
      # yaml-language-server: $schema=strata.schema.json
      data: {source: cifar10, path: "dätä", limit: {train: 5000}, normalize: {mean: [0.1, 0.2, 0.3], std: [1, 1, 1]}}
      network:
        family: vgg
        widths: [64, {width: 128, repeat: 2}, 256]
        kernel: [3, 3, 3, 1]
        head: {kind: mlp, hidden: [1024, 1024]}
      downsampling:
        kind: max-pool
        before: [2, {at: 4, kind: stride}]
      auxiliary:
        kind: mlp-sr
        overrides:
          - {module: 1, kind: cnn, width: {doubled: 8}}
          - module: 2
            kind: mlp
      training:
        partition: {cuts: [2, 3]}
        optimizer: {kind: sgd, learning-rate: 0.1, weight-decay: 5e-4}
        schedule: {kind: milestones, at: [1, 2], factor: 0.2}
        asynchronous: {buffer: 30, slow: {module: 3, by: 1.11}}
        seed: 18446744073709551615
      memory: {budget: 2GiB}
      """),
    completed(
      "network:\n  family: resnet\n  stages:\n    - {blocks: 2, width: 64}\n    - blocks: 3\n      width: 128\n"
    ),
    "{\"strata\": 1, \"name\": \"日本\", \"network\": {\"family\": \"vgg\", \"widths\": [8]}, \"training\": {\"drop-last\": yes}}",
  ]

  private static let pieces =
    [
      "[", "]", "{", "}", ":", ": ", "- ", "? ", ", ", "\n", "\r\n", "\t", " ", "  ", "#", "'", "\"", "&a ",
      "*a", "!t ", "|\n",
      ">", "%", "---\n", "...\n", "@", "`", "\\", "é", "日", "🇩🇪", "e\u{301}", "\u{FEFF}", "\u{85}", "\u{2028}",
      "\0", "<<: ",
      "1e999", "-0", "0x", "99999999999999999999", "1_0", "null", "~", "true", "kind: ", "width: ",
      "overrides: ", "x", "-", ".inf",
    ].map { Array($0.utf8) } + [[0xFF], [0xC3], [0xED, 0xA0, 0x80]]

  private static func mutant(_ random: inout SplitMix64) -> [UInt8] {
    var bytes = Array((seeds.randomElement(using: &random) ?? "").utf8)
    for _ in 0..<Int.random(in: 1...6, using: &random) {
      let place = Int.random(in: 0...bytes.count, using: &random)
      let length = Int.random(in: 0...min(20, bytes.count - place), using: &random)
      switch Int.random(in: 0..<6, using: &random) {
      case 0: bytes.insert(contentsOf: pieces.randomElement(using: &random) ?? [], at: place)
      case 1: bytes.removeSubrange(place..<place + length)
      case 2: bytes.replaceSubrange(place..<place + length, with: pieces.randomElement(using: &random) ?? [])
      case 3:
        bytes.insert(
          contentsOf: bytes[place..<place + length], at: Int.random(in: 0...bytes.count, using: &random))
      case 4: if place < bytes.count { bytes[place] = UInt8.random(in: 0...255, using: &random) }
      default: bytes.removeSubrange(place...)
      }
    }
    return bytes
  }

  @Test func mutantsAreHarmless() {
    let report = FuzzCampaign("specs", usualCount: 2000).run { seed, _ in
      var random = SplitMix64(seed: seed)
      let bytes = Self.mutant(&random)
      let sets = [[], ["training.epochs=3"], [String(decoding: Self.mutant(&random), as: UTF8.self)]]
      return Self.check(bytes, sets: sets.randomElement(using: &random) ?? [], "seed \(seed)")
    }
    if report.isLong { #expect(report.peakByteCount < FuzzCampaign.memoryCap) }
  }

  @Test(arguments: [
    "[", "{", "{a: ", "- ", "? ", "a:\n", "[a, ", "!", "&", "*", "\"", "'", "|", "a", "a: b\n", "é", "- a\n",
    "{a: b}, ",
    ",", ":", "? a\n", "a: {b: [c]}\n", "#\n", "\n", " ", "---\n", "\\", "x: [", "network:\n  ", "1", "-\n",
  ])
  func repetitionsAreHarmless(piece: String) {
    let count = 100_000 / piece.utf8.count
    for text in [
      String(repeating: piece, count: count), "training: " + String(repeating: piece, count: count),
    ] {
      _ = Self.check(Array(text.utf8), sets: [], piece)
    }
  }

  /// - Returns: whether there is nothing wrong with it.
  private static func check(_ bytes: [UInt8], sets: [String], _ hint: String) -> Bool {
    var texts = SourceTexts()
    let file = texts.add(label: "net.yaml", bytes: bytes)
    var overrides: [SourceFile] = []
    for set in sets { overrides.append(texts.add(label: "--set", text: set)) }
    let begin = ContinuousClock.now
    let result = decode(file, overrides: overrides)
    #expect(ContinuousClock.now - begin < .seconds(FuzzCampaign.secondsCap), "\(hint)")

    for diagnostic in result.diagnostics {
      let spans =
        [diagnostic.primary] + diagnostic.notes.map(\.span) + (diagnostic.fixIt.map { [$0.span] } ?? [])
      for span in spans {
        let isInside = span.utf8.lowerBound >= 0 && span.utf8.upperBound <= texts[span.file].bytes.count
        #expect(isInside, "\(hint) \(diagnostic.code) \(span)")
      }
    }
    // Showing them must be harmless too; a thousand of them show nothing new.
    let shown = Array(result.diagnostics.prefix(5))
    #expect(DiagnosticRenderer(texts: texts).render(shown).isEmpty == shown.isEmpty)
    let json = Data(DiagnosticJSON(texts: texts).array(shown).utf8)
    #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: json) }

    if result.diagnostics.isEmpty {
      guard let spec = result.spec else {
        Issue.record("no fault and no spec: \(hint)")
        return false
      }
      let text = resolvedText(spec)
      let again = Decoded(text)
      #expect(again.codes == [], "\(hint)\n\(again.rendered)")
      #expect(again.result.spec.map(resolvedText) == text, "\(hint)")
    }
    return result.diagnostics.isEmpty
  }
}
