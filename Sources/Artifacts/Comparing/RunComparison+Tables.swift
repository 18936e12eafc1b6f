internal import Text

extension RunComparison {
  /// A table with what stands above it.
  struct NamedTable {
    var title: String
    var columns: [Table.Column]
    var rows: [[String]]

    /// In characters.
    var width: Int {
      let widths = columns.indices.map { column in
        rows.reduce(columns[column].title.count) { max($0, $1[column].count) }
      }
      return widths.reduce(0, +) + 2 * max(0, widths.count - 1)
    }

    func text(_ style: TextStyle) -> String {
      var table = Table(columns)
      for row in rows { table.add(row) }
      return (title.isEmpty ? "" : style.bold(title) + "\n") + table.text(style)
    }
  }

  /// More groups than this are rows, not columns; so are fewer whose columns make lines too long to read, as long as
  /// nothing has to be left out for it.
  private static let columnLimit = 4

  /// - Parameter sideBySide: the table with a column, or some, for each group.
  private func isReadable(_ sideBySide: NamedTable) -> Bool {
    let isDeep = sideBySide.rows.count > HTMLPage.colourCount
    return groups.count == 1
      || groups.count <= Self.columnLimit && (isDeep || sideBySide.width <= Table.widthLimit)
  }

  /// Says so where not all are shown.
  private static func share(_ shown: Int, of all: Int, _ what: String) -> String {
    shown < all ? ", \(shown) of \(all) \(what)" : ""
  }

  // MARK: - Runs

  var runTable: NamedTable {
    let all = groups.flatMap(\.runs)
    let isNamed = groups.count > 1 && groups.contains { $0.name != $0.runs[0].status.name }
    let (names, strategies) = (Set(all.map(\.status.name)), Set(all.map(\.strategy)))
    // Names that say how the groups were trained need no second word of it.
    let withStrategy =
      strategies.count > 1
      && !(isNamed && groups.allSatisfy { group in group.name.contains(group.runs[0].strategy) })
    var columns: [Table.Column] = [.left("run")]
    if isNamed { columns.append(.left("group")) }
    columns.append(.right("test top1"))
    if hasTop5 { columns.append(.right("top5")) }
    columns.append(.right("ensemble"))
    if hasTop5 { columns.append(.right("top5")) }
    if names.count > 1 { columns.append(.left("name")) }
    if withStrategy { columns.append(.left("strategy")) }
    columns += [
      .right("seed"), .left("state"), .right("epochs"), .right("time"), .right("images/s"),
      .right("peak planned"), .right("peak measured"),
    ]
    let rows = groups.flatMap { group in
      group.runs.map { run in
        cells(
          of: run, group: isNamed ? group.name : nil, withName: names.count > 1,
          withStrategy: withStrategy)
      }
    }
    let shared = [names, strategies].compactMap { $0.count == 1 ? $0.first : nil }
    return NamedTable(title: shared.joined(separator: ", "), columns: columns, rows: rows)
  }

  private func cells(
    of run: RunHistory, group: String?, withName: Bool, withStrategy: Bool
  ) -> [String] {
    let status = run.status
    let head = status.modules.count
    let epochs = run.epochCount
    func percents(_ value: Double?) -> String { value.map { percentage($0) } ?? "-" }
    func size(_ byteCount: Int?) -> String { byteCount.map { byteSize($0) } ?? "-" }
    var cells = [run.folder]
    if let group { cells.append(group) }
    cells.append(percents(run.last(.testTop1, module: head)))
    if hasTop5 { cells.append(percents(run.last(.testTop5, module: head))) }
    cells.append(percents(status.ensembleTop1))
    if hasTop5 { cells.append(percents(status.ensembleTop5)) }
    if withName { cells.append(status.name) }
    if withStrategy { cells.append(run.strategy) }
    cells += [run.seed, run.stateWord, "\(epochs)"]
    cells.append(status.measuredSeconds.map { duration(seconds: $0) } ?? "-")
    cells.append(status.imagesPerSecond.map { fixed($0, decimals: 0) } ?? "-")
    return cells + [size(status.plannedPeakBytes), size(status.measuredPeakBytes)]
  }

  /// What the experiments take, whatever the machine.
  var costTable: NamedTable {
    func short(_ value: Int?) -> String { value.map { shortCount($0) } ?? "-" }
    func count(_ value: Int?) -> String { value.map { grouped($0) } ?? "-" }
    return NamedTable(
      title: "Size and cost: MACs of one image forward, of a step, and in all",
      columns: [
        .left("group"), .right("parameters"), .right("auxiliary parameters"), .right("MACs"),
        .right("auxiliary MACs"), .right("a step"), .right("in all"),
      ],
      rows: groups.map { group in
        let cost = group.cost
        return [
          group.name, count(cost.parameters), count(cost.auxiliaryParameters), count(cost.multiplyAdds),
          count(cost.auxiliaryMultiplyAdds), short(cost.stepMultiplyAdds), short(cost.trainingMultiplyAdds),
        ]
      })
  }

  // MARK: - Modules

  /// Figures of each module's last epoch: a few groups side by side, many below each other.
  var moduleTables: [NamedTable] {
    let sideBySide = tableOfModules
    return isReadable(sideBySide) ? [sideBySide] : tablesOfFigures
  }

  /// Whether the number of runs stands in the tables: it is said once where it is the same for all.
  private var listsCounts: Bool { repetitions == nil }

