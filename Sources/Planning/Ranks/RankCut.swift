/// Consecutive groups, one a rank, such that the dearest costs as little as any cut allows.
package enum RankCut {
  /// - Parameters:
  ///   - costs: of what is cut, in order; none is negative.
  ///   - count: of groups, each of at least one element.
  /// - Returns: the positions of each group. Of equal cuts the one whose last groups are longest, the last one first.
  /// - Complexity: O(count * costs.count^2).
  package static func groups(of costs: [Double], count: Int) -> [Range<Int>] {
    precondition((1...max(1, costs.count)).contains(count) && !costs.isEmpty, "a group has an element")
    var sums = [0.0]
    for cost in costs { sums.append(sums[sums.count - 1] + cost) }
    // Of the first so many elements in so many groups: the dearest group, and where the last one begins.
    var dearest = [[Double]](
      repeating: [Double](repeating: .infinity, count: costs.count + 1), count: count + 1)
    var begins = [[Int]](repeating: [Int](repeating: 0, count: costs.count + 1), count: count + 1)
    dearest[0][0] = 0
    for groups in 1...count {
      for end in groups...costs.count {
        for begin in groups - 1..<end {
          let cost = max(dearest[groups - 1][begin], sums[end] - sums[begin])
          if cost < dearest[groups][end] {
            dearest[groups][end] = cost
            begins[groups][end] = begin
          }
        }
      }
    }
    var (end, result) = (costs.count, [Range<Int>]())
    for groups in (1...count).reversed() {
      let begin = begins[groups][end]
      result.append(begin..<end)
      end = begin
    }
    return result.reversed()
  }
}
