import Diagnostics
import Foundation
import Pipeline
import SpecLanguage
import TestSupport
import Testing

/// Every spec of `specs/`, spoiled: whatever comes out is refused with diagnostics or lowers, in time, and never traps.
///
/// `STRATA_FUZZ` sets the number of mutants, `STRATA_FUZZ_SEED` the first seed.
@Suite("Spoiled specs") struct SpecFuzzTests {
  private static let specs: [[UInt8]] = {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("specs")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.sorted().filter { $0.hasSuffix(".yaml") }.compactMap {
      (try? Data(contentsOf: folder.appendingPathComponent($0))).map { [UInt8]($0) }
    }
  }()

  private static let numbers = [
    "0", "1", "2", "3", "-1", "7", "11", "64", "128", "999", "4096", "65536", "10000", "1e3", "0.5", "1e400",
    "9223372036854775807", "99999999999999999999", "3x7x7", "65536x16384x16384", "1x1x1",
  ]

  @Test("any number of bytes changed, lines moved, numbers exchanged")
  func mutants() {
    #expect(Self.specs.count >= 5)
    let report = FuzzCampaign("spoiled-specs", usualCount: 2000).run { seed, random in
      var bytes = Self.specs[Int.random(in: 0..<Self.specs.count, using: &random)]
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: changeBytes(&bytes, &random)
        case 1: moveLine(&bytes, &random)
        default: exchangeNumber(&bytes, &random)
        }
      }
      return expectHarmless(bytes, "seed \(seed)")
    }
    #expect(report.slowest.seconds < FuzzCampaign.secondsCap, "seed \(report.slowest.seed)")
    if report.isLong { #expect(report.peakByteCount < FuzzCampaign.memoryCap) }
  }

  private func changeBytes(_ bytes: inout [UInt8], _ random: inout SplitMix64) {
    guard !bytes.isEmpty else { return }
    let place = Int.random(in: 0..<bytes.count, using: &random)
    switch Int.random(in: 0..<3, using: &random) {
    case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
    case 1: bytes.remove(at: place)
    default: bytes.insert(UInt8.random(in: 32..<127, using: &random), at: place)
    }
  }

  private func moveLine(_ bytes: inout [UInt8], _ random: inout SplitMix64) {
    var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    let from = Int.random(in: 0..<lines.count, using: &random)
    let line = Bool.random(using: &random) ? lines.remove(at: from) : lines[from]
    lines.insert(line, at: Int.random(in: 0...lines.count, using: &random))
    bytes = Array(lines.joined(separator: [UInt8(ascii: "\n")]))
  }

  private func exchangeNumber(_ bytes: inout [UInt8], _ random: inout SplitMix64) {
    var runs: [Range<Int>] = []
    var index = 0
    while index < bytes.count {
      let begin = index
      while index < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index]) { index += 1 }
      if index > begin { runs.append(begin..<index) }
      index += 1
    }
    guard let run = runs.randomElement(using: &random),
      let number = Self.numbers.randomElement(using: &random)
    else {
      return
    }
    bytes.replaceSubrange(run, with: Array(number.utf8))
  }

  /// Faults lie inside the text; a spec without faults lowers or says why not.
  /// - Returns: whether there is nothing wrong with it.
  private func expectHarmless(_ bytes: [UInt8], _ place: String) -> Bool {
    var texts = SourceTexts()
    let source = texts.add(label: "mutant.yaml", bytes: bytes)
    let result = decode(source)
    var diagnostics = result.diagnostics
    if let spec = result.spec {
      do {
        try check(spec)
      } catch {
        diagnostics += error.diagnostics
      }
    } else {
      #expect(!diagnostics.isEmpty, "\(place): no spec, and no word why")
    }
    for diagnostic in diagnostics {
      let span = diagnostic.primary.utf8
      #expect(
        span.lowerBound >= 0 && span.upperBound <= bytes.count, "\(place): \(diagnostic.code) at \(span)")
    }
    return diagnostics.isEmpty
  }
}
