internal import Text

extension RunComparison {
  /// Each group with its place, so that it looks the same in all charts.
  private func series(_ points: (RunGroup) -> [LineChart.Point]) -> [LineChart.Series] {
    groups.enumerated().map { LineChart.Series($0.element.name, place: $0.offset, points($0.element)) }
  }

  private static func label(_ figure: RunHistory.Figure) -> @Sendable (Double) -> String {
    { figure.isFraction ? percentage($0) : fixed($0, decimals: 2) }
  }

  private static func bounds(_ figure: RunHistory.Figure) -> ClosedRange<Double> {
    0...(figure.isFraction ? 1 : .infinity)
  }

  private static func point(_ x: Double, _ spread: Spread) -> LineChart.Point {
    LineChart.Point(x: x, y: spread.mean, spread: spread.deviation)
  }

  /// One group: its modules. Several: the head, or the module asked for, of each that has it.
  func chart(_ figure: RunHistory.Figure) -> LineChart {
    let lines: [LineChart.Series]
    let title: String
    if groups.count == 1, module == nil {
      let group = groups[0]
      title = "\(figure.rawValue), \(group.name)"
      lines = Self.shownModules(group.moduleCount).enumerated().map { place, module in
        LineChart.Series(
          "\(module) \(group.modules[module - 1].name)", place: place,
          group.curve(figure, module: module))
      }
    } else {
      title = "\(figure.rawValue), " + (module.map { "module \($0)" } ?? "last module")
      lines = series { group in drawnModule(group).map { group.curve(figure, module: $0) } ?? [] }
    }
    return LineChart(
      title: title, xTitle: "epoch of the module", series: lines, yBounds: Self.bounds(figure),
      yLabel: Self.label(figure))
  }

  /// What each depth reaches.
  func depthChart(_ figure: RunHistory.Figure) -> LineChart {
    LineChart(
      title: "\(figure.rawValue) by depth, last epoch", xTitle: "module",
      series: series { group in
        (1..<group.moduleCount + 1).compactMap { module in
          group.spread(figure, module: module).map { Self.point(Double(module), $0) }
        }
      }, yBounds: Self.bounds(figure), yLabel: Self.label(figure))
  }

  /// Final accuracy over the number in which the groups differ: of the last module and of the ensemble, or, where they differ
  /// in something else as well, a chart of each with a line for every value of that.
  var sweepCharts: [LineChart] {
    guard groups.count > 1, let axes = differences.axes else { return [] }
    let drawn = module.map { "module \($0)" } ?? "last module"
    func head(_ group: RunGroup) -> Spread? {
      drawnModule(group).flatMap { group.spread(.testTop1, module: $0) }
    }
    func points(_ isShown: (Int) -> Bool, _ value: (RunGroup) -> Spread?) -> [LineChart.Point] {
      groups.indices.filter(isShown).compactMap { index in
        value(groups[index]).map { Self.point(axes.values[index], $0) }
      }
    }
    func chart(_ what: String, _ series: [LineChart.Series]) -> LineChart {
      LineChart(
        title: "\(what), last epoch, over \(axes.key.short)", xTitle: axes.key.path, series: series,
        xAxis: axes.values.allSatisfy { $0 == $0.rounded() } ? .counts : .values,
        yBounds: Self.bounds(.testTop1), yLabel: Self.label(.testTop1))
    }
    guard let lines = axes.lines else {
      return [
        chart(
          "test top1",
          [
            LineChart.Series(drawn, place: 0, points({ _ in true }, head)),
            LineChart.Series("ensemble", place: 1, points({ _ in true }) { $0.ensembleTop1 }),
          ])
      ].filter { !$0.isEmpty }
    }
    var names: [String] = []
    for line in lines where !names.contains(line) { names.append(line) }
    func series(_ value: (RunGroup) -> Spread?) -> [LineChart.Series] {
      names.enumerated().map { place, name in
        LineChart.Series(name, place: place, points({ lines[$0] == name }, value))
      }
    }
    return [
      chart("test top1, \(drawn)", series(head)), chart("test top1, ensemble", series { $0.ensembleTop1 }),
    ].filter { !$0.isEmpty }
  }

  /// What each probe tells apart at each depth.
  var separabilityCharts: [LineChart] {
    probeSettings.map { settings in
      LineChart(
        title: "separability, \(settings.words)", xTitle: "depth",
        series: series { group in
          group.separability(settings).map { Self.point(Double($0.module), $0.testTop1) }
        }, yBounds: Self.bounds(.testTop1), yLabel: Self.label(.testTop1))
    }.filter { !$0.isEmpty }
  }
}
