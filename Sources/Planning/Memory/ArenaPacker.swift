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
    var change = [Int](repeating: 0, count: nodeCount + 1)
    for lifetime in lifetimes {
      change[lifetime.nodes.lowerBound] += lifetime.byteCount
      change[lifetime.nodes.upperBound + 1] -= lifetime.byteCount
    }
    var live = 0
    var most = 0
    for bytes in change {
      live += bytes
      most = max(most, live)
    }
    return most
  }

  private var nodeCount: Int { (lifetimes.map(\.nodes.upperBound).max() ?? -1) + 1 }

  /// The best of several orders; ties go to the earlier order, so equal graphs get equal layouts.
  package func pack() -> Layout {
    var steps = 0
    return pack(countingSteps: &steps)
  }

  /// - Parameter steps: grows by the byte ranges that were looked at.
  /// - Complexity: O(n log n) steps where what lives at once lies close together, as it does in a packed arena.
  package func pack(countingSteps steps: inout Int) -> Layout {
    let bound = lowerBound
    var best: Layout?
    for order in PackingOrder.allCases {
      guard let layout = pack(in: order, below: best?.byteCount ?? .max, &steps) else { continue }
      best = layout
      if layout.byteCount <= bound { break }
    }
    return best ?? Layout(offsets: [], byteCount: 0)
  }

  /// The bytes of the best layout where those of the one made largest blocks first are known.
  ///
  /// - Parameter enough: what is no larger need not be the best.
  package func byteCount(largestFirst: Int, enough: Int) -> Int {
    let enough = max(enough, lowerBound)
    var best = largestFirst
    var steps = 0
    for order in PackingOrder.allCases where order != .largestFirst && best > enough {
      if let layout = pack(in: order, below: best, &steps) { best = layout.byteCount }
    }
    return best
  }

  /// - Returns: nil where the layout would take `limit` bytes or more.
  private func pack(in order: PackingOrder, below limit: Int, _ steps: inout Int) -> Layout? {
    let keys = lifetimes.map { order.key(byteCount: $0.byteCount, nodes: $0.nodes) }
    let indices = lifetimes.indices.sorted { a, b in keys[a] == keys[b] ? a < b : keys[a] > keys[b] }
    var taken = TakenBytes(nodeCount: nodeCount)
    var offsets = [Int](repeating: 0, count: lifetimes.count)
    var end = 0
    defer { steps += taken.steps }
    for index in indices {
      let (byteCount, nodes) = (lifetimes[index].byteCount, lifetimes[index].nodes)
      let offset = taken.lowestGap(of: byteCount, during: nodes)
      taken.take(offset..<offset + byteCount, during: nodes)
      offsets[index] = offset
      end = max(end, offset + byteCount)
      guard end < limit else { return nil }
    }
    return Layout(offsets: offsets, byteCount: end)
  }
}

/// In which blocks choose their places: the lowest gap among those that chose before them.
enum PackingOrder: CaseIterable {
  case largestFirst
  /// Of blocks of one size the first needed first: a chain of equal activations takes turns in two places.
  case largestFirstInTime
  case largestAreaFirst, longestFirst, firstNeededFirst

  /// Larger goes first; the second part settles ties.
  func key(byteCount: Int, nodes: ClosedRange<Int>) -> (Int, Int) {
    let length = nodes.count
    return switch self {
    case .largestFirst: (byteCount, length)
    case .largestFirstInTime: (byteCount, -nodes.lowerBound)
    case .largestAreaFirst: (byteCount * length, length)
    case .longestFirst: (length, byteCount)
    case .firstNeededFirst: (-nodes.lowerBound, byteCount)
    }
  }
}
