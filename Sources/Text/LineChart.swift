/// Curves over a common axis of epochs or modules: for a page as SVG, for a terminal in characters.
package struct LineChart: Sendable {
  package struct Point: Hashable, Sendable {
    package var x, y: Double
    /// Half the height of the band around the curve.
    package var spread: Double

    package init(x: Double, y: Double, spread: Double = 0) {
      self.x = x
      self.y = y
      self.spread = spread
    }
  }

  package struct Series: Sendable {
    package var name: String
    /// Among all curves that may be in the chart: it decides what the curve looks like.
    package var place: Int
    /// In order of x; what is not finite is left out.
    package var points: [Point]

    package init(_ name: String, place: Int, _ points: [Point]) {
      self.name = name
      self.place = place
      self.points = points.filter { $0.x.isFinite && $0.y.isFinite }
    }

    /// On a page: all colours drawn through first, then dashed in one way after the other.
    var colour: Int { place % HTMLPage.colourCount }
    var dashes: Int { place / HTMLPage.colourCount % HTMLPage.dashCount }
    var curveClass: String { "curve s\(colour)" + (dashes > 0 ? " d\(dashes)" : "") }
    /// In a terminal.
    var mark: Character { LineChart.marks[place % LineChart.marks.count] }
  }

  package enum XAxis: Sendable {
    /// Whole numbers, from the first to the last.
    case counts
    case values
  }

  package var title: String
  package var xTitle: String
  package var xAxis: XAxis
  /// What values of y can be at all: neither the axis nor a band around a curve goes beyond.
  package var yBounds: ClosedRange<Double>
  /// Writes a value of y.
  package var yLabel: @Sendable (Double) -> String
  package var series: [Series]
  /// Points of a curve beyond this are thinned out, ends and extremes kept.
  package static let pointLimit = 400

  package init(
    title: String, xTitle: String, series: [Series], xAxis: XAxis = .counts,
    yBounds: ClosedRange<Double> = -.infinity ... .infinity,
    yLabel: @escaping @Sendable (Double) -> String
  ) {
    self.title = title
    self.xTitle = xTitle
    self.xAxis = xAxis
    self.series = series.filter { !$0.points.isEmpty }
    self.yBounds = yBounds
    self.yLabel = yLabel
  }

  package var isEmpty: Bool { series.isEmpty }

  private func xAxis(from: Double, to: Double) -> Axis {
    let xs = series.flatMap(\.points).map(\.x)
    let range = (xs.min() ?? 0)...(xs.max() ?? 1)
    switch xAxis {
    case .counts: return Axis.counts(range, from: from, to: to)
    case .values: return Axis(range, from: from, to: to)
    }
  }

  private var yRange: ClosedRange<Double> {
    let points = series.flatMap(\.points)
    let (least, most) = (points.map(\.y).min() ?? 0, points.map(\.y).max() ?? 1)
    // A curve that leaves the bounds all the same is drawn whole.
    var low = max(points.map { $0.y - $0.spread }.min() ?? 0, min(least, yBounds.lowerBound))
    let high = min(points.map { $0.y + $0.spread }.max() ?? 1, max(most, yBounds.upperBound))
    // One value has room below it where there is none above.
    if low == high, high == yBounds.upperBound { low = max(yBounds.lowerBound, high - 0.1 * high.magnitude) }
    return low...max(low, high)
  }

  // MARK: - SVG

  package func svg(width: Double = 500, height: Double = 280) -> HTML {
    let (left, right, top, bottom) = (52.0, width - 12, 26.0, height - 34)
    let x = xAxis(from: left, to: right)
    let y = Axis(yRange, from: bottom, to: top)
    return HTML.chart(
      title: title, xTitle: xTitle, width: width, height: height, left: left, right: right, y: y,
      yLabel: yLabel
    ) { svg in
      svg.tickLabels(x, at: bottom + 15)
      svg.element(
        "path", [("class", "axis"), ("d", "M\(coordinate(left)) \(coordinate(bottom))H\(coordinate(right))")])
      for line in series {
        let points = Self.thinned(line.points)
        if points.contains(where: { $0.spread > 0 }) {
          let above = points.map {
            "\(coordinate(x.position($0.x))) \(coordinate(y.position($0.y + $0.spread)))"
          }
          let below = points.reversed().map {
            "\(coordinate(x.position($0.x))) \(coordinate(y.position($0.y - $0.spread)))"
          }
          svg.element(
            "path",
            [("class", "band c\(line.colour)"), ("d", "M" + (above + below).joined(separator: "L") + "Z")])
        }
        let places = points.map { "\(coordinate(x.position($0.x))) \(coordinate(y.position($0.y)))" }
        svg.element(
          "path",
          [
            ("class", line.curveClass), ("d", "M" + places.joined(separator: "L")),
          ]
        ) { $0.element("title", text: line.name) }
        if points.count == 1 {
          let point = points[0]
          svg.element(
            "circle",
            [
              ("cx", coordinate(x.position(point.x))), ("cy", coordinate(y.position(point.y))), ("r", "3"),
              ("class", "c\(line.colour)"),
            ])
        }
      }
    }
  }

  /// At most `pointLimit` points: of each run of neighbours the lowest and the highest.
  static func thinned(_ points: [Point]) -> [Point] {
    guard points.count > pointLimit else { return points }
    let runs = pointLimit / 2 - 1
    var kept = [points[0]]
    let inner = points[1..<points.count - 1]
    for run in 0..<runs {
      let slice = inner[(1 + run * inner.count / runs)..<(1 + (run + 1) * inner.count / runs)]
      guard let low = slice.min(by: { $0.y < $1.y }), let high = slice.max(by: { $0.y < $1.y }) else {
        continue
      }
      kept += low == high ? [low] : low.x < high.x ? [low, high] : [high, low]
    }
    return kept + [points[points.count - 1]]
  }

  // MARK: - Characters

  /// Marks of the curves in a terminal, by their places.
  static let marks = Array("ox+*#@%&=~ABCDEFGHJKLMNPQRSTUVWYZ23456789")

  /// - Parameters:
  ///   - width, height: of the plot alone, in characters.
  package func text(_ style: TextStyle, width: Int = 64, height: Int = 14) -> String {
    guard !series.isEmpty else { return "" }
    let x = xAxis(from: 0, to: Double(width - 1))
    let y = Axis(yRange, from: Double(height - 1), to: 0, count: max(1, height / 4))
    var cells = [[Character]](repeating: [Character](repeating: " ", count: width), count: height)
    var owners = [[Int]](repeating: [Int](repeating: -1, count: width), count: height)
    for line in series {
      func put(_ column: Int, _ row: Int, isPoint: Bool) {
        guard isPoint || cells[row][column] == " " else { return }
        cells[row][column] = isPoint ? line.mark : "."
        owners[row][column] = line.place
      }
      let places = line.points.map {
        (Int(x.position($0.x).rounded()), Int(y.position($0.y).rounded()))
      }
      for (from, to) in zip(places, places.dropFirst()) where to.0 > from.0 + 1 {
        for column in from.0 + 1..<to.0 {
          let share = Double(column - from.0) / Double(to.0 - from.0)
          put(column, Int((Double(from.1) + share * Double(to.1 - from.1)).rounded()), isPoint: false)
        }
      }
      for place in places { put(place.0, place.1, isPoint: true) }
    }
    let labels = y.ticks.map { (row: Int(y.position($0).rounded()), text: yLabel($0)) }
    let margin = labels.map(\.text.count).max() ?? 0
    var lines = [style.bold(title)]
    for row in cells.indices {
      let label = labels.last { $0.row == row }?.text ?? ""
      var line = padLeft(label, to: margin) + (label.isEmpty ? " │" : " ┤")
      for column in cells[row].indices {
        line +=
          owners[row][column] < 0
          ? String(cells[row][column]) : style.colour(owners[row][column], String(cells[row][column]))
      }
      while line.last == " " { line.removeLast() }
      lines.append(line)
    }
    let (first, last) = (xText(x.range.lowerBound), xText(x.range.upperBound))
    let blanks = String(repeating: " ", count: margin + 1)
    lines.append(blanks + "└" + String(repeating: "─", count: width))
    let between = max(1, width - first.count - last.count)
    let ends = blanks + " " + first + String(repeating: " ", count: between) + last
    if ends.count + 2 + xTitle.count <= Table.widthLimit {
      lines.append(ends + "  " + xTitle)
    } else {
      lines += [ends, padLeft(xTitle, to: min(ends.count, Table.widthLimit))]
    }
    for line in series {
      lines.append(blanks + " " + style.colour(line.place, String(line.mark)) + " " + line.name)
    }
    return lines.map { $0 + "\n" }.joined()
  }

  private func xText(_ value: Double) -> String {
    value == value.rounded() ? fixed(value, decimals: 0) : fixed(value, decimals: 2)
  }
}

extension TextStyle {
  /// One of a few colours, by number.
  func colour(_ index: Int, _ text: String) -> String {
    switch index % 4 {
    case 0: cyan(text)
    case 1: yellow(text)
    case 2: green(text)
    case _: red(text)
    }
  }
}
