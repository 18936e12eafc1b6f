import Terminal
import Testing

@Suite("Sizes on the command line")
struct MemorySizeTests {
  @Test(
    "an exact number of bytes in few digits, read back as it was",
    arguments: [
      (512 << 20, "512MiB"), (2 << 30, "2GiB"), (3 << 29, "1.5GiB"), (1000, "1000B"), (1, "1B"),
      (67_108_865, "67108865B"), (1 << 62, "4194304TiB"),
    ])
  func exact(byteCount: Int, text: String) throws {
    #expect(MemorySize.exactText(byteCount) == text)
    #expect(try MemorySize.parse(text).get() == .bytes(byteCount))
  }

  @Test(
    "what is read",
    arguments: [
      ("1", .bytes(1)), ("512B", .bytes(512)), ("1KiB", .bytes(1024)), ("900MiB", .bytes(943_718_400)),
      ("1.5 GiB", .bytes(1_610_612_736)), ("2TiB", .bytes(2_199_023_255_552)), ("80%", .percent(80)),
      ("12.5%", .percent(12.5)), ("100%", .percent(100)),
    ] as [(String, MemorySize)])
  func accepted(text: String, size: MemorySize) throws {
    #expect(try MemorySize.parse(text).get() == size)
  }

  @Test(
    "what is refused",
    arguments: [
      "", "0", "-1GiB", "GiB", "1.2.3MiB", "0%", "101%", "%", "1e3", "0x10", "nan", "inf%", "1 GiB of it",
      "٣MiB",
      "99999999999TiB", "0.5B", "+5%",
    ])
  func refused(text: String) {
    #expect(throws: ValueFault.self) { try MemorySize.parse(text).get() }
  }

  @Test(
    "decimal and shortened units are answered with the unit that was meant",
    arguments: [("2GB", "2GiB"), ("2g", "2GiB"), ("900M", "900MiB"), ("900mib", "900MiB"), ("1kb", "1KiB")])
  func units(text: String, meant: String) {
    guard case .failure(let fault) = MemorySize.parse(text) else {
      Issue.record("'\(text)' was read")
      return
    }
    #expect(fault.help == "units count in 1024s: write '\(meant)'")
  }
}

@Suite("Suggestions")
struct SuggestionTests {
  @Test(
    "edit distance",
    arguments: [
      ("", "", 0), ("abc", "", 3), ("", "ab", 2), ("kitten", "sitting", 3), ("plna", "plan", 1),
      ("ca", "abc", 3),
    ])
  func distances(first: String, second: String, distance: Int) {
    #expect(editDistance(first, second) == distance)
    #expect(editDistance(second, first) == distance)
  }

  @Test("near words and unique beginnings are found, far words are not")
  func nearestWord() {
    let words = ["plan", "probe", "compare", "completions", "run"]
    #expect(nearest(to: "plna", among: words) == "plan")
    #expect(nearest(to: "prob", among: words) == "probe")
    #expect(nearest(to: "compl", among: words) == "completions")
    #expect(nearest(to: "comp", among: words) == nil)
    #expect(nearest(to: "execute", among: words) == nil)
    #expect(nearest(to: "x", among: words) == nil)
  }
}
