import CompilerSupport
import Diagnostics
import SpecLanguage
import Testing

@Suite struct BadSpecTests {
  @Test(arguments: badTexts + badKeys + badValues + badRelations)
  func oneFaultAtItsPlace(bad: BadSpec) throws {
    let marked = bad.marked
    let decoded = Decoded(marked.text)
    #expect(decoded.codes == [bad.code], "\(decoded.rendered)")
    let diagnostic = try #require(decoded.result.diagnostics.first)
    #expect(diagnostic.primary.utf8 == marked.primaries[0], "\(decoded.rendered)")
    let notes = diagnostic.notes.map(\.span.utf8).sorted { $0.lowerBound < $1.lowerBound }
    #expect(notes == marked.notes, "\(decoded.rendered)")
    #expect(decoded.rendered.contains("--> net.yaml:\(marked.place(marked.primaries[0].lowerBound))\n"))
    #expect((decoded.result.spec != nil) == bad.leavesSpec)
  }

  /// A fix-it is only given where it is right.
  @Test(arguments: badTexts + badKeys + badValues + badRelations)
  func fixItsRemoveTheFault(bad: BadSpec) throws {
    let text = bad.marked.text
    guard let fix = Decoded(text).result.diagnostics.first?.fixIt else { return }
    var bytes = Array(text.utf8)
    bytes.replaceSubrange(fix.span.utf8, with: Array(fix.replacement.utf8))
    let repaired = Decoded(String(decoding: bytes, as: UTF8.self))
    #expect(!repaired.codes.contains(bad.code), "\(repaired.rendered)")
  }

  @Test func thereAreFixItsToTest() {
    let all = badTexts + badKeys + badValues + badRelations
    let fixed = all.filter { Decoded($0.marked.text).result.diagnostics.first?.fixIt != nil }
    #expect(all.count >= 100)
    #expect(fixed.count >= 20)
  }

  @Test func bytesThatAreNoUTF8() {
    for (bytes, offset) in [
      ([0x61, 0xFF], 1), ([0xC3], 0), ([0xC0, 0x80], 0), ([0xED, 0xA0, 0x80], 0), ([0xE2, 0x82], 0),
      ([0xF5, 0x80, 0x80, 0x80], 0), ([0xC3, 0xA9, 0x80], 2),
    ] as [([UInt8], Int)] {
      let file = SourceFile(id: SourceFileID(index: 0), label: "x", bytes: bytes)
      let result = decode(file)
      #expect(result.diagnostics.map(\.code) == ["E002"])
      #expect(result.diagnostics.first?.primary.utf8 == offset..<offset + 1)
    }
  }

  @Test func filesBeyondTheLimitAreNotRead() {
    let limit = SourceScan.largestByteCount
    let small = completed("# " + String(repeating: "x", count: limit - 200) + "\n")
    #expect(Decoded(small).codes.isEmpty)
    #expect(Decoded(small + "#" + String(repeating: "x", count: 200)).codes == ["E001"])
  }
}

extension BadSpec: CustomTestStringConvertible {
  public var testDescription: String { "\(code) \(fragment.debugDescription)" }
}
