internal import CostModel
package import GraphIR
internal import Operators

/// What the nodes of a module bring to a program: the blocks of memory that they make, and how much longer those before them
/// are wanted. The same derivation of what lives how long as `Lifetime.all`, for some of a program's nodes.
package struct ProgramFragment: Sendable {
  /// A block that one of the nodes makes.
  struct Block: Sendable {
    var category: MemoryCategory
    var byteCount: Int
    /// Counted from the fragment's first node.
    var nodes: ClosedRange<Int>
    /// Of blocks that begin at one node.
    var tie: Int
    var isScratch: Bool
    /// Read behind the program's last node.
    var livesOn = false
  }

  /// A block that is there already.
  enum Earlier: Hashable, Sendable {
    case images, labels
    /// That a result of the module before lies in, the results of its nodes counted through.
    case result(Int)
  }

  /// Where a result lies.
  enum Place: Hashable, Sendable {
    /// Index of a block.
    case own(Int)
    case earlier(Earlier)
  }

  private(set) var nodeCount = 0
  private(set) var valueCount = 0
  /// In order of their first nodes.
  private(set) var blocks: [Block] = []
  /// Places of the nodes' results, counted through.
  private(set) var results: [Place] = []
  /// Last node, counted from the fragment's first, that wants a block from before it; in order of these blocks' first readers.
  private(set) var extended: [(block: Earlier, last: Int)] = []
  private(set) var productBufferBytes = 0
  /// What updates keep from step to step, in whole cache lines.
  private(set) var optimizerBytes = 0
  private(set) var step = StepMultiplyAdds()
  /// Forward and backward.
  private(set) var multiplyAddsPerImage = 0

  /// The last node that reads the labels.
  var labelsLast: Int? { extended.first { $0.block == .labels }?.last }

  /// The nodes of each module of a program, all passes done.
  ///
  /// - Parameters:
  ///   - batch: images of a whole step.
  /// - Returns: nil where the nodes of modules do not follow one another, or a module reads what comes from others than the one
  ///   right before it.
  package static func all(of graph: Graph, batch: Int, workers: Int) -> [ProgramFragment]? {
    guard let ranges = graph.nodeRanges else { return nil }
    let wanted = Set(graph.metrics.map(\.value) + graph.moduleOutputs)
    var fragments: [ProgramFragment] = []
    for module in ranges.indices {
      guard
        let fragment = ProgramFragment(
          graph, ranges[module], behind: module == 0 ? 0..<0 : ranges[module - 1], wanted: wanted,
          trained: [],
          batch: batch, workers: workers)
      else { return nil }
      fragments.append(fragment)
    }
    return fragments
  }

  /// The same of the last module alone.
  ///
  /// - Parameter trains: whether it learns.
  package static func last(of graph: Graph, trains: Bool, batch: Int, workers: Int) -> ProgramFragment? {
    guard let ranges = graph.nodeRanges, let last = ranges.last else { return nil }
    return ProgramFragment(
      graph, last, behind: ranges.count > 1 ? ranges[ranges.count - 2] : 0..<0,
      wanted: Set(graph.metrics.map(\.value) + graph.moduleOutputs), trained: trains ? [ranges.count] : [],
      batch: batch, workers: workers)
  }

  private init?(
    _ graph: Graph, _ range: Range<Int>, behind neighbours: Range<Int>, wanted: Set<ValueID>,
    trained: Set<Int>,
    batch: Int, workers: Int
  ) {
    let nodes = graph.nodes[range]
    var builder = Builder(graph)
    for node in graph.nodes[neighbours] { builder.noteEarlier(node) }
    for (index, node) in nodes.enumerated() {
      guard builder.add(node, index, workers: workers) else { return nil }
    }
    // Metrics are read behind the program's last node, and what it outputs.
    for node in nodes {
      for result in node.results where wanted.contains(result) {
        builder.keep(result, endingAt: nodes.count - 1)
      }
    }
    nodeCount = nodes.count
    // Values have numbers in order of their first appearance, and every module makes some.
    let start = max(graph.images.index, graph.labels.index)
    valueCount =
      Self.highestValue(in: nodes, from: start)
      - Self.highestValue(in: graph.nodes[neighbours], from: start)
    extended = builder.extended.map { ($0, builder.last[$0] ?? 0) }
    (blocks, results) = Self.inOrder(builder.blocks, builder.results)
    step = StepMultiplyAdds(nodes, of: graph, trained: trained, batch: batch)
    for node in nodes {
      productBufferBytes = max(productBufferBytes, node.op.definition.productBufferBytes(node, in: graph))
      multiplyAddsPerImage += node.productMultiplyAdds(in: graph) / graph.batch
      guard node.op.is(Update.self) else { continue }
      for state in node.operands.dropFirst(2) {
        optimizerBytes += paddedByteCount(graph[state].type.byteCount)
      }
    }
  }

  private static func highestValue(in nodes: ArraySlice<Node>, from start: Int) -> Int {
    var highest = start
    for node in nodes {
      for id in node.operands { highest = max(highest, id.index) }
      for id in node.results { highest = max(highest, id.index) }
    }
    return highest
  }

  private static func inOrder(_ blocks: [Block], _ results: [Place]) -> ([Block], [Place]) {
    let order = blocks.indices.sorted {
      (blocks[$0].nodes.lowerBound, blocks[$0].tie) < (blocks[$1].nodes.lowerBound, blocks[$1].tie)
    }
    var places = [Int](repeating: 0, count: blocks.count)
    for (place, index) in order.enumerated() { places[index] = place }
    let moved = results.map { result in
      switch result {
      case .own(let index): Place.own(places[index])
      case .earlier: result
      }
    }
    return (order.map { blocks[$0] }, moved)
  }
}

