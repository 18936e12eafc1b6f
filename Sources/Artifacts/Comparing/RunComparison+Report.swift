package import Text

// MARK: - Text

extension RunComparison {
  package func text(_ style: TextStyle) -> String {
    var parts = [runTable.text(style)]
    if let spreadLine { parts.append(spreadLine + "\n") }
    if !notes.isEmpty { parts.append(notes.map { "note: \($0)\n" }.joined()) }
    parts += moduleTables.map { $0.text(style) }
    parts.append(costTable.text(style))
    parts += separabilityTables.map { $0.text(style) }
    if let differenceTable { parts.append(differenceTable.text(style)) }
    var charts = [chart(.testTop1), chart(.trainLoss)]
    if moduleCount > 1 { charts.append(depthChart(.testTop1)) }
    charts += sweepCharts + separabilityCharts
    parts += charts.filter { !$0.isEmpty }.map { $0.text(style) }
    return parts.joined(separator: "\n")
  }
}

// MARK: - JSON

extension RunComparison {
  /// `strata.comparison/1`.
  package var json: JSON {
    let differences = differingKeys.map { key in
      JSON.object([
        ("key", .string(key)),
        (
          "values",
          .array(
            groups.map { .optional($0.value(key), JSON.string) })
        ),
      ])
    }
    return .object([
      ("schema", "strata.comparison/1"), ("groups", .array(groups.map(\.json))),
      ("differences", .array(differences)), ("notes", .array(notes.map { .string($0) })),
    ])
  }
}

extension Spread {
  fileprivate var json: JSON {
    ["mean": .number(mean), "deviation": .number(deviation), "count": .integer(count)]
  }
}

extension RunGroup {
  fileprivate var json: JSON {
    let figures = RunHistory.Figure.allCases.filter { hasTop5 || !$0.isTop5 }
    let modules = (1..<moduleCount + 1).map { module in
      JSON.object(
        [("index", .integer(module))]
          + figures.map { (key: $0.key, value: .optional(spread($0, module: module), \.json)) })
    }
    let runs = runs.map { run in
      run.json(withTop5: hasTop5, isCounted: counted.contains { $0.folder == run.folder })
    }
    let probes = probeSettings.map { settings in
      let depths = separability(settings).map { depth in
        JSON.object([
          ("module", .integer(depth.module)), ("name", .string(depth.name)),
          ("testTop1", depth.testTop1.json),
        ])
      }
      return JSON.object(settings.members + [("depths", .array(depths))])
    }
    var members: [(key: String, value: JSON)] = [
      ("name", .string(name)), ("runs", .array(runs)), ("modules", .array(modules)),
      ("ensembleTop1", .optional(ensembleTop1, \.json)),
    ]
    if hasTop5 { members.append(("ensembleTop5", .optional(ensembleTop5, \.json))) }
    let network: JSON = [
      "parameters": .optional(cost.parameters, JSON.integer),
      "macs": .optional(cost.multiplyAdds, JSON.integer),
    ]
    let auxiliaries: JSON = [
      "parameters": .optional(cost.auxiliaryParameters, JSON.integer),
      "macs": .optional(cost.auxiliaryMultiplyAdds, JSON.integer),
    ]
    members += [
      ("network", network),
      ("stepMacs", .optional(cost.stepMultiplyAdds, JSON.integer)),
      ("trainingMacs", .optional(cost.trainingMultiplyAdds, JSON.integer)),
      ("auxiliaries", auxiliaries), ("probes", .array(probes)),
    ]
    return .object(members)
  }
}

extension RunHistory {
  fileprivate func json(withTop5: Bool, isCounted: Bool) -> JSON {
    var members: [(key: String, value: JSON)] = [
      ("folder", .string(folder)), ("name", .string(status.name)), ("strategy", .string(strategy)),
      ("seed", .string(seed)), ("status", .string(stateWord)), ("counted", .bool(isCounted)),
      ("measuredSeconds", .optional(status.measuredSeconds, JSON.number)),
      ("imagesPerSecond", .optional(status.imagesPerSecond, JSON.number)),
      ("plannedPeakBytes", .optional(status.plannedPeakBytes, JSON.integer)),
      ("measuredPeakBytes", .optional(status.measuredPeakBytes, JSON.integer)),
      ("ensembleTop1", .optional(status.ensembleTop1, JSON.number)),
    ]
    if withTop5 { members.append(("ensembleTop5", .optional(status.ensembleTop5, JSON.number))) }
    return .object(members)
  }
}

