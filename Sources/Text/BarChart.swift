/// Horizontal bars with names, each in parts one behind the other.
package struct BarChart: Sendable {
  package struct Part: Sendable {
    package var name: String
    package var colour: Int
    package var value: Int

    package init(_ name: String, colour: Int, _ value: Int) {
      self.name = name
      self.colour = colour
      self.value = value
    }
  }

  package struct Bar: Sendable {
    package var name: String
    package var parts: [Part]
    /// Behind the bar.
    package var note: String

    package init(_ name: String, _ parts: [Part], note: String) {
      self.name = name
      self.parts = parts
      self.note = note
    }

    var value: Int { parts.map(\.value).reduce(0, +) }
  }

  package var title: String
  package var bars: [Bar]
  package var limit: StackedChart.Limit?

  package init(title: String, bars: [Bar], limit: StackedChart.Limit? = nil) {
    self.title = title
    self.bars = bars
    self.limit = limit
  }

  package func svg(width: Double = 1030, barHeight: Double = 20) -> HTML {
    let nameWidth = min(360, max(80, Double(bars.map(\.name.count).max() ?? 0) * 6.4 + 16))
    let gap = min(8, barHeight * 0.4)
    let height = 26 + Double(bars.count) * (barHeight + gap) + 4
    let (left, right) = (nameWidth, width - 230)
    let most = max(1, bars.map(\.value).max() ?? 1, limit?.value ?? 1)
    func x(_ value: Int) -> Double { left + Double(value) / Double(most) * (right - left) }
    var html = HTML()
    html.element(
      "svg", [("viewBox", "0 0 \(coordinate(width)) \(coordinate(height))"), ("role", "img")]
    ) { svg in
      svg.element("title", text: title)
      for (index, bar) in bars.enumerated() {
        let top = 22 + Double(index) * (barHeight + gap)
        let baseline = coordinate(top + barHeight / 2 + 4)
        if barHeight >= 10 {
          svg.element(
            "text", [("x", coordinate(left - 8)), ("y", baseline), ("text-anchor", "end"), ("class", "ink")],
            text: bar.name)
        }
        var start = 0
        for part in bar.parts where part.value > 0 {
          svg.element(
            "rect",
            [
              ("x", coordinate(x(start))), ("y", coordinate(top)),
              ("width", coordinate(max(0.3, x(start + part.value) - x(start)))),
              ("height", coordinate(barHeight)), ("class", "c\(part.colour)"),
            ]
          ) { $0.element("title", text: "\(bar.name): \(part.name) \(byteSize(part.value))") }
          start += part.value
        }
        if barHeight >= 10 {
          // In a column of their own: a limit's line passes between bars and notes, never through a note.
          svg.element("text", [("x", coordinate(right + 10)), ("y", baseline)], text: bar.note)
        }
      }
      if let limit {
        let at = coordinate(x(limit.value))
        svg.element("path", [("class", "limit"), ("d", "M\(at) 18V\(coordinate(height - 4))")])
        svg.element(
          "text", [("x", at), ("y", "12"), ("text-anchor", "middle"), ("class", "mark")],
          text: "\(limit.name) \(byteSize(limit.value))")
      }
    }
    html.lineEnd()
    return html
  }
}

/// Rows of stretches over a common axis: what is at work when.
package struct ScheduleChart: Sendable {
  package struct Span: Sendable {
    package var name: String
    package var from, to: Int
    /// Nil: there, but at rest.
    package var colour: Int?

    package init(_ name: String, from: Int, to: Int, colour: Int?) {
      self.name = name
      self.from = from
      self.to = to
      self.colour = colour
    }
  }

  package var title, xTitle: String
  package var rows: [(name: String, spans: [Span])]

  package init(title: String, xTitle: String, rows: [(name: String, spans: [Span])]) {
    self.title = title
    self.xTitle = xTitle
    self.rows = rows
  }

  package func svg(width: Double = 1030) -> HTML {
    let most = max(1, rows.flatMap(\.spans).map(\.to).max() ?? 1)
    let rowHeight = min(22.0, max(4, 420 / Double(max(1, rows.count))))
    let gap = rowHeight > 8 ? 4.0 : 1
    let longest = Double(rows.map(\.name.count).max() ?? 0)
    let left = min(360, max(80, longest * 6.4 + 16))
    let right = width - 24
    let bottom = 6 + Double(rows.count) * (rowHeight + gap)
    let height = bottom + 36
    let x = Axis(0...Double(most), from: left, to: right, count: 8, isTight: true)
    // Names only where they do not lie over each other.
    let every = max(1, Int((13 / (rowHeight + gap)).rounded(.up)))
    var html = HTML()
    html.element(
      "svg", [("viewBox", "0 0 \(coordinate(width)) \(coordinate(height))"), ("role", "img")]
    ) { svg in
      svg.element("title", text: title)
      for tick in x.ticks {
        let at = coordinate(x.position(tick))
        svg.element("path", [("class", "grid"), ("d", "M\(at) 4V\(coordinate(bottom))")])
        svg.element(
          "text", [("x", at), ("y", coordinate(bottom + 15)), ("text-anchor", "middle")], text: x.label(tick))
      }
      for (index, row) in rows.enumerated() {
        let top = 6 + Double(index) * (rowHeight + gap)
        if index % every == 0 {
          svg.element(
            "text",
            [
              ("x", coordinate(left - 8)), ("y", coordinate(top + rowHeight / 2 + 4)),
              ("text-anchor", "end"), ("class", "ink"),
            ], text: row.name)
        }
        for span in row.spans {
          let (from, to) = (x.position(Double(span.from)), x.position(Double(span.to)))
          svg.element(
            "rect",
            [
              ("x", coordinate(from)), ("y", coordinate(top)), ("width", coordinate(max(0.5, to - from))),
              ("height", coordinate(rowHeight)), ("rx", rowHeight > 8 ? "2" : "0"),
              ("class", span.colour.map { "c\($0)" } ?? "empty"),
            ]
          ) { $0.element("title", text: "\(row.name): \(span.name)") }
        }
      }
      svg.element(
        "text", [("x", coordinate(right)), ("y", coordinate(height - 4)), ("text-anchor", "end")],
        text: xTitle)
    }
    html.lineEnd()
    return html
  }
}
