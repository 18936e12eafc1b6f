/// A module's figures of one split, epoch by epoch: all of them, or, of a run with more epochs than a chart has points, as many as the
/// curves need to look the same.
struct EpochRows {
  struct Row: Hashable {
    var epoch: Int
    /// Nil where it was no number.
    var loss, top1, top5: Double?

    init(_ line: MetricsLine) {
      (epoch, loss, top1, top5) = (line.epoch, line.loss, line.top1, line.top5)
    }
  }

  private(set) var rows: [Row] = []
  /// Nil: all stay.
  private let limit: Int?
  /// Of these neighbours the first few with the extremes stay.
  private static let groupCount = 12

  /// - Parameter limit: with more rows than twice this they are thinned out.
  init(limit: Int?) { self.limit = limit }

  mutating func add(_ line: MetricsLine) {
    rows.append(Row(line))
    if let limit, rows.count > 2 * limit { thin() }
  }

  /// The first and the last stay, and of each group in between the rows with the lowest and the highest loss and accuracy.
  private mutating func thin() {
    var kept: [Row] = [rows[0]]
    let inner = rows[1..<rows.count - 1]
    for start in stride(from: inner.startIndex, to: inner.endIndex, by: Self.groupCount) {
      let group = inner[start..<min(inner.endIndex, start + Self.groupCount)]
      var places: Set<Int> = []
      for figure in [\Row.loss, \Row.top1] {
        let known = group.indices.filter { group[$0][keyPath: figure] != nil }
        func value(_ place: Int) -> Double { group[place][keyPath: figure] ?? 0 }
        if let low = known.min(by: { value($0) < value($1) }) { places.insert(low) }
        if let high = known.max(by: { value($0) < value($1) }) { places.insert(high) }
      }
      kept += places.sorted().map { group[$0] }
    }
    kept.append(rows[rows.count - 1])
    rows = kept
  }
}