extension RunHistory.Figure {
  /// `testTop1`, as documents call it.
  fileprivate var key: String {
    switch self {
    case .testTop1: "testTop1"
    case .trainTop1: "trainTop1"
    case .testTop5: "testTop5"
    case .trainTop5: "trainTop5"
    case .testLoss: "testLoss"
    case .trainLoss: "trainLoss"
    }
  }
}

// MARK: - Page

extension RunComparison {
  /// - Parameter origin: of the page; the runs may have been elsewhere.
  package func page(origin: ReportOrigin) -> String {
    HTMLPage.document(title: "Runs compared") { html in
      html.element("h1", text: "Runs compared")
      html.element("p", [("class", "dim")], text: origin.words())
      html.element(
        "p", [("class", "dim")],
        text:
          "Runs that differ in their seed alone are drawn as one: the mean, and one sample deviation around it."
      )
      html.add(runTable)
      if let spreadLine { html.element("p", [("class", "dim")], text: spreadLine) }
      for note in notes { html.element("p", [("class", "dim")], text: note) }
      html.element("h2", text: "Curves")
      curves(&html)
      if moduleCount > 1 {
        html.element("h2", text: "By depth")
        html.charts([.testTop1, .testTop5, .testLoss].map { depthChart($0) })
      }
      if let first = sweepCharts.first {
        html.element("h2", text: "By \(first.xTitle)")
        html.charts(sweepCharts)
      }
      separability(&html)
      html.element("h2", text: "Modules")
      for table in moduleTables { html.add(table) }
      html.element("h2", text: costTable.title)
      html.table(costTable.columns, costTable.rows)
      if let differenceTable {
        html.element("h2", text: differenceTable.title)
        html.table(differenceTable.columns, differenceTable.rows)
      }
    }
  }

  /// Every figure over the epochs, with what the curves are.
  func curves(_ html: inout HTML) {
    note(&html)
    html.charts(RunHistory.Figure.allCases.map { chart($0) })
  }

  /// What probes have found; nothing where there were none.
  func separability(_ html: inout HTML) {
    guard !probeSettings.isEmpty else { return }
    html.element("h2", text: "Separability")
    html.charts(separabilityCharts)
    for table in separabilityTables { html.add(table) }
  }

  /// Says that not all modules have a curve, where that is so.
  private func note(_ html: inout HTML) {
    guard groups.count == 1, module == nil else { return }
    let (shown, all) = (Self.shownModules(groups[0].moduleCount).count, groups[0].moduleCount)
    if shown < all {
      html.element(
        "p", [("class", "dim")],
        text: "\(shown) of \(all) modules are drawn; the table has all of them.")
    }
  }
}

extension HTML {
  fileprivate mutating func add(_ table: RunComparison.NamedTable) {
    if !table.title.isEmpty { element("h3", text: table.title) }
    self.table(table.columns, table.rows)
  }

  /// Charts side by side, below the names of their curves; those without a curve are left out.
  mutating func charts(_ charts: [LineChart]) {
    let charts = charts.filter { !$0.isEmpty }
    let curves = charts.distinctSeries
    if !curves.isEmpty { curveLegend(curves) }
    element("div", [("class", "charts")]) { html in
      for chart in charts { html.append(chart.svg()) }
    }
  }
}

extension [LineChart] {
  /// Every curve once, by its place: each chart lacks those of which it has no figure.
  fileprivate var distinctSeries: [LineChart.Series] {
    var series: [Int: LineChart.Series] = [:]
    for curve in flatMap(\.series) where series[curve.place] == nil { series[curve.place] = curve }
    return series.values.sorted { $0.place < $1.place }
  }
}
