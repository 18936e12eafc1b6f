package import GraphIR

/// Gives every transient block an offset so that blocks which live at the same time do not overlap, in as little memory
/// as it finds. (Offline dynamic storage allocation: NP-hard; several greedy orders come within percents of the bound.)
package struct ArenaPacker {
  /// Offsets in bytes, one a lifetime, and where the last block ends.
  package struct Layout: Hashable, Sendable {
    package var offsets: [Int]
    package var byteCount: Int
  }

  private let lifetimes: [Lifetime]

  package init(_ lifetimes: [Lifetime]) {
    self.lifetimes = lifetimes
  }

  /// The most that is live at once: no layout is smaller.
  package var lowerBound: Int {
    var change: [Int: Int] = [:]
    for lifetime in lifetimes {
      change[lifetime.nodes.lowerBound, default: 0] += lifetime.byteCount
      change[lifetime.nodes.upperBound + 1, default: 0] -= lifetime.byteCount
    }
    var live = 0
    var most = 0
    for node in change.keys.sorted() {
      live += change[node, default: 0]
      most = max(most, live)
    }
    return most
  }

  /// The best of several orders; ties go to the earlier order, so equal graphs get equal layouts.
  package func pack() -> Layout {
    let bound = lowerBound
    var best: Layout?
    for order in Order.allCases {
      let layout = pack(in: order)
      if best.map({ layout.byteCount < $0.byteCount }) ?? true { best = layout }
      if layout.byteCount <= bound { break }
    }
    return best ?? Layout(offsets: [], byteCount: 0)
  }

  private enum Order: CaseIterable {
    case largestFirst, largestAreaFirst, longestFirst, firstNeededFirst
  }

  /// Flat, so that the search for a gap counts no references.
  private struct Placed {
    var bytes: Range<Int>
    var nodes: ClosedRange<Int>
  }

  private func pack(in order: Order) -> Layout {
    let indices = lifetimes.indices.sorted { a, b in
      let (x, y) = (key(lifetimes[a], order), key(lifetimes[b], order))
      return x == y ? a < b : x > y
    }
    var placed: [Placed] = []
    placed.reserveCapacity(lifetimes.count)
    var offsets = [Int](repeating: 0, count: lifetimes.count)
    var end = 0
    for index in indices {
      let (byteCount, nodes) = (lifetimes[index].byteCount, lifetimes[index].nodes)
      var offset = 0
      // Lowest gap among the blocks that live at the same time; `placed` is sorted by offset.
      for neighbour in placed where neighbour.nodes.overlaps(nodes) {
        if neighbour.bytes.lowerBound >= offset + byteCount { break }
        offset = max(offset, neighbour.bytes.upperBound)
      }
      var insertion = 0
      var high = placed.count
      while insertion < high {
        let middle = (insertion + high) / 2
        if placed[middle].bytes.lowerBound <= offset { insertion = middle + 1 } else { high = middle }
      }
      placed.insert(Placed(bytes: offset..<offset + byteCount, nodes: nodes), at: insertion)
      offsets[index] = offset
      end = max(end, offset + byteCount)
    }
    return Layout(offsets: offsets, byteCount: end)
  }

  /// Larger goes first; the second part settles ties.
  private func key(_ lifetime: Lifetime, _ order: Order) -> (Int, Int) {
    let length = lifetime.nodes.count
    return switch order {
    case .largestFirst: (lifetime.byteCount, length)
    case .largestAreaFirst: (lifetime.byteCount * length, length)
    case .longestFirst: (length, lifetime.byteCount)
    case .firstNeededFirst: (-lifetime.nodes.lowerBound, lifetime.byteCount)
    }
  }
}
