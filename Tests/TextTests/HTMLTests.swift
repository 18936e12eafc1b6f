import Testing
import Text

@Suite("Pages and charts")
struct HTMLTests {
  @Test("text and attributes are escaped")
  func escaping() {
    var html = HTML()
    html.element("b", [("title", "\"<&>'")], text: "<i>&amp;\u{0}\u{1B}\u{85}ok\n")
    #expect(
      html.source
        == "<b title=\"&quot;&lt;&amp;&gt;&#39;\">&lt;i&gt;&amp;amp;\u{FFFD}\u{FFFD}\u{FFFD}ok\n</b>")
    var empty = HTML()
    empty.element("path", [("d", "M0 0")])
    #expect(empty.source == "<path d=\"M0 0\"/>")
  }

  @Test(
    "coordinates are short", arguments: [(1.04, "1"), (-0.24, "-0.2"), (12.25, "12.3"), (-3, "-3"), (0, "0")])
  func coordinates(value: Double, text: String) {
    #expect(coordinate(value) == text)
  }

  @Test("axes have round ticks that hold the range")
  func axes() {
    let axis = Axis(0.13...0.97, from: 0, to: 100)
    #expect(axis.ticks.map { axis.label($0) } == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"])
    #expect(axis.position(0) == 0 && axis.position(1) == 100 && axis.position(0.5) == 50)
    let tight = Axis(1...50, from: 0, to: 49, count: 5, isTight: true)
    #expect(tight.range == 1...50 && tight.ticks == [10, 20, 30, 40, 50])
    // No extent at all is no trap.
    let flat = Axis(3...3, from: 0, to: 1)
    #expect(flat.range.contains(3) && flat.ticks.count >= 2)
    // Counts have whole numbers at their ticks, a single one too.
    let counts = Axis.counts(1...1, from: 0, to: 10)
    #expect(counts.ticks.map { counts.label($0) } == ["1", "2"] && counts.position(1) == 0)
    let one = LineChart(
      title: "loss", xTitle: "epoch", series: [.init("one", place: 0, [.init(x: 1, y: 2)])],
      yLabel: { fixed($0, decimals: 1) })
    #expect(one.text(.plain, width: 9, height: 5).contains("\n     1       2  epoch\n"))
    let bytes = Axis.bytes(upTo: 5_136_640, from: 0, to: 1)
    #expect(
      bytes.ticks.map { byteSize(Int($0)) } == ["0 B", "1.0 MiB", "2.0 MiB", "3.0 MiB", "4.0 MiB", "5.0 MiB"])
    for most in [1, 1000, 1025, 700 << 10, 3 << 30, 1 << 50] {
      let axis = Axis.bytes(upTo: most, from: 0, to: 1)
      #expect((3...12).contains(axis.ticks.count), "\(most): \(axis.ticks)")
      #expect(axis.range.upperBound >= Double(most))
    }
  }

  @Test("shares end at 100%, losses at 0, and bands with them")
  func bounds() {
    func chart(_ points: [LineChart.Point], _ bounds: ClosedRange<Double>) -> String {
      LineChart(
        title: "", xTitle: "", series: [.init("one", place: 0, points)], yBounds: bounds,
        yLabel: { percentage($0) }
      ).svg().source
    }
    let share = chart([.init(x: 1, y: 0.05, spread: 0.3), .init(x: 2, y: 0.98, spread: 0.4)], 0...1)
    #expect(share.contains(">100.0%<") && share.contains(">0.0%<"))
    #expect(!share.contains(">120.0%<") && !share.contains(">-"), "\(share)")
    #expect(!chart([.init(x: 1, y: 1)], 0...1).contains(">110"))
    let loss = chart([.init(x: 1, y: 0.2, spread: 0.5), .init(x: 2, y: 3)], 0 ... .infinity)
    #expect(!loss.contains(">-") && loss.contains(">300.0%<"), "\(loss)")
  }

  @Test("labels of limits keep their distance, and stand where no line passes")
  func limits() throws {
    let chart = StackedChart(
      title: "step", xTitle: "", layers: [.init("a", colour: 0, [1 << 20, 500 << 20])],
      limits: [.init("process", 605 << 20), .init("budget", 606 << 20)])
    let svg = chart.svg().source
    let labels = svg.matches(of: /<text x="([0-9.]+)" y="([0-9.]+)" class="mark">/)
    #expect(labels.count == 2)
    let places = try labels.map { (x: try #require(Double($0.1)), y: try #require(Double($0.2))) }
    #expect(abs(places[0].y - places[1].y) >= 13)
    let ends = svg.matches(of: #/class="limit" d="M[0-9.]+ [0-9.]+H([0-9.]+)"/#).compactMap { Double($0.1) }
    #expect(ends.count == 2 && ends.allSatisfy { end in places.allSatisfy { $0.x > end } })

    let bars = BarChart(
      title: "", bars: [.init("one", [.init("a", colour: 0, 30)], note: "30 B, a note of some length")],
      limit: .init("budget", 40))
    let page = bars.svg().source
    let line = try #require(page.firstMatch(of: #/class="limit" d="M([0-9.]+) /#).flatMap { Double($0.1) })
    let note = try #require(
      page.firstMatch(of: /<text x="([0-9.]+)" y="[0-9.]+">30 B/).flatMap { Double($0.1) })
    #expect(note > line)
  }

  @Test("a chart in characters has its curves, its scale and their names")
  func characters() {
    let chart = LineChart(
      title: "loss", xTitle: "epoch",
      series: [
        .init("one", place: 0, [.init(x: 1, y: 2), .init(x: 3, y: 1)]),
        .init("two", place: 1, [.init(x: 1, y: 1), .init(x: 2, y: .nan), .init(x: 3, y: 2)]),
      ], yLabel: { fixed($0, decimals: 1) })
    #expect(
      chart.text(.plain, width: 9, height: 5) == """
        loss
        2.0 ┤o       x
            │ ..   ..
            │   ...
            │  .. ..
        1.0 ┤x.     .o
            └─────────
             1       3  epoch
             o one
             x two

        """)
  }

  @Test("two dozen curves look different, on a page and in characters; values have an axis of their own")
  func manyCurves() {
    let chart = LineChart(
      title: "top1", xTitle: "rate",
      series: (0..<24).map {
        .init("c\($0)", place: $0, [.init(x: 0.25, y: 0), .init(x: 0.75, y: Double($0))])
      },
      xAxis: .values, yLabel: { fixed($0, decimals: 0) })
    let svg = chart.svg().source
    #expect(Set(svg.matches(of: /class="(curve [^"]*)"/).map { String($0.1) }).count == 24)
    #expect(svg.contains(">0.5<"))
    let text = chart.text(.plain)
    let marks = text.split(separator: "\n").compactMap { $0.wholeMatch(of: /\s+(\S) c\d+/)?.1 }
    #expect(marks.count == 24 && Set(marks).count == 24)
    var legend = HTML()
    legend.curveLegend(chart.series)
    #expect(Set(legend.source.matches(of: /class="(curve [^"]*)"/).map { String($0.1) }).count == 24)
  }

  @Test("long curves and wide steps stay small, with their extremes")
  func bounded() {
    var points = (0..<10_000).map { LineChart.Point(x: Double($0), y: 1) }
    points[5000].y = 7
    let chart = LineChart(
      title: "t", xTitle: "x", series: [.init("s", place: 0, points)], yLabel: { fixed($0, decimals: 0) })
    let svg = chart.svg().source
    #expect(svg.utf8.count < 20_000, "\(svg.utf8.count)")
    // The one point that stands out, at 7 of 8.
    #expect(svg.contains(" 53.5L"))
    var values = [Int](repeating: 1 << 20, count: 50_000)
    values[31_234] = 9 << 20
    let stack = StackedChart(
      title: "t", xTitle: "x", layers: [.init("a", colour: 0, values), .init("b", colour: 1, values)],
      limits: [.init("budget", 20 << 20)])
    let source = stack.svg().source
    #expect(source.utf8.count < 60_000)
    #expect(source.contains("budget 20.0 MiB"))
  }
}
