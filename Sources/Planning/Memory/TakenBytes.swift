/// Which bytes are taken during which nodes of a program: a segment tree over its nodes. Every stretch of nodes in the tree has
/// the union of the bytes that are taken at any of its nodes, and of those that are taken throughout; a question about a range
/// of nodes puts together O(log nodes) such unions.
struct TakenBytes {
  /// A leaf for each node behind as many inner stretches; 1 is the root.
  private let leafCount: Int
  /// Of each stretch what is taken at any of its nodes, and next to it what is taken throughout.
  private var unions: [ByteUnion]
  /// Byte ranges that were looked at or changed.
  private(set) var steps = 0
  /// Reused by every question, and empty between them.
  private var found: [(union: Int, next: Int)] = []

  init(nodeCount: Int) {
    var leafCount = 1
    while leafCount < nodeCount { leafCount *= 2 }
    self.leafCount = leafCount
    unions = Array(repeating: ByteUnion(), count: 4 * leafCount)
  }

  /// The lowest offset from which on `byteCount` bytes are free during all of `nodes`.
  mutating func lowestGap(of byteCount: Int, during nodes: ClosedRange<Int>) -> Int {
    var (left, right) = (nodes.lowerBound + leafCount, nodes.upperBound + leafCount)
    collect(atAny(left))
    if right != left { collect(atAny(right)) }
    // Stretches between the two paths to the root lie inside `nodes`; those on the paths reach beyond them.
    while left > 1 {
      if left / 2 != right / 2 {
        if left.isMultiple(of: 2) { collect(atAny(left + 1)) }
        if !right.isMultiple(of: 2) { collect(atAny(right - 1)) }
      }
      (left, right) = (left / 2, right / 2)
      collect(throughout(left))
      if right != left { collect(throughout(right)) }
    }
    var offset = 0
    var isFree = false
    while !isFree {
      isFree = true
      for index in found.indices {
        let union = found[index].union
        while let range = unions[union][found[index].next], range.upperBound <= offset {
          found[index].next += 1
          steps += 1
        }
        guard let range = unions[union][found[index].next], range.lowerBound < offset + byteCount else {
          continue
        }
        offset = range.upperBound
        isFree = false
      }
      steps += found.count
    }
    found.removeAll(keepingCapacity: true)
    return offset
  }

  private func atAny(_ stretch: Int) -> Int { 2 * stretch }
  private func throughout(_ stretch: Int) -> Int { 2 * stretch + 1 }

  private mutating func collect(_ union: Int) {
    if unions[union][0] != nil { found.append((union, 0)) }
  }

  mutating func take(_ bytes: Range<Int>, during nodes: ClosedRange<Int>) {
    var (left, right) = (nodes.lowerBound + leafCount, nodes.upperBound + leafCount)
    insert(bytes, isThroughout: true, left)
    if right != left { insert(bytes, isThroughout: true, right) }
    while left > 1 {
      if left / 2 != right / 2 {
        if left.isMultiple(of: 2) { insert(bytes, isThroughout: true, left + 1) }
        if !right.isMultiple(of: 2) { insert(bytes, isThroughout: true, right - 1) }
      }
      (left, right) = (left / 2, right / 2)
      insert(bytes, isThroughout: false, left)
      if right != left { insert(bytes, isThroughout: false, right) }
    }
  }

  private mutating func insert(_ bytes: Range<Int>, isThroughout: Bool, _ stretch: Int) {
    steps += unions[atAny(stretch)].insert(bytes)
    if isThroughout { steps += unions[throughout(stretch)].insert(bytes) }
  }
}

/// Bytes as rising ranges that neither overlap nor touch.
struct ByteUnion {
  private(set) var ranges: [Range<Int>] = []

  /// Nil behind the last one.
  subscript(index: Int) -> Range<Int>? { index < ranges.count ? ranges[index] : nil }

  /// - Returns: ranges that were looked at.
  mutating func insert(_ bytes: Range<Int>) -> Int {
    guard !bytes.isEmpty else { return 1 }
    let first = firstIndex(endingAtOrBehind: bytes.lowerBound)
    var behind = first
    var merged = bytes
    while behind < ranges.count, ranges[behind].lowerBound <= bytes.upperBound {
      merged =
        min(
          merged.lowerBound, ranges[behind].lowerBound)..<max(
          merged.upperBound, ranges[behind].upperBound)
      behind += 1
    }
    if behind == first + 1 {
      ranges[first] = merged
    } else {
      ranges.replaceSubrange(first..<behind, with: CollectionOfOne(merged))
    }
    return behind - first + 1
  }

  private func firstIndex(endingAtOrBehind offset: Int) -> Int {
    var (low, high) = (0, ranges.count)
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound < offset { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
