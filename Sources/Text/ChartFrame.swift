/// What charts over a vertical axis have in common.
extension HTML {
  /// A chart with its title, a line and a label at each tick of its vertical axis, and the name of its horizontal one.
  ///
  /// - Parameters:
  ///   - left, right: where the plot ends.
  ///   - body: draws the plot.
  static func chart(
    title: String, xTitle: String, width: Double, height: Double, left: Double, right: Double, y: Axis,
    yLabel: @escaping (Double) -> String, body: @escaping (inout HTML) -> Void
  ) -> HTML {
    var html = HTML()
    html.element(
      "svg", [("viewBox", "0 0 \(coordinate(width)) \(coordinate(height))"), ("role", "img")]
    ) { svg in
      svg.element("title", text: title)
      svg.element("text", [("x", coordinate(left)), ("y", "14"), ("class", "ink")], text: title)
      for tick in y.ticks {
        let at = y.position(tick)
        svg.element(
          "path", [("class", "grid"), ("d", "M\(coordinate(left)) \(coordinate(at))H\(coordinate(right))")])
        svg.element(
          "text", [("x", coordinate(left - 6)), ("y", coordinate(at + 4)), ("text-anchor", "end")],
          text: yLabel(tick))
      }
      body(&svg)
      svg.element(
        "text", [("x", coordinate(right)), ("y", coordinate(height - 4)), ("text-anchor", "end")],
        text: xTitle)
    }
    html.lineEnd()
    return html
  }

  /// Labels of a horizontal axis.
  mutating func tickLabels(_ axis: Axis, at baseline: Double) {
    for tick in axis.ticks {
      element(
        "text",
        [
          ("x", coordinate(axis.position(tick))), ("y", coordinate(baseline)), ("text-anchor", "middle"),
        ], text: axis.label(tick))
    }
  }
}
