internal import CostModel
internal import GraphIR

/// Proves a program's layout: everything lies inside the arena on cache lines of its own, every node's scratch is as large as
/// its kernel needs, and nothing that is live overlaps anything else that is live. Derives what is live from the nodes by itself,
/// in one walk backwards over them; shares no code with liveness or packer.
package struct PlanVerifier {
  package struct Overlap: Error, CustomStringConvertible {
    package var description: String
  }

  private let program: Program
  private let workers: Int

  /// - Parameter workers: that the program is laid out for.
  package init(_ program: Program, workers: Int) {
    self.program = program
    self.workers = workers
  }

  package func verify() throws(Overlap) {
    var steps = 0
    try verify(countingSteps: &steps)
  }

  /// - Parameter steps: grows by the ranges that were compared.
  /// - Complexity: O(nodes + values log values).
  package func verify(countingSteps steps: inout Int) throws(Overlap) {
    let graph = program.graph
    let bytes = graph.values.indices.map(bytes)
    for (value, range) in bytes.enumerated() { try checkPlace(range) { "%\(value)" } }
    // The bytes of everything that outlives a step are never handed to anything else.
    let features = program.features.map { [$0] } ?? []
    for range in features { try checkPlace(range) { "features" } }
    let resident =
      (graph.values.indices.filter { graph.values[$0].category.outlivesStep }.map { bytes[$0] } + features)
      .filter { !$0.isEmpty }.sorted { $0.lowerBound < $1.lowerBound }
    for (first, second) in zip(resident, resident.dropFirst()) where first.overlaps(second) {
      throw Overlap(description: "two resident values share bytes \(first) and \(second)")
    }
    for batch in [graph.images.index, graph.labels.index] {
      if let held = Self.first(of: resident, overlapping: bytes[batch]) {
        throw Overlap(description: "%\(batch) lies over resident bytes \(held)")
      }
    }
    // Walks backwards: what is live behind a node is what later nodes read.
    var live = LiveRanges(bytes)
    for value in graph.metrics.map(\.value) + graph.moduleOutputs {
      try insert(value.index, into: &live) { "behind the last node" }
    }
    for (index, node) in graph.nodes.enumerated().reversed() {
      let needed = node.scratch(in: graph).byteCount(workers: workers)
      let scratch = program.scratch(ofNode: index)
      guard scratch?.count ?? 0 >= needed else {
        throw Overlap(description: "node \(index): its scratch is smaller than the \(needed) bytes it needs")
      }
      if let scratch { try checkPlace(scratch) { "scratch of node \(index)" } }
      // What passes the node by.
      for result in node.results { live.remove(result.index) }
      let resultCount = node.results.count
      let writtenCount = resultCount + (scratch == nil ? 0 : 1)
      func written(_ position: Int) -> Range<Int> {
        position < resultCount ? bytes[node.results[position].index] : scratch ?? 0..<0
      }
      func name(_ position: Int) -> String {
        position < resultCount ? "%\(node.results[position].index)" : "scratch"
      }
      for position in 0..<writtenCount {
        let range = written(position)
        for other in position + 1..<max(position + 1, writtenCount) where range.overlaps(written(other)) {
          throw Overlap(description: "node \(index): \(name(position)) and \(name(other)) share bytes")
        }
        if let value = live.first(overlapping: range) {
          throw Overlap(
            description: "node \(index): \(name(position)) lies over %\(value), which is read later")
        }
        for (place, operand) in node.operands.enumerated()
        where !graph[operand].category.outlivesStep && range.overlaps(bytes[operand.index]) {
          guard position == 0, node.overwrites.map({ node.operands[$0] }) == node.operands[place],
            range == bytes[operand.index]
          else {
            throw Overlap(
              description: "node \(index): \(name(position)) lies over its operand %\(operand.index)")
          }
        }
        if let held = Self.first(of: resident, overlapping: range) {
          throw Overlap(description: "node \(index): \(name(position)) lies over resident bytes \(held)")
        }
      }
      for operand in node.operands where !graph[operand].category.outlivesStep {
        try insert(operand.index, into: &live) { "node \(index)" }
      }
      steps += (writtenCount + 1) * (writtenCount + node.operands.count)
    }
    // What is live before the first node came with the batch.
    for value in graph.values.indices where live.contains(value) && graph.values[value].category != .batch {
      throw Overlap(description: "%\(value) is read but never written")
    }
    if bytes[graph.images.index].overlaps(bytes[graph.labels.index]) {
      throw Overlap(description: "images and labels share bytes")
    }
    steps += live.steps
  }

  /// Values that are live at once, wherever that is, share no bytes.
  private func insert(
    _ value: Int, into live: inout LiveRanges, _ place: () -> String
  ) throws(Overlap) {
    guard let other = live.insert(value) else { return }
    // Those of the batch are told by name, behind all others.
    if Set([value, other]) == Set([program.graph.images.index, program.graph.labels.index]) {
      throw Overlap(description: "images and labels share bytes")
    }
    throw Overlap(description: "\(place()): %\(value) lies over %\(other), which is read later")
  }

  private func checkPlace(_ range: Range<Int>, _ name: () -> String) throws(Overlap) {
    guard range.lowerBound >= 0, range.upperBound <= program.arenaBytes else {
      throw Overlap(description: "\(name()) at \(range) is not inside the arena")
    }
    guard range.lowerBound % 64 == 0 else {
      throw Overlap(description: "\(name()) at \(range) does not begin on a cache line")
    }
  }

  /// - Parameter ranges: rising and apart from each other.
  private static func first(of ranges: [Range<Int>], overlapping range: Range<Int>) -> Range<Int>? {
    var low = 0
    var high = ranges.count
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound <= range.lowerBound { low = middle + 1 } else { high = middle }
    }
    return low < ranges.count && ranges[low].overlaps(range) ? ranges[low] : nil
  }

  private func bytes(_ value: Int) -> Range<Int> {
    let offset = program.offsets[value]
    return offset..<offset + program.graph.values[value].type.byteCount
  }
}
