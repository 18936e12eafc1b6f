internal import Artifacts
internal import Planning
internal import Text

/// What a save has changed in a plan.
struct SavedPlans {
  private var last: (peakBytes: Int, specText: String)?

  /// - Returns: a line, without its end; nil for the first plan.
  mutating func note(_ plan: Plan) -> String? {
    defer { last = (plan.memory.peakBytes, plan.specText) }
    guard let last else { return nil }
    let (old, new) = (last.peakBytes, plan.memory.peakBytes)
    let share = Double(new - old) / Double(max(1, old))
    let peak =
      old == new
      ? "the peak is \(byteSize(new)) as before"
      : "peak \(byteSize(old)) -> \(byteSize(new)) (\(share > 0 ? "+" : "")\(percentage(share)))"
    let changes = SpecDifference(from: last.specText, to: plan.specText)
    return "since the last save: \(peak)"
      + (changes.changes.isEmpty ? "; no value is another" : "; \(changes.words)")
  }
}
