import GraphIR

/// The packer's greedy orders as their definition has them, block against block.
enum GreedyReference {
  /// Larger keys choose first; of equal ones the block that comes first.
  static func offsets(_ lifetimes: [Lifetime], key: (Lifetime) -> (Int, Int)) -> [Int] {
    let order = lifetimes.indices.sorted { a, b in
      let (x, y) = (key(lifetimes[a]), key(lifetimes[b]))
      return x == y ? a < b : x > y
    }
    var offsets = [Int](repeating: 0, count: lifetimes.count)
    var placed: [Int] = []
    for index in order {
      let neighbours = placed.filter { lifetimes[$0].nodes.overlaps(lifetimes[index].nodes) }
        .sorted { offsets[$0] < offsets[$1] }
      var offset = 0
      for other in neighbours {
        if offsets[other] >= offset + lifetimes[index].byteCount { break }
        offset = max(offset, offsets[other] + lifetimes[other].byteCount)
      }
      offsets[index] = offset
      placed.append(index)
    }
    return offsets
  }

  static func largestFirst(_ lifetimes: [Lifetime]) -> [Int] {
    offsets(lifetimes) { ($0.byteCount, $0.nodes.count) }
  }

  /// The best of all five orders.
  static func best(_ lifetimes: [Lifetime]) -> [Int] {
    let keys: [(Lifetime) -> (Int, Int)] = [
      { ($0.byteCount, $0.nodes.count) }, { ($0.byteCount, -$0.nodes.lowerBound) },
      { ($0.byteCount * $0.nodes.count, $0.nodes.count) },
      { ($0.nodes.count, $0.byteCount) }, { (-$0.nodes.lowerBound, $0.byteCount) },
    ]
    let layouts = keys.map { offsets(lifetimes, key: $0) }
    return layouts.min { end(lifetimes, $0) < end(lifetimes, $1) } ?? []
  }

  static func end(_ lifetimes: [Lifetime], _ offsets: [Int]) -> Int {
    zip(lifetimes, offsets).map { $0.byteCount + $1 }.max() ?? 0
  }
}
