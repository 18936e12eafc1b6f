package import GraphIR

/// The layout that `ArenaPacker` makes largest blocks first, of a program that grows at its end: only blocks are placed anew whose
/// surroundings changed. A block goes to the lowest gap among the larger ones that live at the same time, so where it lies
/// depends on these alone; placing it again where one of them has come or moved, larger ones first, gives what packing
/// everything anew would.
package struct GrowingLayout {
  private struct Block {
    var byteCount: Int
    var first, last: Int
    /// Of equal blocks the one with the smaller number goes first.
    var tie: Int
    /// -1 until it is placed for the first time.
    var offset = -1
    var isWaiting = false
    /// While it waits: nothing is free for it that begins lower.
    var searchStart = 0

    var end: Int { offset + byteCount }
    func overlaps(_ other: Block) -> Bool { first <= other.last && other.first <= last }

    /// Chooses its place before `other`.
    func precedes(_ other: Block) -> Bool {
      if byteCount != other.byteCount { return byteCount > other.byteCount }
      let (length, otherLength) = (last - first, other.last - other.first)
      return length == otherLength ? tie < other.tie : length > otherLength
    }
  }

  /// In order of their first nodes.
  private var blocks: [Block] = []
  /// By node: the first block that begins there or later.
  private var firstBlocks: [Int] = []
  /// Blocks of more than `shortLength` nodes, and those that live to the program's end.
  private var longBlocks: [Int] = []
  /// Blocks to place next, while no order is settled.
  private var pending: [Int] = []
  /// Blocks to place, as a binary heap: the one that chooses first on top.
  private var waiting: [Int] = []
  /// By size: nodes of the longest block that does not live to the program's end.
  private var longestOthers: [Int: Int] = [:]
  /// What `restore` takes back.
  private var changes: [(index: Int, block: Block)] = []
  private var isTrying = false
  /// Blocks that were looked at.
  package private(set) var steps = 0

  package init() {}

  private static let shortLength = 64

  /// Bytes that a block has left, and for blocks of one size since when others take them.
  private struct FreedBytes {
    var bytes = 0..<0
    /// Of the block that has left them.
    var lastNode = 0
    var byteCount = -1
    var takenSince = -1
  }

  /// Where the last block ends.
  package var byteCount: Int { blocks.reduce(0) { max($0, $1.end) } }

  func byteCount(of block: Int) -> Int { blocks[block].byteCount }

  /// Of every block, once it is settled.
  package var offsets: [Int] { blocks.map(\.offset) }

  /// All blocks, as the packer takes them.
  package var lifetimes: [Lifetime] {
    blocks.sorted { $0.tie < $1.tie }.map { block in
      Lifetime(
        owner: .scratch(node: block.first), category: .workspace, byteCount: block.byteCount,
        nodes: block.first...block.last)
    }
  }

  /// Adds a block that begins no earlier than any other.
  ///
  /// - Parameter livesOn: to the program's end, wherever that will be.
  /// - Returns: its index.
  package mutating func add(byteCount: Int, nodes: ClosedRange<Int>, tie: Int, livesOn: Bool) -> Int {
    let index = blocks.count
    while firstBlocks.count <= nodes.lowerBound { firstBlocks.append(index) }
    blocks.append(Block(byteCount: byteCount, first: nodes.lowerBound, last: nodes.upperBound, tie: tie))
    if livesOn || nodes.count > Self.shortLength { longBlocks.append(index) }
    if !livesOn { noteLength(of: index) }
    pending.append(index)
    return index
  }

  /// Makes a block live longer: up to a node behind those of all blocks that were there before.
  ///
  /// - Parameter livesOn: with all others that live to the program's end, each extended to that.
  package mutating func extend(_ index: Int, to last: Int, livesOn: Bool) {
    guard last > blocks[index].last else { return }
    let before = blocks[index].last - blocks[index].first
    remember(index)
    blocks[index].last = last
    if livesOn {
      // Among those that live on it chooses when it did before, and among others only where it was no longer than they are.
      if before <= longestOthers[blocks[index].byteCount, default: -1] { pending.append(index) }
    } else {
      if before < Self.shortLength, last - blocks[index].first >= Self.shortLength {
        longBlocks.append(index)
      }
      noteLength(of: index)
      pending.append(index)
    }
  }

  private mutating func noteLength(of index: Int) {
    if isTrying { return }
    let block = blocks[index]
    longestOthers[block.byteCount] = max(
      longestOthers[block.byteCount, default: -1], block.last - block.first)
  }

  // MARK: - Placing

  /// Gives every waiting block its place.
  package mutating func settle() {
    var neighbours: [Int] = []
    var taken: [Range<Int>] = []
    var freed = FreedBytes()
    for index in pending { wait(index, from: 0) }
    pending.removeAll(keepingCapacity: true)
    while let index = nextWaiting() {
      neighbours.removeAll(keepingCapacity: true)
      collectNeighbours(of: index, into: &neighbours)
      steps += neighbours.count
      let block = blocks[index]
      taken.removeAll(keepingCapacity: true)
      for other in neighbours where blocks[other].end > block.searchStart && blocks[other].precedes(block) {
        taken.append(blocks[other].offset..<blocks[other].end)
      }
      taken.sort { $0.lowerBound < $1.lowerBound }
      var offset = block.searchStart
      for range in taken {
        if range.lowerBound >= offset + block.byteCount { break }
        offset = max(offset, range.upperBound)
      }
      guard offset != block.offset else { continue }
      remember(index)
      blocks[index].offset = offset
      let (new, old) = (offset..<offset + block.byteCount, block.offset..<block.end)
      freed = FreedBytes(bytes: old, lastNode: block.last)
      for other in neighbours where blocks[other].offset >= 0 && block.precedes(blocks[other]) {
        let range = blocks[other].offset..<blocks[other].end
        if block.offset >= 0, range.upperBound > old.lowerBound,
          !isTaken(&freed, for: blocks[other])
        {
          // Behind bytes that are free now: it may begin so that it has one of them, and no lower.
          wait(other, from: min(range.lowerBound, max(0, old.lowerBound - range.count + 1)))
        } else if range.overlaps(new) {
          wait(other, from: range.lowerBound)
        }
      }
    }
  }

  /// Whether larger blocks take all bytes that have become free anyway, at one node or another of a block that lives longer. What has
  /// lived since long ago, as metrics do that wait for the end of the program, stays where it is when something moves far behind its first node.
  private mutating func isTaken(_ freed: inout FreedBytes, for other: Block) -> Bool {
    guard other.last >= freed.lastNode, other.last - other.first >= Self.shortLength else { return false }
    if other.byteCount != freed.byteCount {
      freed.byteCount = other.byteCount
      freed.takenSince = takenSince(freed, largerThan: other.byteCount)
    }
    return other.first <= freed.takenSince
  }

  /// The last node such that blocks beginning at it or behind it take all of the bytes; -1 where none is found near.
  private mutating func takenSince(_ freed: FreedBytes, largerThan byteCount: Int) -> Int {
    var holes = [freed.bytes]
    let end = freed.lastNode + 1 < firstBlocks.count ? firstBlocks[freed.lastNode + 1] : blocks.count
    for index in (max(0, end - Self.nearCount)..<end).reversed() {
      steps += 1
      let block = blocks[index]
      guard block.byteCount > byteCount, block.offset >= 0 else { continue }
      let range = block.offset..<block.end
      guard holes.contains(where: { $0.overlaps(range) }) else { continue }
      holes = holes.flatMap { hole in
        [
          hole.lowerBound..<max(hole.lowerBound, min(hole.upperBound, range.lowerBound)),
          min(hole.upperBound, max(hole.lowerBound, range.upperBound))..<hole.upperBound,
        ].filter { !$0.isEmpty }
      }
      if holes.isEmpty { return block.first }
    }
    return -1
  }

  private static let nearCount = 512

  /// Placed or not, each at least once.
  private func collectNeighbours(of index: Int, into neighbours: inout [Int]) {
    let block = blocks[index]
    func take(_ other: Int) {
      if other != index, blocks[other].overlaps(block) { neighbours.append(other) }
    }
    let from = max(0, block.first - Self.shortLength)
    let firstOther = from < firstBlocks.count ? firstBlocks[from] : blocks.count
    let end = block.last + 1 < firstBlocks.count ? firstBlocks[block.last + 1] : blocks.count
    for other in longBlocks where other < firstOther { take(other) }
    for other in firstOther..<max(firstOther, end) { take(other) }
  }

  private mutating func wait(_ index: Int, from start: Int) {
    guard !blocks[index].isWaiting else {
      blocks[index].searchStart = min(blocks[index].searchStart, start)
      return
    }
    blocks[index].isWaiting = true
    blocks[index].searchStart = start
    waiting.append(index)
    var child = waiting.count - 1
    while child > 0, blocks[waiting[child]].precedes(blocks[waiting[(child - 1) / 2]]) {
      waiting.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  private mutating func nextWaiting() -> Int? {
    guard let top = waiting.first else { return nil }
    let last = waiting.removeLast()
    if !waiting.isEmpty {
      waiting[0] = last
      var parent = 0
      while true {
        var best = parent
        for child in [2 * parent + 1, 2 * parent + 2]
        where child < waiting.count && blocks[waiting[child]].precedes(blocks[waiting[best]]) {
          best = child
        }
        if best == parent { break }
        waiting.swapAt(parent, best)
        parent = best
      }
    }
    blocks[top].isWaiting = false
    return top
  }

  // MARK: - Trying

  /// What a change looks like, without keeping it: blocks that `body` adds and extends are gone behind it, and all others
  /// are as they were.
  package mutating func trying<Result>(_ body: (inout GrowingLayout) -> Result) -> Result {
    precondition(!isTrying && pending.isEmpty, "one trial at a time, of a settled layout")
    let (blockCount, nodeCount, longCount) = (blocks.count, firstBlocks.count, longBlocks.count)
    isTrying = true
    let result = body(&self)
    precondition(pending.isEmpty, "a trial ends settled")
    for change in changes.reversed() where change.index < blockCount { blocks[change.index] = change.block }
    changes.removeAll(keepingCapacity: true)
    blocks.removeLast(blocks.count - blockCount)
    firstBlocks.removeLast(firstBlocks.count - nodeCount)
    longBlocks.removeLast(longBlocks.count - longCount)
    isTrying = false
    return result
  }

  private mutating func remember(_ index: Int) {
    guard isTrying else { return }
    var block = blocks[index]
    block.isWaiting = false
    changes.append((index, block))
  }
}
