/// Sizes at which programs begin to compute values again: eight to each doubling, the same for every spec and every budget. A
/// search that looks at nothing between them finds the same plans whatever budget it is for.
package enum RecomputeRungs {
  package static let perDoubling = 8

  /// 2^(i/8), in 1/65,536.
  private static let steps = [65536, 71468, 77936, 84990, 92682, 101070, 110218, 120194]

  /// Doublings of the first and the last rung that anybody can need.
  private static let doublings = 12..<46

  /// Those below `start`, falling, of one of `perDoubling` ladders, on each of which the next rung is half of the one before.
  package static func ladder(_ ladder: Int, below start: Int) -> [Int] {
    // Whole cache lines, like all that is laid out; doubled, they stay what the way down to the lowest one passes.
    doublings.reversed().map { (steps[ladder] >> 4 & ~63) << ($0 - 12) }.filter { $0 < start }
  }

  /// The way down from `start` to a limit: the doublings of the limit, falling, and the limit itself.
  package static func way(from start: Int, to limit: Int) -> [Int] {
    guard limit > 0, limit < start else { return limit < start ? [limit] : [] }
    var way = [limit]
    while way[way.count - 1] < start / 2 { way.append(2 * way[way.count - 1]) }
    return way.reversed().filter { $0 < start }
  }
}
