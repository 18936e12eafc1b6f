/// Every strategy for a plan's network, batch and data, beside the plan itself.
package struct PlanComparison: Sendable {
  /// With nothing chosen for a budget; where something was chosen, the plan itself behind them.
  package var rows: [StrategyFigures]
  /// On this machine, one a row; empty where its speed is unknown.
  package var times: [TimeFigures]

  package init(rows: [StrategyFigures] = [], times: [TimeFigures] = []) {
    precondition(times.isEmpty || times.count == rows.count, "one time a row")
    self.rows = rows
    self.times = times
  }

  /// What end-to-end backprop of the same network and batch would need.
  package var endToEndPeakBytes: Int? { rows.first { $0.strategy == .endToEnd }?.memory.peakBytes }
}
