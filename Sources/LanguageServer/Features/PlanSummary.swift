internal import Artifacts
internal import Diagnostics
internal import GraphIR
internal import Planning
internal import Text

/// What an editor shows of a plan. The plan itself is not kept: it is larger by far.
struct PlanSummary: Sendable {
  /// Text behind what is written.
  struct Hint: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
      /// Behind a layer, block or stage: output, parameters, MACs.
      case shape
      /// At the end of a line: its share of the peak.
      case memory
    }

    var kind: Kind
    /// In the text: the end of the entry, or the first byte of the line.
    var offset: Int
    var label: String
    /// Markdown.
    var details: String
  }

  var hints: [Hint]
  /// Peak, share of end-to-end training, time, budget.
  var headline: String
  /// The strategies side by side, as text.
  var comparison: String
  /// What is warned of only when planned.
  var warnings: [SpecFailure]
  /// That no plan fits the budget; nil where one does or there is none.
  var shortfall: SpecFailure?

  init(_ planned: PlannedSpec, bytes: [UInt8]) {
    let plan = planned.plan
    let file = SourceFile(id: SourceFileID(index: 0), label: "", bytes: bytes)
    let attribution = PeakAttribution(plan, places: planned.places)
    hints = ShapeHints(planned.outline, SpecOutline(bytes), file).hints
    for line in attribution.lines(planned.places) where line.byteCount > 0 {
      hints.append(Self.memory(line, attribution, in: file))
    }
    headline = Self.headline(planned)
    comparison =
      planned.comparison.rows.isEmpty
      ? "" : ComparisonText(plan, planned.comparison).text(.plain, withStages: false)
    warnings = planned.warnings
    shortfall = Self.shortfall(planned)
  }

  // MARK: - Memory

  private static func memory(
    _ line: PeakAttribution.Line, _ attribution: PeakAttribution, in file: SourceFile
  ) -> Hint {
    var details =
      "\(byteSize(line.byteCount)) of the peak's \(byteSize(attribution.byteCount))\n"
    for row in line.rows {
      let parts = MemoryCategory.allCases.filter { row.breakdown[$0] > 0 }.map {
        "\($0.rawValue) \(byteSize(row.breakdown[$0]))"
      }
      details += "\n- `\(row.what)` \(byteSize(row.byteCount))"
      if !parts.isEmpty { details += ": \(parts.joined(separator: ", "))" }
    }
    return Hint(
      kind: .memory, offset: file.contentRange(ofLine: line.line).lowerBound,
      label: "\(bar(line.shareOfLargest)) \(percentage(line.share))", details: details)
  }

  /// Eight characters for the line that holds the most, an eighth of one at least.
  private static func bar(_ share: Double) -> String {
    let eighths = min(64, max(1, Int((share * 64).rounded())))
    let parts = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
    return String(repeating: "█", count: eighths / 8) + parts[eighths % 8]
  }

  // MARK: - The first line

  private static func headline(_ planned: PlannedSpec) -> String {
    let plan = planned.plan
    let peak = plan.memory.peakBytes
    var parts = ["peak \(byteSize(peak))"]
    if let whole = planned.comparison.endToEndPeakBytes, plan.training.strategy != .endToEnd {
      parts.append("\(percentage(Double(peak) / Double(max(1, whole)))) of end-to-end's \(byteSize(whole))")
    }
    if let time = planned.time, let least = time.stages.map(\.epochSeconds).min(),
      let most = time.stages.map(\.epochSeconds).max()
    {
      let (from, to) = (duration(seconds: least), duration(seconds: most))
      parts.append(from == to ? "\(from) an epoch" : "\(from) to \(to) an epoch")
    }
    if let budget = planned.budgetBytes {
      if let smallest = planned.smallestBudgetBytes {
        parts.append("budget \(byteSize(budget)) missed: the smallest that would do is \(byteSize(smallest))")
      } else {
        parts.append(
          "budget \(byteSize(budget)) met, \(percentage(Double(peak) / Double(max(1, budget)))) used")
      }
    }
    return parts.joined(separator: " · ")
  }

  private static func shortfall(_ planned: PlannedSpec) -> SpecFailure? {
    guard let budget = planned.budgetBytes, let smallest = planned.smallestBudgetBytes else { return nil }
    return SpecFailure(
      message: "no plan of '\(planned.plan.name)' stays within \(byteSize(budget))",
      help: "the smallest budget that would do is \(smallest)B (\(byteSize(smallest)))")
  }
}
