package import Text

/// Repetitions of one experiment: runs that differ in their seed alone.
package struct RunGroup: Sendable {
  package internal(set) var name = ""
  /// As they were given.
  package let runs: [RunHistory]
  /// Whose figures count: finished ones, or all where none is; of each seed one.
  package let counted: [RunHistory]
  /// Why the others do not, in order.
  package let notes: [String]

  init(_ runs: [RunHistory]) {
    self.runs = runs
    let finished = runs.filter(\.isFinished)
    var counted: [RunHistory] = []
    var notes: [String] = []
    for run in runs {
      if !finished.isEmpty, !run.isFinished {
        notes.append("\(run.folder) is \(run.stateWord): not in the mean of the finished runs")
      } else if let same = counted.first(where: { $0.seed == run.seed }) {
        notes.append("\(run.folder) has seed \(run.seed) as \(same.folder) has: counted once")
      } else {
        counted.append(run)
      }
    }
    if finished.isEmpty, counted.count > 1 {
      let folders = counted.map(\.folder).joined(separator: ", ")
      notes.append("\(folders): none is finished; the figures are of the last epoch that all have")
    }
    self.counted = counted
    self.notes = notes
  }

  var moduleCount: Int { modules.count }

  /// Of the run that has the most.
  var modules: [RunStatus.Module] {
    runs.map(\.status.modules).max { $0.count < $1.count } ?? []
  }

  /// What repetitions share.
  var entries: [RunConditions.Entry] { runs[0].entries }

  func value(_ key: String) -> String? { entries.first { $0.key == key }?.value }

  var hasTop5: Bool { runs.contains { $0.status.hasTop5 } }

  /// Epochs in which every counted run that has come to the module has measured it, in order.
  private func commonEpochs(_ figure: RunHistory.Figure, module: Int) -> [Int] {
    let measured = counted.map { $0.epochs(figure, module: module) }.filter { !$0.isEmpty }
    guard let first = measured.first else { return [] }
    return measured.dropFirst().reduce(first) { $0.intersection($1) }.sorted()
  }

  /// At the last epoch that the counted runs have in common; figures of finished runs are those of their summaries, which
  /// frozen modules are in as well.
  package func spread(_ figure: RunHistory.Figure, module: Int) -> Spread? {
    if counted.allSatisfy(\.isFinished) {
      return Spread(counted.compactMap { $0.last(figure, module: module) })
    }
    guard let epoch = commonEpochs(figure, module: module).last else { return nil }
    return Spread(
      counted.compactMap { run in
        run.curve(figure, module: module).last { $0.x == Double(epoch) }?.y
      })
  }

  /// The mean curve, as far as the counted runs have come together.
  package func curve(_ figure: RunHistory.Figure, module: Int) -> [LineChart.Point] {
    let curves = counted.map { $0.curve(figure, module: module) }
    return commonEpochs(figure, module: module).compactMap { epoch in
      Spread(curves.compactMap { $0.last { $0.x == Double(epoch) }?.y }).map {
        LineChart.Point(x: Double(epoch), y: $0.mean, spread: $0.deviation)
      }
    }
  }

  var ensembleTop1: Spread? { Spread(counted.compactMap(\.status.ensembleTop1)) }
  var ensembleTop5: Spread? { Spread(counted.compactMap(\.status.ensembleTop5)) }

  /// Of the plan, which repetitions share.
  var cost: RunHistory.Cost { (counted.first ?? runs[0]).cost }

  /// A spread for people, with its number of runs where that is not all of them.
  func words(_ spread: Spread?, _ text: (Double) -> String) -> String {
    spread?.words(of: counted.count, text) ?? "-"
  }

  // MARK: - Probes

  /// By which every counted run was probed.
  var probeSettings: [ProbeRecord.Settings] {
    counted[0].probes.map(\.settings).filter { settings in
      counted.allSatisfy { $0.probes.contains { $0.settings == settings } }
    }
  }

  /// What a probe has found in all counted runs, by depth.
  func separability(_ settings: ProbeRecord.Settings) -> [(module: Int, name: String, testTop1: Spread)] {
    let records = counted.compactMap { run in run.probes.first { $0.settings == settings } }
    guard let first = records.first, records.count == counted.count else { return [] }
    return first.depths.compactMap { depth in
      let values = records.compactMap { $0.depths.first { $0.module == depth.module }?.testTop1 }
      guard values.count == records.count, let spread = Spread(values) else { return nil }
      return (depth.module, depth.name, spread)
    }
  }
}
