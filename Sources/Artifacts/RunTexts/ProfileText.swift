internal import CostModel
package import Execution
internal import GraphIR
internal import Planning
package import Text

/// Where time has gone, for people and programs: operations by time, modules, and how near to the machine's roofline each of
/// them comes.
package struct ProfileText {
  /// What the figures are of.
  package enum Extent: Hashable, Sendable {
    /// One training step, a mean over those that were recorded.
    case step
    /// Everything that was recorded, and so many seconds in all.
    case run(seconds: Double)
  }

  /// What the shares are of.
  struct RooflineFigures: Hashable, Sendable {
    var gigaflopsPerSecond, gigabytesPerSecond: Double
    var source: Roofline.Source
  }

  private let extent: Extent
  private let rows: [Profile.Row]
  /// By module; 0 is what belongs to none.
  private let modules: [(module: Int, figures: Profile.Figures)]
  private let stepCount: Int
  private let recordedPreparation: Double
  /// Nil where nobody knows them.
  private let knownRoofline: RooflineFigures?
  private let hasEstimates: Bool

  package init(_ profile: Profile, of extent: Extent) {
    self.init(
      profile.rows.sorted { $0.figures.seconds > $1.figures.seconds }, of: extent,
      stepCount: profile.stepCount, preparationSeconds: profile.preparationSeconds,
      roofline: profile.roofline.map {
        RooflineFigures(
          gigaflopsPerSecond: 2e-9 * $0.multiplyAddsPerSecond,
          gigabytesPerSecond: 1e-9 * $0.bytesPerSecond(byteCount: Self.largeSweep), source: $0.source)
      }, hasEstimates: profile.hasEstimates)
  }

  /// - Parameter rows: those with the most time first.
  init(
    _ rows: [Profile.Row], of extent: Extent, stepCount: Int, preparationSeconds: Double,
    roofline: RooflineFigures?,
    hasEstimates: Bool
  ) {
    self.extent = extent
    self.rows = rows
    self.stepCount = stepCount
    recordedPreparation = preparationSeconds
    knownRoofline = roofline
    self.hasEstimates = hasEstimates
    let sums = Dictionary(grouping: rows, by: \.module).mapValues {
      $0.map(\.figures).reduce(Profile.Figures(), +)
    }
    modules = sums.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  /// Recorded seconds, multiply-adds and bytes are divided by this.
  private var divisor: Int {
    switch extent {
    case .step: max(1, stepCount)
    case .run: 1
    }
  }

  private var recordedSeconds: Double { rows.map(\.figures.seconds).reduce(recordedPreparation, +) }

  private func seconds(_ recorded: Double) -> Double { recorded / Double(divisor) }

  /// Of the run that no row has; nil for steps, which have no other.
  private var otherSeconds: Double? {
    switch extent {
    case .step: nil
    case .run(let seconds): max(0, seconds - recordedSeconds)
    }
  }

  private var totalSeconds: Double { recordedSeconds + (otherSeconds ?? 0) }

  // MARK: - For people

  private var timeTitle: String {
    switch extent {
    case .step: "ms"
    case .run: "s"
    }
  }

  private func time(_ recorded: Double) -> String {
    switch extent {
    case .step: fixed(seconds(recorded) * 1000, decimals: 2)
    case .run: fixed(recorded, decimals: 2)
    }
  }

  /// Time, its share, GFLOP/s, share of the roofline, estimated time.
  private var figureColumns: [Table.Column] {
    [.right(timeTitle), .right("of time"), .right("GFLOP/s")]
      + (knownRoofline == nil ? [] : [.right("share of roofline")])
      + (hasEstimates ? [.right("estimated \(timeTitle)")] : [])
  }

  private func cells(_ figures: Profile.Figures) -> [String] {
    let rate =
      figures.multiplyAdds == 0
      ? "" : fixed(2e-9 * Double(figures.multiplyAdds) / figures.seconds, decimals: 0)
    return [time(figures.seconds), percentage(figures.seconds / max(totalSeconds, 1e-9)), rate]
      + (knownRoofline == nil ? [] : [percentage(share(figures))])
      + (hasEstimates ? [time(figures.estimatedSeconds)] : [])
  }

  private func cells(_ recorded: Double) -> [String] {
    [time(recorded), percentage(recorded / max(totalSeconds, 1e-9))]
      + figureColumns.dropFirst(2).map { _ in "" }
  }

  private func share(_ figures: Profile.Figures) -> Double {
    figures.rooflineSeconds / max(figures.seconds, 1e-9)
  }

  /// More than one thing that programs are run for.
  private var hasActivities: Bool { Set(rows.map(\.activity)).count > 1 }

  private var operationColumns: [Table.Column] {
    [.right("module")] + (hasActivities ? [.left("for")] : []) + [.left("operation"), .right("nodes")]
      + figureColumns
  }

  private var operationRows: [[String]] {
    func other(_ name: String, _ recorded: Double) -> [String] {
      [""] + (hasActivities ? [""] : []) + [name, ""] + cells(recorded)
    }
    return rows.map { row in
      [word(module: row.module)] + (hasActivities ? [row.activity.words] : [])
        + [row.operation, "\(row.nodeCount)"] + cells(row.figures)
    } + [other("preparing batches", recordedPreparation)]
      + (otherSeconds.map { [other("all else: files, figures, checks", $0)] } ?? [])
  }

  private var totalRow: [String] {
    let name =
      switch extent {
      case .step: "step"
      case .run: "run"
      }
    return [""] + (hasActivities ? [""] : []) + [name, ""] + cells(totalSeconds)
  }

  private var moduleColumns: [Table.Column] { [.right("module")] + figureColumns }
  private var moduleRows: [[String]] { modules.map { [word(module: $0.module)] + cells($0.figures) } }

  private func word(module: Int) -> String { module == 0 ? "-" : "\(module)" }

  private var rooflineLine: String? {
    knownRoofline.map { roofline in
      "roofline: \(fixed(roofline.gigaflopsPerSecond, decimals: 0)) GFLOP/s of plain products (SGEMM) and "
        + "\(fixed(roofline.gigabytesPerSecond, decimals: 1)) GB/s of sweeps over memory, "
        + (roofline.source == .profile ? "from this machine's profile" : "measured just before")
        + "; a share counts the operations that really run"
    }
  }

  /// Far more than caches hold.
  private static let largeSweep = 48 << 20

  package func text(_ style: TextStyle) -> String {
    var operations = Table(operationColumns)
    for row in operationRows { operations.add(row) }
    operations.addRule()
    operations.add(totalRow)
    var byModule = Table(moduleColumns)
    for row in moduleRows { byModule.add(row) }
    return style.bold("time by operation") + "\n" + operations.text(style) + style.bold("time by module")
      + "\n" + byModule.text(style)
      + (rooflineLine.map { wrapped($0, width: Table.widthLimit).map { $0 + "\n" }.joined() } ?? "")
  }

  /// The tables with their titles, on a page.
  func section(_ html: inout HTML) {
    html.element("h2", text: "Time by operation")
    html.table(operationColumns, operationRows + [totalRow])
    html.element("h2", text: "Time by module")
    html.table(moduleColumns, moduleRows)
    if let rooflineLine { html.element("p", [("class", "dim")], text: rooflineLine) }
  }

  // MARK: - For programs

  /// Of every operation, by time.
  package var operations: JSON {
    .array(
      rows.map { row in
        .object(
          [
            ("module", .integer(row.module)), ("for", .string(row.activity.words)),
            ("operation", .string(row.operation)), ("nodes", .integer(row.nodeCount)),
          ] + members(row.figures))
      })
  }

  /// Of every module, in order.
  package var byModule: JSON {
    .array(modules.map { .object([("module", .integer($0.module))] + members($0.figures)) })
  }

  /// Null where nobody knows them.
  package var roofline: JSON {
    .optional(knownRoofline) { roofline in
      [
        "gigaflopsPerSecond": .number(roofline.gigaflopsPerSecond),
        "gigabytesPerSecond": .number(roofline.gigabytesPerSecond),
        "from": .string(roofline.source.rawValue),
      ]
    }
  }

  package var preparationSeconds: Double { seconds(recordedPreparation) }

  /// All of it, as one value.
  package var json: JSON {
    [
      "steps": .integer(stepCount), "seconds": .number(seconds(totalSeconds)),
      "preparationSeconds": .number(preparationSeconds),
      "otherSeconds": .optional(otherSeconds, JSON.number), "ceiling": roofline, "operations": operations,
      "modules": byModule,
    ]
  }

  private func members(_ figures: Profile.Figures) -> [(key: String, value: JSON)] {
    [
      ("seconds", .number(seconds(figures.seconds))), ("macs", .integer(figures.multiplyAdds / divisor)),
      ("executedMacs", .integer(figures.executed.multiplyAdds / divisor)),
      ("bytes", .integer(figures.executed.byteCount / divisor)),
      ("share", knownRoofline == nil ? .null : .number(share(figures))),
      ("plannedSeconds", hasEstimates ? .number(seconds(figures.estimatedSeconds)) : .null),
    ]
  }
}
