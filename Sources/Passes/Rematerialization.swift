internal import CostModel
package import GraphIR
internal import Operators

/// Computes values again in front of their next use instead of keeping them, wherever that lowers what is live at the
/// peak, until the program needs no more than it may (Chen et al., 2016, for any graph and by need):
///
/// 1. Find the node during which the most is live.
/// 2. Of the values that are live across it and neither made nor read there, take the one that saves most bytes for the
///    work that making it again costs. What its producer reads must be there at the next use: it is kept, where that costs
///    nothing at the peak, or made again itself.
/// 3. Clone the producer in front of that use. A batch norm's clone normalises with the mean and deviation that the
///    original saved. A parameter that has been updated by then is updated behind the clone instead.
///
/// The clones compute what the originals did, bit for bit, so losses and weights do not change.
///
/// The way down halves the limit again and again (`RecomputeRungs`): what a program does for half of the memory goes on from what
/// it does for the whole.
package struct Rematerialization: Pass {
  package static let name = "recompute"

  private let arenaLimit: Int
  private let residentBytes: Int
  private let workers: Int

  /// - Parameters:
  ///   - arenaLimit: bytes that the program may need at any node.
  ///   - residentBytes: of them, what lies in front of batch, activations, gradients and scratch.
  ///   - workers: that scratch is counted for.
  package init(arenaLimit: Int, residentBytes: Int, workers: Int) {
    self.arenaLimit = arenaLimit
    self.residentBytes = residentBytes
    self.workers = workers
  }

  package func run(_ graph: Graph) -> Graph {
    var ladder = RematerializationLadder(graph, residentBytes: residentBytes, workers: workers)
    for rung in RecomputeRungs.way(from: ladder.neededBytes, to: arenaLimit) {
      guard ladder.lower(to: rung) else { break }
    }
    return ladder.graph
  }
}

/// The same, rung by rung, for who wants to look at each.
package struct RematerializationLadder {
  private var search: RematerializationSearch
  private let start: Graph
  private let residentBytes: Int

  /// - Parameters: as of `Rematerialization`.
  package init(_ graph: Graph, residentBytes: Int, workers: Int) {
    start = graph
    search = RematerializationSearch(graph: graph, workers: workers)
    self.residentBytes = residentBytes
  }

  /// The most that is live at once, with what is resident: no layout takes less.
  package var neededBytes: Int { search.live.peak + residentBytes }
  /// Whether anything is computed again.
  package var isChanged: Bool { search.isChanged }
  package var graph: Graph { search.isChanged ? DeadValueElimination().run(search.graph) : start }

  /// Computes as much again as it takes to need no more than `arenaLimit`; false where that is not to be had, and nothing
  /// lower either.
  package mutating func lower(to arenaLimit: Int) -> Bool {
    search.lower(to: arenaLimit - residentBytes)
  }
}

/// Where values are made and read.
private struct Touches {
  /// By value; nil for the batch, parameters and other state.
  private(set) var definition: [Int?]
  /// By value: the node that changes it for good, if any.
  private(set) var update: [Int?]
  /// Nodes that read a value, rising, one value after another: an array for each would be made anew for every look.
  private var readers: [Int] = []
  private var firstReader: [Int]

  init(_ graph: Graph) {
    let valueCount = graph.values.count
    definition = .init(repeating: nil, count: valueCount)
    update = .init(repeating: nil, count: valueCount)
    firstReader = .init(repeating: 0, count: valueCount + 1)
    for index in graph.nodes.indices {
      for result in graph.nodes[index].results { definition[result.index] = index }
      for operand in graph.nodes[index].operands { firstReader[operand.index + 1] += 1 }
      if graph.nodes[index].op.is(Update.self) { update[graph.nodes[index].operands[0].index] = index }
    }
    for value in 0..<valueCount { firstReader[value + 1] += firstReader[value] }
    var next = firstReader
    readers = .init(repeating: 0, count: firstReader[valueCount])
    for index in graph.nodes.indices {
      for operand in graph.nodes[index].operands {
        readers[next[operand.index]] = index
        next[operand.index] += 1
      }
    }
  }

  func lastTouch(_ value: ValueID) -> Int {
    let uses = firstReader[value.index]..<firstReader[value.index + 1]
    return uses.isEmpty ? definition[value.index] ?? 0 : readers[uses.upperBound - 1]
  }

  /// The first node from `node` on that reads the value.
  func nextUse(_ value: ValueID, from node: Int) -> Int? {
    var (low, high) = (firstReader[value.index], firstReader[value.index + 1])
    let end = high
    while low < high {
      let middle = (low + high) / 2
      if readers[middle] < node { low = middle + 1 } else { high = middle }
    }
    return low < end ? readers[low] : nil
  }
}

