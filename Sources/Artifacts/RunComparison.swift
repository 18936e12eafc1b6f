package import Text

/// Runs side by side. Runs of one spec that differ in their seed alone are one column: mean and deviation.
package struct RunComparison {
  /// Repetitions of one spec.
  package struct Group {
    package var name: String
    package var runs: [RunHistory]

    package func spread(_ figure: RunHistory.Figure, module: Int) -> Spread? {
      Spread(runs.compactMap { $0.last(figure, module: module) })
    }

    /// The mean curve; where runs are not equally long, of those that have the epoch.
    package func curve(_ figure: RunHistory.Figure, module: Int) -> [LineChart.Point] {
      let curves = runs.map { $0.curve(figure, module: module) }
      let epochs = Set(curves.flatMap { $0.map(\.x) }).sorted()
      return epochs.compactMap { epoch in
        Spread(curves.compactMap { $0.last { $0.x == epoch }?.y }).map {
          LineChart.Point(x: epoch, y: $0.mean, spread: $0.deviation)
        }
      }
    }

    var moduleCount: Int { runs.map(\.status.modules.count).max() ?? 0 }
  }

  package let groups: [Group]
  /// Whose curves are drawn when there are several groups; nil: every group's own last.
  private let module: Int?

  /// - Parameter module: from 1; nil for the last one of each.
  package init(_ runs: [RunHistory], module: Int?) {
    var groups: [Group] = []
    for run in runs {
      if let index = groups.firstIndex(where: { $0.runs[0].repetitionKey == run.repetitionKey }) {
        groups[index].runs.append(run)
      } else {
        groups.append(Group(name: "", runs: [run]))
      }
    }
    for index in groups.indices { groups[index].name = Self.name(groups[index], among: groups) }
    self.groups = groups
    self.module = module
  }

  /// The shortest of name, name with strategy, and folder that no other group has.
  private static func name(_ group: Group, among groups: [Group]) -> String {
    let run = group.runs[0]
    let names: [(RunHistory) -> String] = [
      { $0.status.name }, { "\($0.status.name), \($0.strategy)" },
      { $0.folder },
    ]
    let name = names.first { name in
      groups.filter { name($0.runs[0]) == name(run) }.count == 1
    }
    let text = name?(run) ?? run.folder
    return group.runs.count > 1 ? "\(text) (\(group.runs.count) runs)" : text
  }

  private func drawnModule(_ group: Group) -> Int { min(module ?? group.moduleCount, group.moduleCount) }

  // MARK: - Tables

  var runColumns: [Table.Column] {
    [
      .left("run"), .left("name"), .left("strategy"), .right("seed"), .left("state"), .right("epochs"),
      .right("time"), .right("images/s"), .right("peak planned"), .right("measured"),
      .right("head test top1"),
      .right("ensemble"),
    ]
  }

  var runRows: [[String]] {
    groups.flatMap(\.runs).map { run in
      let status = run.status
      let epochs = run.lines.filter { !$0.isTest }.map(\.epoch).max() ?? 0
      return [
        run.folder, status.name, run.strategy, run.seed, run.stateWord, "\(epochs)",
        status.measuredSeconds.map { duration(seconds: $0) } ?? "-",
        status.imagesPerSecond.map { fixed($0, decimals: 0) } ?? "-",
        status.plannedPeakBytes.map { byteSize($0) } ?? "-",
        status.measuredPeakBytes.map { byteSize($0) } ?? "-",
        run.last(.testTop1, module: status.modules.count).map { percentage($0) } ?? "-",
        status.ensembleTop1.map { percentage($0) } ?? "-",
      ]
    }
  }

  var moduleColumns: [Table.Column] {
    [.right("module")]
      + groups.flatMap { group in
        [.right("\(group.name): train loss"), .right("train top1"), .right("test top1")] as [Table.Column]
      }
  }

  /// Figures of each module's last epoch.
  var moduleRows: [[String]] {
    let count = groups.map(\.moduleCount).max() ?? 0
    var rows = (0..<count).map { index in
      let module = index + 1
      return ["\(module)"]
        + groups.flatMap { group in
          [
            group.spread(.trainLoss, module: module)?.words { fixed($0, decimals: 4) } ?? "-",
            group.spread(.trainTop1, module: module)?.words { percentage($0) } ?? "-",
            group.spread(.testTop1, module: module)?.words { percentage($0) } ?? "-",
          ]
        }
    }
    let ensembles = groups.map { Spread($0.runs.compactMap(\.status.ensembleTop1)) }
    if ensembles.contains(where: { $0 != nil }) {
      rows.append(["ensemble"] + ensembles.flatMap { ["", "", $0?.words { percentage($0) } ?? "-"] })
    }
    return rows
  }

  /// What the specs of the groups differ in, beside the first.
  var differences: (columns: [Table.Column], rows: [[String]])? {
    guard groups.count > 1 else { return nil }
    let texts = groups.map { SpecDifference.values(of: $0.runs[0].specText) }
    var keys: [String] = []
    for text in texts { for (key, _) in text where !keys.contains(key) { keys.append(key) } }
    let rows = keys.compactMap { key -> [String]? in
      guard key != "training.seed" else { return nil }
      let values = texts.map { text in text.first { $0.0 == key }?.1 ?? "-" }
      return Set(values).count > 1 ? [key] + values : nil
    }
    return rows.isEmpty ? nil : ([.left("spec")] + groups.map { .right($0.name) }, rows)
  }

  // MARK: - Charts

  /// One group: its modules. Several: the head, or the module asked for, of each.
  func chart(_ figure: RunHistory.Figure) -> LineChart {
    let series: [LineChart.Series]
    let title: String
    if groups.count == 1, module == nil {
      let group = groups[0]
      title = "\(figure.rawValue), \(group.name)"
      series = Self.shownModules(group.moduleCount).enumerated().map { index, module in
        LineChart.Series(
          Self.moduleName(module, group), colour: index % HTMLPage.colourCount,
          group.curve(figure, module: module))
      }
    } else {
      title = "\(figure.rawValue), " + (module.map { "module \($0)" } ?? "last module")
      series = groups.enumerated().map { index, group in
        LineChart.Series(
          group.name, colour: index % HTMLPage.colourCount, group.curve(figure, module: drawnModule(group)))
      }
    }
    return LineChart(title: title, xTitle: "epoch of the module", series: series) { value in
      figure.isFraction ? percentage(value) : fixed(value, decimals: 2)
    }
  }

  /// What each depth reaches.
  func depthChart(_ figure: RunHistory.Figure) -> LineChart {
    LineChart(
      title: "\(figure.rawValue) by depth, last epoch", xTitle: "module",
      series: groups.enumerated().map { index, group in
        LineChart.Series(
          group.name, colour: index % HTMLPage.colourCount,
          (0..<group.moduleCount).compactMap { module in
            group.spread(figure, module: module + 1).map {
              LineChart.Point(x: Double(module + 1), y: $0.mean, spread: $0.deviation)
            }
          })
      }
    ) { figure.isFraction ? percentage($0) : fixed($0, decimals: 2) }
  }

  static func moduleName(_ module: Int, _ group: Group) -> String {
    "\(module) \(group.runs[0].status.modules[module - 1].name)"
  }

  /// All of a few; of many the first, the last and some between.
  static func shownModules(_ count: Int) -> [Int] {
    let limit = HTMLPage.colourCount
    guard count > limit else { return Array(1..<count + 1) }
    return (0..<limit).map { 1 + $0 * (count - 1) / (limit - 1) }
  }

  // MARK: - Text

  package func text(_ style: TextStyle) -> String {
    var runs = Table(runColumns)
    for row in runRows { runs.add(row) }
    var modules = Table(moduleColumns)
    for row in moduleRows { modules.add(row) }
    var parts = [runs.text(style), modules.text(style)]
    if let differences {
      var table = Table(differences.columns)
      for row in differences.rows { table.add(row) }
      parts.append(table.text(style))
    }
    for figure in [RunHistory.Figure.testTop1, .trainLoss] {
      let chart = chart(figure)
      if !chart.isEmpty { parts.append(chart.text(style)) }
    }
    if (groups.map(\.moduleCount).max() ?? 0) > 1 {
      let chart = depthChart(.testTop1)
      if !chart.isEmpty { parts.append(chart.text(style)) }
    }
    return parts.joined(separator: "\n")
  }

  /// `strata.comparison/1`.
  package var json: JSON {
    func spread(_ spread: Spread?) -> JSON {
      .optional(spread) {
        [
          "mean": .number($0.mean), "deviation": .number($0.deviation), "count": .integer($0.count),
        ]
      }
    }
    let list = groups.map { group in
      let modules = (0..<group.moduleCount).map { index in
        JSON.object(
          [("index", .integer(index + 1))]
            + RunHistory.Figure.allCases.map { figure in
              (key: figure.key, value: spread(group.spread(figure, module: index + 1)))
            })
      }
      let runs = group.runs.map { run in
        JSON.object([
          ("folder", .string(run.folder)), ("name", .string(run.status.name)),
          ("strategy", .string(run.strategy)), ("seed", .string(run.seed)),
          ("status", .string(run.stateWord)),
          ("measuredSeconds", .optional(run.status.measuredSeconds, JSON.number)),
          ("imagesPerSecond", .optional(run.status.imagesPerSecond, JSON.number)),
          ("plannedPeakBytes", .optional(run.status.plannedPeakBytes, JSON.integer)),
          ("measuredPeakBytes", .optional(run.status.measuredPeakBytes, JSON.integer)),
          ("ensembleTop1", .optional(run.status.ensembleTop1, JSON.number)),
        ])
      }
      return JSON.object([
        ("name", .string(group.name)), ("runs", .array(runs)), ("modules", .array(modules)),
        ("ensembleTop1", spread(Spread(group.runs.compactMap(\.status.ensembleTop1)))),
      ])
    }
    return .object([("schema", "strata.comparison/1"), ("groups", .array(list))])
  }

  // MARK: - Page

  package var page: String {
    HTMLPage.document(title: "Runs compared") { html in
      html.element("h1", text: "Runs compared")
      html.element(
        "p", [("class", "dim")],
        text: "Runs that differ in their seed alone are drawn as one: the mean, and one deviation around it.")
      html.table(runColumns, runRows)
      html.element("h2", text: "Curves")
      html.legend(legend)
      note(&html)
      html.element("div", [("class", "charts")]) { html in
        for figure in RunHistory.Figure.allCases {
          let chart = chart(figure)
          if !chart.isEmpty { html.append(chart.svg()) }
        }
      }
      if (groups.map(\.moduleCount).max() ?? 0) > 1 {
        html.element("h2", text: "By depth")
        html.legend(groups.enumerated().map { ($0.offset % HTMLPage.colourCount, $0.element.name) })
        html.element("div", [("class", "charts")]) { html in
          for figure in [RunHistory.Figure.testTop1, .testLoss] {
            let chart = depthChart(figure)
            if !chart.isEmpty { html.append(chart.svg()) }
          }
        }
      }
      html.element("h2", text: "Modules")
      html.table(moduleColumns, moduleRows)
      if let differences {
        html.element("h2", text: "What the specs differ in")
        html.table(differences.columns, differences.rows)
      }
    }
  }

  /// Says that not all modules have a curve, where that is so.
  func note(_ html: inout HTML) {
    guard groups.count == 1, module == nil else { return }
    let (shown, all) = (Self.shownModules(groups[0].moduleCount).count, groups[0].moduleCount)
    if shown < all {
      html.element(
        "p", [("class", "dim")],
        text: "\(shown) of \(all) modules are drawn; the table has all of them.")
    }
  }

  private var legend: [(colour: Int, name: String)] {
    chart(.testTop1).series.isEmpty
      ? chart(.trainLoss).series.map { ($0.colour, $0.name) }
      : chart(.testTop1).series.map { ($0.colour, $0.name) }
  }
}

extension RunHistory.Figure {
  /// `testTop1`, as documents call it.
  var key: String {
    switch self {
    case .testTop1: "testTop1"
    case .trainTop1: "trainTop1"
    case .testLoss: "testLoss"
    case .trainLoss: "trainLoss"
    }
  }
}