/// Goes through the nodes of a module.
private struct Builder {
  private let graph: Graph
  private(set) var blocks: [ProgramFragment.Block] = []
  private(set) var results: [ProgramFragment.Place] = []
  private(set) var extended: [ProgramFragment.Earlier] = []
  private(set) var last: [ProgramFragment.Earlier: Int] = [:]
  private var places: [ValueID: ProgramFragment.Place] = [:]
  private var earlierCount = 0

  init(_ graph: Graph) {
    self.graph = graph
    places[graph.images] = .earlier(.images)
    places[graph.labels] = .earlier(.labels)
  }

  /// A node of the module before.
  mutating func noteEarlier(_ node: Node) {
    for result in node.results {
      places[result] = .earlier(.result(earlierCount))
      earlierCount += 1
    }
  }

  /// False where the node reads what is neither of the module nor of the one before.
  mutating func add(_ node: Node, _ index: Int, workers: Int) -> Bool {
    for operand in node.operands where MemoryCategory(transient: graph[operand].category) != nil {
      guard let place = places[operand] else { return false }
      touch(place, index)
    }
    for (position, result) in node.results.enumerated() {
      if position == 0, let overwritten = node.overwrites {
        guard let place = places[node.operands[overwritten]] else { return false }
        places[result] = place
        results.append(place)
        continue
      }
      guard let category = MemoryCategory(transient: graph[result].category) else { return false }
      places[result] = .own(blocks.count)
      results.append(.own(blocks.count))
      blocks.append(
        ProgramFragment.Block(
          category: category, byteCount: paddedByteCount(graph[result].type.byteCount), nodes: index...index,
          tie: blocks.count, isScratch: false))
    }
    let scratch = node.scratch(in: graph).byteCount(workers: workers)
    if scratch > 0 {
      blocks.append(
        ProgramFragment.Block(
          category: .workspace, byteCount: paddedByteCount(scratch), nodes: index...index, tie: blocks.count,
          isScratch: true))
    }
    return true
  }

  private mutating func touch(_ place: ProgramFragment.Place, _ index: Int) {
    switch place {
    case .own(let block): blocks[block].nodes = blocks[block].nodes.lowerBound...index
    case .earlier(let block):
      if last[block] == nil { extended.append(block) }
      last[block] = index
    }
  }

  /// A value that is read behind the program's last node.
  mutating func keep(_ value: ValueID, endingAt end: Int) {
    guard case .own(let block) = places[value] else { return }
    blocks[block].nodes = blocks[block].nodes.lowerBound...end
    blocks[block].livesOn = true
  }
}

extension Graph {
  /// Nodes of modules from 1 on, one stretch each; nil where they do not follow one another, or a module has none.
  package var nodeRanges: [Range<Int>]? {
    var ranges: [Range<Int>] = []
    for (index, node) in nodes.enumerated() {
      if node.module == ranges.count {
        guard let last = ranges.popLast() else { return nil }
        ranges.append(last.lowerBound..<index + 1)
      } else if node.module == ranges.count + 1 {
        ranges.append(index..<index + 1)
      } else {
        return nil
      }
    }
    return ranges
  }
}