/// What making a value again takes.
private struct Recipe {
  /// Producers to clone, in order, and for each what it reads: originals, or results of earlier clones.
  var producers: [Int] = []
  /// Nodes that update a parameter too early for the clones.
  var updates: Set<Int> = []
  /// Bytes that are live at the peak only because of the clones.
  var extraBytes = 0
  /// In multiply-adds; a value read or written counts as a few.
  var work = 0
}

private struct RematerializationSearch {
  private(set) var graph: Graph
  private(set) var isChanged = false
  private(set) var live: LiveBytes
  /// By node, padded.
  private var scratch: [Int]
  private let workers: Int
  private var touches: Touches
  /// By value: the value that it is a copy of; itself for originals.
  private var original: [ValueID]
  /// By original: all values that hold the same numbers.
  private var copies: [[ValueID]]
  /// Values whose removal from the peak made no lower one.
  private var hopeless: Set<ValueID> = []

  /// A sweep over memory costs as much as so many multiply-adds a number.
  private static let workPerElement = 16
  /// Producers in a row that are cloned for one value.
  private static let longestChain = 12

  init(graph: Graph, workers: Int) {
    self.graph = graph
    self.workers = workers
    scratch = LiveBytes.scratch(of: graph, workers: workers)
    live = LiveBytes(graph, scratch: scratch)
    touches = Touches(graph)
    original = graph.values.indices.map { ValueID(index: $0) }
    copies = original.map { [$0] }
  }

  /// - Parameter largestTotal: bytes that batch, activations, gradients and scratch may take at any node.
  /// - Returns: whether they do. Where not, no other limit leads any further.
  mutating func lower(to largestTotal: Int) -> Bool {
    while live.peak > largestTotal {
      // All that the peak needs at once; where that makes another peak, one after the other.
      guard
        let lower = attempt(against: live, bytes: live.peak - largestTotal) ?? attemptOneByOne(against: live)
      else { return false }
      live = lower
    }
    return true
  }

  private mutating func attempt(against live: LiveBytes, bytes: Int) -> LiveBytes? {
    let before = self
    var peakNode = live.peakNode
    var saved = 0
    while saved < bytes, let best = candidates(at: peakNode).first {
      peakNode -= best.recipe.updates.count { $0 < peakNode }
      saved += best.gain
      apply(best)
    }
    let after = LiveBytes(graph, scratch: scratch)
    if saved > 0, after.isLower(than: live) {
      isChanged = true
      return after
    }
    self = before
    return nil
  }

  private mutating func attemptOneByOne(against live: LiveBytes) -> LiveBytes? {
    for candidate in candidates(at: live.peakNode) {
      let before = self
      apply(candidate)
      let after = LiveBytes(graph, scratch: scratch)
      if after.isLower(than: live) {
        isChanged = true
        return after
      }
      self = before
      hopeless.insert(candidate.value)
    }
    return nil
  }

  // MARK: - Candidates

  private struct Candidate {
    var value: ValueID
    /// The first use behind the peak, in front of which the clones go.
    var use: Int
    var recipe: Recipe
    /// Bytes less at the peak.
    var gain: Int
  }

  /// Best first.
  private func candidates(at peak: Int) -> [Candidate] {
    var found: [Candidate] = []
    for index in graph.values.indices where graph.values[index].category == .activation {
      let id = ValueID(index: index)
      guard let definition = touches.definition[index], definition < peak, !hopeless.contains(id) else {
        continue
      }
      guard let use = touches.nextUse(id, from: peak), use > peak else { continue }
      var recipe = Recipe()
      guard plan(id, at: use, peak: peak, chain: 0, into: &recipe) else { continue }
      let gain = paddedByteCount(graph.values[index].type.byteCount) - recipe.extraBytes
      guard gain > 0 else { continue }
      found.append(Candidate(value: id, use: use, recipe: recipe, gain: gain))
    }
    return found.sorted { a, b in
      let (x, y) = (Double(a.gain) / Double(a.recipe.work + 1), Double(b.gain) / Double(b.recipe.work + 1))
      return x == y ? a.value < b.value : x > y
    }
  }