  private var tableOfModules: NamedTable {
    let tests: [RunHistory.Figure] = [.testTop1] + (hasTop5 ? [.testTop5] : [])
    let figures = tests + [.trainTop1, .trainLoss]
    var columns: [Table.Column] = [.right("module")]
    for group in groups {
      let prefix = groups.count > 1 ? "\(group.name): " : ""
      columns.append(.right("\(prefix)test top1"))
      if hasTop5 { columns.append(.right("top5")) }
      columns += [.right("train top1"), .right("train loss")]
      if listsCounts, group.runs.count > 1 { columns.append(.right("n")) }
    }
    var rows: [[String]] = []
    for module in 1..<moduleCount + 1 {
      var row = ["\(module)"]
      for group in groups {
        let spreads = figures.map { group.spread($0, module: module) }
        row += zip(figures, spreads).map { group.words($1, $0.words) }
        if listsCounts, group.runs.count > 1 { row.append("\(spreads.compactMap { $0?.count }.max() ?? 0)") }
      }
      rows.append(row)
    }
    if groups.contains(where: { $0.ensembleTop1 != nil }) {
      var row = ["ensemble"]
      for group in groups {
        row.append(group.words(group.ensembleTop1) { percentage($0) })
        if hasTop5 { row.append(group.words(group.ensembleTop5) { percentage($0) }) }
        row += ["", ""]
        if listsCounts, group.runs.count > 1 { row.append("\(group.ensembleTop1?.count ?? 0)") }
      }
      rows.append(row)
    }
    return NamedTable(
      title: groups.count == 1 ? "modules at their last epoch" : "", columns: columns, rows: rows)
  }

  private var tablesOfFigures: [NamedTable] {
    let figures: [RunHistory.Figure] = [.testTop1] + (hasTop5 ? [.testTop5] : []) + [.trainTop1, .trainLoss]
    return figures.map { table(of: $0) }
  }

  /// A group a row, a module a column.
  private func table(of figure: RunHistory.Figure) -> NamedTable {
    let modules = Self.shownModules(moduleCount)
    let isRepeated = listsCounts && groups.contains { $0.runs.count > 1 }
    let hasEnsemble = figure == .testTop1 || figure == .testTop5
    var columns: [Table.Column] = [.left("group")]
    if isRepeated { columns.append(.right("n")) }
    columns += modules.map { .right("\($0)") }
    if hasEnsemble { columns.append(.right("ensemble")) }
    let rows = groups.map { group in
      var row = [group.name]
      if isRepeated { row.append("\(group.counted.count)") }
      row += modules.map { group.words(group.spread(figure, module: $0), figure.words) }
      let ensemble = figure == .testTop5 ? group.ensembleTop5 : group.ensembleTop1
      if hasEnsemble { row.append(group.words(ensemble) { percentage($0) }) }
      return row
    }
    return NamedTable(
      title: "\(figure.rawValue) by module, last epoch"
        + Self.share(modules.count, of: moduleCount, "modules"), columns: columns, rows: rows)
  }

  // MARK: - Separability

  /// Test accuracy of each probe at each depth; means where all counted runs of a group were probed.
  var separabilityTables: [NamedTable] {
    probeSettings.map { settings in
      let found = groups.map { $0.separability(settings) }
      let depths = Set(found.flatMap { $0.map(\.module) }).sorted()
      func cell(_ group: Int, _ depth: Int) -> String {
        groups[group].words(found[group].first { $0.module == depth }?.testTop1) { percentage($0) }
      }
      let title = "Separability: \(settings.words), test top1 by depth"
      let sideBySide = NamedTable(
        title: title, columns: [.right("depth")] + groups.map { .right($0.name) },
        rows: depths.map { depth in ["\(depth)"] + groups.indices.map { cell($0, depth) } })
      guard !isReadable(sideBySide) else { return sideBySide }
      let shown = Self.shownModules(depths.count).map { depths[$0 - 1] }
      return NamedTable(
        title: title + Self.share(shown.count, of: depths.count, "depths"),
        columns: [.left("group")] + shown.map { .right("\($0)") },
        rows: groups.indices.map { group in [groups[group].name] + shown.map { cell(group, $0) } })
    }
  }

  // MARK: - Differences

  /// What the groups differ in.
  var differenceTable: NamedTable? {
    let keys = differences.keys
    guard groups.count > 1, !keys.isEmpty else { return nil }
    let title = "What they differ in"
    let sideBySide = NamedTable(
      title: title, columns: [.left("key")] + groups.map { .right($0.name) },
      rows: keys.map { key in [key.path] + key.values.map { $0 ?? "-" } })
    guard !isReadable(sideBySide) else { return sideBySide }
    let belowEachOther = NamedTable(
      title: title, columns: [.left("group")] + keys.map { .right($0.path) },
      rows: groups.indices.map { index in [groups[index].name] + keys.map { $0.values[index] ?? "-" } })
    // Many keys with long names can be wider than the groups.
    return belowEachOther.width <= sideBySide.width ? belowEachOther : sideBySide
  }

  /// All of a few; of many the first, the last and some between.
  static func shownModules(_ count: Int) -> [Int] {
    let limit = HTMLPage.colourCount
    guard count > limit else { return Array(1..<count + 1) }
    return (0..<limit).map { 1 + $0 * (count - 1) / (limit - 1) }
  }
}
