/// The byte ranges of values that are live at one moment, in order of where they begin. They never overlap: `insert` refuses
/// what would.
///
/// Values have ranks in order of their offsets, and a bit says for each rank whether its value is live; words of 64 bits have a
/// bit each in the level above. Every question climbs these levels: O(log64 values).
struct LiveRanges {
  private let bytes: [Range<Int>]
  /// By value. Values that begin at the same byte have ranks of their own.
  private let ranks: [Int]
  /// By rank.
  private let values: [Int]
  private var levels: [[UInt64]] = []
  /// Questions and changes so far.
  private(set) var steps = 0

  /// None of them live.
  ///
  /// - Parameter bytes: of each value.
  init(_ bytes: [Range<Int>]) {
    self.bytes = bytes
    values = bytes.indices.sorted { (bytes[$0].lowerBound, $0) < (bytes[$1].lowerBound, $1) }
    var ranks = [Int](repeating: 0, count: bytes.count)
    for (rank, value) in values.enumerated() { ranks[value] = rank }
    self.ranks = ranks
    var count = bytes.count
    repeat {
      count = (count + 63) / 64
      levels.append([UInt64](repeating: 0, count: max(1, count)))
    } while count > 1
  }

  func contains(_ value: Int) -> Bool {
    levels[0][ranks[value] / 64] & (1 << UInt64(ranks[value] % 64)) != 0
  }

  /// - Returns: a live value that shares bytes with this one, which then stays out; nil where it is live from now on, or
  ///   was before.
  mutating func insert(_ value: Int) -> Int? {
    if contains(value) { return nil }
    if let other = first(overlapping: bytes[value]) { return other }
    var bit = ranks[value]
    for level in levels.indices {
      levels[level][bit / 64] |= 1 << UInt64(bit % 64)
      bit /= 64
    }
    return nil
  }

  mutating func remove(_ value: Int) {
    steps += 1
    guard contains(value) else { return }
    var bit = ranks[value]
    for level in levels.indices {
      levels[level][bit / 64] &= ~(1 << UInt64(bit % 64))
      if levels[level][bit / 64] != 0 { return }
      bit /= 64
    }
  }

  /// A live value that has bytes of `range`.
  mutating func first(overlapping range: Range<Int>) -> Int? {
    steps += 1
    guard !range.isEmpty else { return nil }
    // Live ranges are apart from each other: of those that begin in front of the range's end only the last can reach into it.
    var (low, high) = (0, values.count)
    while low < high {
      let middle = (low + high) / 2
      if bytes[values[middle]].lowerBound < range.upperBound { low = middle + 1 } else { high = middle }
    }
    guard let rank = lastLive(before: low) else { return nil }
    return bytes[values[rank]].overlaps(range) ? values[rank] : nil
  }

  private func lastLive(before end: Int) -> Int? {
    var end = end
    for level in levels.indices {
      let (word, bit) = (end / 64, end % 64)
      let below = bit == 0 ? 0 : levels[level][word] & (UInt64.max >> UInt64(64 - bit))
      if below != 0 {
        var found = word * 64 + 63 - below.leadingZeroBitCount
        for lower in (0..<level).reversed() {
          found = found * 64 + 63 - levels[lower][found].leadingZeroBitCount
        }
        return found
      }
      end = word
    }
    return nil
  }
}
