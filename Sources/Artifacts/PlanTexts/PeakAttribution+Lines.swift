package import Diagnostics

extension PeakAttribution {
  /// What one line of the spec's own text holds.
  package struct Line {
    /// From 1.
    package var line: Int
    /// The largest first.
    package var rows: [Row]
    package var byteCount: Int
    /// Of the process at that moment.
    package var share: Double
    /// Of the place that holds the most, on the command line too.
    package var shareOfLargest: Double
  }

  /// Every line of the spec's own text, those that hold nothing too.
  package func lines(_ places: SourcePlaces) -> [Line] {
    var byPlace: [String: [Row]] = [:]
    for row in rows {
      if let place = row.place { byPlace[place, default: []].append(row) }
    }
    let most = max(1, byPlace.values.map { $0.map(\.byteCount).reduce(0, +) }.max() ?? 1)
    return places.specLines.indices.map { index in
      let rows = byPlace[places.place(line: index + 1)] ?? []
      let held = rows.map(\.byteCount).reduce(0, +)
      return Line(
        line: index + 1, rows: rows, byteCount: held, share: Double(held) / Double(max(1, byteCount)),
        shareOfLargest: Double(held) / Double(most))
    }
  }
}