  /// Adds to `recipe` what makes `value` again in front of node `use`; false where it can't be made.
  private func plan(_ value: ValueID, at use: Int, peak: Int, chain: Int, into recipe: inout Recipe) -> Bool {
    guard chain < Self.longestChain, let producer = touches.definition[value.index],
      graph.nodes[producer].results[0] == value, let node = graph.nodes[producer].recomputed
    else { return false }
    for operand in node.operands {
      switch graph[operand].category {
      case .statistics: continue
      case .optimizer, .accumulator, .replay: return false
      case .parameter:
        guard let update = touches.update[operand.index], update < use else { continue }
        guard update > producer else { return false }
        if recipe.updates.insert(update).inserted, update < peak {
          let gradient = graph.nodes[update].operands[1]
          if graph[gradient].category == .gradient, touches.lastTouch(gradient) == update {
            recipe.extraBytes += paddedByteCount(graph[gradient].type.byteCount)
          }
        }
      case .batch, .activation, .gradient:
        if copy(of: operand, liveAt: use) != nil || isMade(operand, by: recipe) { continue }
        let byteCount = paddedByteCount(graph[operand].type.byteCount)
        if touches.lastTouch(operand) >= peak { continue }
        // Small things are kept, large ones made again.
        var longer = recipe
        if 8 * byteCount > graph[value].type.byteCount,
          plan(operand, at: use, peak: peak, chain: chain + 1, into: &longer)
        {
          recipe = longer
        } else {
          recipe.extraBytes += byteCount
        }
      }
    }
    recipe.producers.append(producer)
    recipe.work += node.productMultiplyAdds(in: graph)
    recipe.work += Self.workPerElement * graph[value].type.elementCount
    return true
  }

  /// A value with the same numbers that is there before node `use` and is read at it or later.
  private func copy(of value: ValueID, liveAt use: Int) -> ValueID? {
    copies[original[value.index].index].first { copy in
      let isMade = touches.definition[copy.index].map { $0 < use } ?? true
      return isMade && touches.lastTouch(copy) >= use
    }
  }

  private func isMade(_ value: ValueID, by recipe: Recipe) -> Bool {
    recipe.producers.contains { original[graph.nodes[$0].results[0].index] == original[value.index] }
  }

  // MARK: - Rewriting

  private mutating func apply(_ candidate: Candidate) {
    var clones: [Node] = []
    /// By original.
    var made: [ValueID: ValueID] = [:]
    for producer in candidate.recipe.producers {
      guard var clone = graph.nodes[producer].recomputed else { preconditionFailure("planned as possible") }
      clone.operands = clone.operands.map { operand in
        made[original[operand.index]] ?? copy(of: operand, liveAt: candidate.use) ?? operand
      }
      let source = clone.results[0]
      let result = graph.addValue(graph[source])
      original.append(original[source.index])
      copies.append([])
      copies[original[source.index].index].append(result)
      clone.results = [result]
      clone.isRecomputed = true
      made[original[source.index]] = result
      clones.append(clone)
    }
    replaceLaterCopies(by: made, from: candidate.use)
    insert(clones, before: candidate.use, movingUpdates: candidate.recipe.updates)
    touches = Touches(graph)
  }

  /// What is read at node `use` or later of the values just made, whoever made it until now.
  private mutating func replaceLaterCopies(by made: [ValueID: ValueID], from use: Int) {
    var copy = [ValueID?](repeating: nil, count: original.count)
    for (source, result) in made {
      for other in copies[source.index] { copy[other.index] = result }
    }
    for index in graph.nodes.indices where index >= use {
      for position in graph.nodes[index].operands.indices {
        if let copy = copy[graph.nodes[index].operands[position].index] {
          graph.nodes[index].operands[position] = copy
        }
      }
    }
    // Where a loss reads a copy, its metric names the copy: nobody may be left to read the original.
    for index in graph.metrics.indices {
      let metric = graph.metrics[index]
      guard let copy = copy[metric.logits.index], let loss = touches.definition[metric.value.index],
        loss >= use
      else { continue }
      graph.metrics[index].logits = copy
    }
  }

  private mutating func insert(_ clones: [Node], before use: Int, movingUpdates updates: Set<Int>) {
    var isRead = [Bool](repeating: false, count: graph.values.count)
    for index in graph.nodes.indices {
      for operand in graph.nodes[index].operands { isRead[operand.index] = true }
    }
    for clone in clones {
      for operand in clone.operands { isRead[operand.index] = true }
    }
    var nodes: [Node] = []
    var scratch: [Int] = []
    nodes.reserveCapacity(graph.nodes.count + clones.count)
    scratch.reserveCapacity(graph.nodes.count + clones.count)
    for index in graph.nodes.indices {
      if index == use {
        nodes += clones
        scratch += clones.map { paddedByteCount($0.scratch(in: graph).byteCount(workers: workers)) }
        for update in updates.sorted() {
          nodes.append(graph.nodes[update])
          scratch.append(self.scratch[update])
        }
      }
      if updates.contains(index) { continue }
      // An earlier clone that the new ones took over from.
      if graph.nodes[index].isRecomputed, !isRead[graph.nodes[index].results[0].index] { continue }
      nodes.append(graph.nodes[index])
      scratch.append(self.scratch[index])
    }
    graph.nodes = nodes
    self.scratch = scratch
  }
}

extension Node {
  /// The node as it computes its first result a second time, and nothing else; nil where it can't.
  fileprivate var recomputed: Node? {
    var node = op.definition.recomputed(self)
    node?.results = Array(results.prefix(1))
    return node
  }
}
