import TestSupport
import Testing
import Text

@Suite("Figures for people")
struct FormatTests {
  @Test(
    "thousands separators", arguments: [(0, "0"), (999, "999"), (1000, "1,000"), (-1_234_567, "-1,234,567")])
  func groups(value: Int, text: String) {
    #expect(grouped(value) == text)
  }

  @Test("the smallest integer has no magnitude of its own type, and prints all the same")
  func smallestInteger() {
    #expect(grouped(.min) == "-9,223,372,036,854,775,808")
  }

  @Test(
    "fixed decimals",
    arguments: [
      (1.23456, 3, "1.235"), (0.05, 1, "0.1"), (-0.05, 1, "-0.1"), (1234.5, 0, "1,235"), (0, 4, "0.0000"),
      (12.004, 2, "12.00"), (-0.001, 2, "0.00"), (1e30, 1, "1e+30"), (.infinity, 2, "inf"), (.nan, 2, "nan"),
    ] as [(Double, Int, String)])
  func decimals(value: Double, decimals: Int, text: String) {
    #expect(fixed(value, decimals: decimals) == text)
  }

  @Test(
    "sizes take the largest unit that leaves at least 1",
    arguments: [
      (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (851_863_142, "812.4 MiB"), (1 << 30, "1.0 GiB"),
      ((1 << 20) - 1, "1.0 MiB"), (-2048, "-2.0 KiB"), (.max, "8.0 EiB"),
    ])
  func sizes(byteCount: Int, text: String) {
    #expect(byteSize(byteCount) == text)
  }

  @Test(
    "durations",
    arguments: [
      (0, "0.00 s"), (0.42, "0.42 s"), (9.996, "10.0 s"), (59.96, "1:00"), (187, "3:07"), (3765, "1:02:45"),
      (-1, "-"), (.nan, "-"), (.infinity, "-"),
    ] as [(Double, String)])
  func durations(seconds: Double, text: String) {
    #expect(duration(seconds: seconds) == text)
  }

  @Test("percentages")
  func percentages() {
    #expect(percentage(0.3821) == "38.2%")
    #expect(percentage(1) == "100.0%")
  }

  @Test("text is broken at blanks; words that are too long stand alone")
  func wrapping() {
    #expect(wrapped("one two three", width: 7) == ["one two", "three"])
    #expect(wrapped("a incomprehensible b", width: 5) == ["a", "incomprehensible", "b"])
    #expect(wrapped("one\n\ntwo", width: 10) == ["one", "", "two"])
  }
}

@Suite("Tables")
struct TableTests {
  @Test("words to the left, numbers to the right, no blanks at the ends of lines")
  func alignment() {
    var table = Table([.left("module"), .right("bytes"), .left("note")])
    table.add(["conv1", "1,024", ""])
    table.add(["a-longer-name", "7", "first"])
    table.addRule()
    table.add(["sum", "1,031", ""])
    #expect(
      table.text(.plain, indentation: 1) == """
         module         bytes  note
         conv1          1,024
         a-longer-name      7  first
         ───────────────────────────
         sum            1,031

        """)
  }

  @Test("without titles there is no heading")
  func noTitles() {
    var table = Table([.left(""), .right("")])
    table.add(["peak", "1.0 GiB"])
    #expect(table.text(TextStyle(isColoured: true)) == "peak  1.0 GiB\n")
  }

  @Test("what is too wide gets its titles broken, then its words, and is then printed in parts with its keys")
  func narrow() {
    var titles = Table([.left("run"), .right("peak memory planned"), .right("b")])
    titles.add(["a", "1.0 MiB", "22"])
    #expect(
      titles.text(.plain, limit: 20) == "     peak memory\nrun      planned   b\na        1.0 MiB  22\n")
    var words = Table([.left("what"), .right("n")])
    words.add(["one two three four five six seven", "1"])
    #expect(
      words.text(.plain, limit: 30)
        == "what" + String(repeating: " ", count: 25) + "n\none two three four five six  1\nseven\n")
    var parts = Table([.left("k"), .right("first"), .right("second")])
    parts.add(["a", "111,111", "222,222"])
    parts.addRule()
    parts.add(["b", "3", "4"])
    #expect(
      parts.text(.plain, indentation: 1, limit: 14) == """
         k    first
         a  111,111
         ──────────
         b        3

         k   second
         a  222,222
         ──────────
         b        4

        """)
    // A word that is longer than a line is cut rather than left over.
    var path = Table([.left("run"), .right("n")])
    path.add([String(repeating: "x", count: 30), "1"])
    #expect(path.text(.plain, limit: 20).split(separator: "\n").allSatisfy { $0.count <= 20 })
  }

  @Test("no line is wider than the limit, and no cell is lost, whatever the table", arguments: 0..<200)
  func widths(seed: Int) {
    var random = SplitMix64(seed: UInt64(seed))
    func word(_ longest: Int) -> String {
      String(
        (0..<Int.random(in: 0...longest, using: &random)).map { _ in
          "abcdefgh 0123".randomElement(using: &random) ?? "x"
        })
    }
    let count = Int.random(in: 1...14, using: &random)
    let columns = (0..<count).map { _ in
      Bool.random(using: &random) ? Table.Column.left(word(24)) : .right(word(24))
    }
    var table = Table(columns, keyCount: Int.random(in: 0...min(2, count), using: &random))
    let rows = (0..<4).map { _ in (0..<count).map { _ in word(40) } }
    for row in rows { table.add(row) }
    table.addRule()
    let indentation = Int.random(in: 0...4, using: &random)
    let text = table.text(.plain, indentation: indentation)
    for line in text.split(separator: "\n") { #expect(line.count <= Table.widthLimit, "\(seed): \(line)") }
    func letters(_ text: String) -> [Character: Int] {
      text.filter { $0 != " " && $0 != "\n" && $0 != "─" }.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }
    let (printed, given) = (letters(text), letters((columns.map(\.title) + rows.joined()).joined()))
    for (letter, times) in given { #expect(printed[letter, default: 0] >= times, "\(seed): \(letter)") }
  }

  @Test("escapes do not count as width")
  func styledHeading() {
    var table = Table([.left("a"), .right("b")])
    table.add(["xyz", "1"])
    #expect(table.text(TextStyle(isColoured: true)) == "\u{1B}[1ma    b\u{1B}[22m\nxyz  1\n")
  }

  @Test("learning rates as they are written, without what binary fractions add")
  func rates() {
    #expect(rateText(0.1) == "0.1" && rateText(5e-4) == "0.0005" && rateText(1e-5) == "1e-5")
    #expect(rateText(2) == "2" && rateText(1e6) == "1000000" && rateText(0) == "0")
    #expect(rateText(0.1 * 0.2 * 0.2) == "0.004" && rateText(Double(Float(0.1))) == "0.1")
    #expect(rateText(0.3 * 0.1) == "0.03" && rateText(0.123456789) == "0.123456789")
    // What needs more digits is rounded to single precision.
    #expect(rateText(0.1 / 3) == "0.033333335")
    #expect(plainRate(0.1 * 0.2 * 0.2) == 0.004 && plainRate(3e-30 * 0.1) == 3e-31)
    #expect(rateText(.nan) == "nan" && rateText(.infinity) == "inf")
  }
}
