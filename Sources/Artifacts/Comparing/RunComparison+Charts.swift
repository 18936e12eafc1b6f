internal import Text

extension RunComparison {
  /// Each group with its place, so that it looks the same in all charts.
  private func series(_ points: (RunGroup) -> [LineChart.Point]) -> [LineChart.Series] {
    groups.enumerated().map { LineChart.Series($0.element.name, place: $0.offset, points($0.element)) }
  }

  private static func label(_ figure: RunHistory.Figure) -> @Sendable (Double) -> String {
    { figure.isFraction ? percentage($0) : fixed($0, decimals: 2) }
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
      title: title, xTitle: "epoch of the module", series: lines, yLabel: Self.label(figure))
  }

  /// What each depth reaches.
  func depthChart(_ figure: RunHistory.Figure) -> LineChart {
    LineChart(
      title: "\(figure.rawValue) by depth, last epoch", xTitle: "module",
      series: series { group in
        (1..<group.moduleCount + 1).compactMap { module in
          group.spread(figure, module: module).map { Self.point(Double(module), $0) }
        }
      }, yLabel: Self.label(figure))
  }

  /// Final accuracy over the one number in which the groups differ; nil where that is not so.
  var sweepChart: LineChart? {
    guard let sweep else { return nil }
    func line(_ name: String, place: Int, _ value: (RunGroup) -> Spread?) -> LineChart.Series {
      let points = zip(sweep.values, groups).compactMap { x, group in
        value(group).map { Self.point(x, $0) }
      }
      return LineChart.Series(name, place: place, points)
    }
    let head = line(module.map { "module \($0)" } ?? "head", place: 0) { group in
      drawnModule(group).flatMap { group.spread(.testTop1, module: $0) }
    }
    let chart = LineChart(
      title: "test top1, last epoch, over \(sweep.key)", xTitle: sweep.key,
      series: [head, line("ensemble", place: 1) { $0.ensembleTop1 }], xAxis: .values,
      yLabel: Self.label(.testTop1))
    return chart.isEmpty ? nil : chart
  }

  /// What each probe tells apart at each depth.
  var separabilityCharts: [LineChart] {
    probeSettings.map { settings in
      LineChart(
        title: "separability, \(settings.words)", xTitle: "depth",
        series: series { group in
          group.separability(settings).map { Self.point(Double($0.module), $0.testTop1) }
        }, yLabel: Self.label(.testTop1))
    }.filter { !$0.isEmpty }
  }
}
