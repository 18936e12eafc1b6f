/// Amounts of several kinds over a row of moments, one on top of the other, as steps.
package struct StackedChart: Sendable {
  package struct Layer: Sendable {
    package var name: String
    package var colour: Int
    /// One a moment.
    package var values: [Int]

    package init(_ name: String, colour: Int, _ values: [Int]) {
      self.name = name
      self.colour = colour
      self.values = values
    }
  }

  /// A stretch of moments with a name, drawn below the plot.
  package struct Stretch: Sendable {
    package var name: String
    package var moments: Range<Int>
    package var colour: Int

    package init(_ name: String, _ moments: Range<Int>, colour: Int) {
      self.name = name
      self.moments = moments
      self.colour = colour
    }
  }

  package struct Limit: Sendable {
    package var name: String
    package var value: Int

    package init(_ name: String, _ value: Int) {
      self.name = name
      self.value = value
    }
  }

  package var title: String
  package var xTitle: String
  /// From the bottom up.
  package var layers: [Layer]
  package var limits: [Limit]
  package var stretches: [Stretch]

  /// More moments are drawn together, as the fullest of them.
  package static let columnLimit = 320

  package init(
    title: String, xTitle: String, layers: [Layer], limits: [Limit] = [], stretches: [Stretch] = []
  ) {
    precondition(Set(layers.map(\.values.count)).count <= 1, "layers have the same moments")
    self.title = title
    self.xTitle = xTitle
    self.layers = layers
    self.limits = limits
    self.stretches = stretches
  }

  package var momentCount: Int { layers.first?.values.count ?? 0 }

  /// For each column the moment it shows: the fullest of those that fall together.
  var columns: [Int] {
    let count = min(momentCount, Self.columnLimit)
    let totals = (0..<momentCount).map { moment in layers.map { $0.values[moment] }.reduce(0, +) }
    return (0..<count).compactMap { column in
      (column * momentCount / count..<(column + 1) * momentCount / count).max { totals[$0] < totals[$1] }
    }
  }

  package func svg(width: Double = 1030, height: Double = 340) -> HTML {
    // Labels of limits have a margin of their own, where no line passes.
    let labelWidth = limits.map { Double(Self.label($0).count) * 6.4 }.max().map { $0 + 10 } ?? 0
    let (left, right, top) = (76.0, width - 12 - labelWidth, 26.0)
    let bottom = height - (stretches.isEmpty ? 34 : 54)
    let columns = columns
    let sums = columns.map { moment in layers.map { $0.values[moment] }.reduce(0, +) }
    let most = max(sums.max() ?? 1, limits.map(\.value).max() ?? 1)
    let y = Axis.bytes(upTo: most, from: bottom, to: top)
    func x(_ moment: Int) -> Double { left + Double(moment) / Double(max(1, momentCount)) * (right - left) }
    func label(_ byteCount: Double) -> String { byteSize(Int(byteCount)) }
    return HTML.chart(
      title: title, xTitle: xTitle, width: width, height: height, left: left, right: right, y: y,
      yLabel: label
    ) { svg in
      var below = [Int](repeating: 0, count: columns.count)
      for layer in layers {
        let above = zip(columns, below).map { layer.values[$0] + $1 }
        if above != below {
          svg.element(
            "path", [("class", "c\(layer.colour)"), ("d", area(above, below, x: x, y: y))]
          ) { $0.element("title", text: layer.name) }
        }
        below = above
      }
      for limit in limits {
        let at = y.position(Double(limit.value))
        svg.element(
          "path", [("class", "limit"), ("d", "M\(coordinate(left)) \(coordinate(at))H\(coordinate(right))")])
      }
      let places = Self.spread(
        limits.map { y.position(Double($0.value)) + 4 }, apart: 13, from: top, to: bottom)
      for (limit, at) in zip(limits, places) {
        svg.element(
          "text", [("x", coordinate(right + 6)), ("y", coordinate(at)), ("class", "mark")],
          text: Self.label(limit))
      }
      draw(stretches, at: bottom + 6, x: x, in: &svg)
      let axis = Axis.counts(1...Double(max(2, momentCount)), from: x(0), to: x(momentCount))
      svg.tickLabels(axis, at: height - 16)
    }
  }

  private static func label(_ limit: Limit) -> String { "\(limit.name) \(byteSize(limit.value))" }

  /// Places as near to those that are wanted as they can be with so much room between them, in the same order.
  ///
  /// - Parameters:
  ///   - from, to: where all have to be, as far as there is room for them.
  static func spread(_ wanted: [Double], apart: Double, from: Double, to: Double) -> [Double] {
    let order = wanted.indices.sorted { (wanted[$0], $0) < (wanted[$1], $1) }
    var places = wanted
    var least = from
    for index in order {
      places[index] = max(least, wanted[index])
      least = places[index] + apart
    }
    var most = to
    for index in order.reversed() where places[index] > most || most < to {
      places[index] = min(most, places[index])
      most = places[index] - apart
    }
    return places
  }

  /// The outline between two rows of heights; neighbours of equal height share a line.
  private func area(_ above: [Int], _ below: [Int], x: (Int) -> Double, y: Axis) -> String {
    let count = above.count
    func edge(_ column: Int) -> String { coordinate(x(column * momentCount / count)) }
    func level(_ value: Int) -> String { coordinate(y.position(Double(value))) }
    var path = "M\(edge(0)) \(level(above[0]))"
    for column in 0..<count where column + 1 == count || above[column + 1] != above[column] {
      path += "H\(edge(column + 1))"
      if column + 1 < count { path += "V\(level(above[column + 1]))" }
    }
    path += "V\(level(below[count - 1]))"
    for column in (0..<count).reversed() where column == 0 || below[column - 1] != below[column] {
      path += "H\(edge(column))"
      if column > 0 { path += "V\(level(below[column - 1]))" }
    }
    return path + "Z"
  }

  private func draw(_ stretches: [Stretch], at top: Double, x: (Int) -> Double, in svg: inout HTML) {
    for stretch in stretches {
      let (from, to) = (x(stretch.moments.lowerBound), x(stretch.moments.upperBound))
      guard to - from >= 0.5 else { continue }
      svg.element(
        "rect",
        [
          ("x", coordinate(from)), ("y", coordinate(top)), ("width", coordinate(max(0.6, to - from - 0.6))),
          ("height", "7"), ("class", "c\(stretch.colour)"),
        ]
      ) { $0.element("title", text: stretch.name) }
      // About six units a letter.
      if to - from > Double(stretch.name.count) * 6 + 8 {
        svg.element(
          "text",
          [("x", coordinate((from + to) / 2)), ("y", coordinate(top + 18)), ("text-anchor", "middle")],
          text: stretch.name)
      }
    }
  }
}
