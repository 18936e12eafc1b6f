/// Counts in rows and columns of the same names: the more of its row a cell has, the darker it is.
package struct MatrixChart: Sendable {
  package var title: String
  package var names: [String]
  /// As many as names, each with as many counts.
  package var rows: [[Int]]

  package init(title: String, names: [String], rows: [[Int]]) {
    self.title = title
    self.names = names
    self.rows = rows
  }

  /// With numbers in the cells where there is room for them.
  package func svg(width: Double = 1030) -> HTML {
    let count = Double(max(1, names.count))
    let longest = Double(names.map(\.count).max() ?? 0)
    let left = min(220, max(50, longest * 6.4 + 16))
    let cell = min(44, (width - left - 10) / count)
    let isLegible = cell >= 9
    let top = isLegible ? 24 + min(90, max(20, longest * 5)) : 30.0
    let height = top + cell * count + 8
    var html = HTML()
    html.element(
      "svg", [("viewBox", "0 0 \(coordinate(width)) \(coordinate(height))"), ("role", "img")]
    ) { svg in
      svg.element("title", text: title)
      svg.element("text", [("x", "0"), ("y", "12"), ("class", "ink")], text: title)
      for (index, name) in names.enumerated() {
        let middle = (Double(index) + 0.5) * cell
        if isLegible {
          svg.element(
            "text",
            [
              ("x", coordinate(left - 8)), ("y", coordinate(top + middle + 4)), ("text-anchor", "end"),
              ("class", "ink"),
            ], text: shortened(name, to: 32))
          let (x, y) = (coordinate(left + middle + 4), coordinate(top - 6))
          svg.element(
            "text",
            [("x", x), ("y", y), ("transform", "rotate(-45 \(x) \(y))"), ("class", "ink")],
            text: shortened(name, to: 14))
        }
        draw(rows[index], name: name, at: (left, top + Double(index) * cell), cell, isDiagonal: index, &svg)
      }
    }
    html.lineEnd()
    return html
  }

  private func draw(
    _ row: [Int], name: String, at place: (x: Double, y: Double), _ cell: Double, isDiagonal own: Int,
    _ svg: inout HTML
  ) {
    let sum = max(1, row.reduce(0, +))
    for (column, count) in row.enumerated() {
      let x = place.x + Double(column) * cell
      // Of many classes only what is there: a page has thousands of empty cells otherwise.
      if count == 0, names.count > 20 { continue }
      let share = Double(count) / Double(sum)
      svg.element(
        "rect",
        [
          ("x", coordinate(x)), ("y", coordinate(place.y)), ("width", coordinate(max(0.5, cell - 1))),
          ("height", coordinate(max(0.5, cell - 1))), ("class", column == own ? "c0" : "c3"),
          ("fill-opacity", fixed(count == 0 ? 0.04 : 0.12 + 0.88 * share, decimals: 2)),
        ]
      ) { $0.element("title", text: "\(name), called \(names[column]): \(grouped(count))") }
      if cell >= 22, count > 0 {
        svg.element(
          "text",
          [
            ("x", coordinate(x + cell / 2)), ("y", coordinate(place.y + cell / 2 + 4)),
            ("text-anchor", "middle"), ("class", "ink"), ("pointer-events", "none"),
          ], text: "\(count)")
      }
    }
  }

  private func shortened(_ name: String, to count: Int) -> String {
    name.count <= count ? name : name.prefix(count - 1) + "…"
  }
}
