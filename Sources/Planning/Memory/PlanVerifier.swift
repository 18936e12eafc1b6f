internal import CostModel
internal import GraphIR

/// Proves a program's layout: everything lies inside the arena on cache lines of its own, every node's scratch is as large as
/// its kernel needs, and nothing that is live overlaps anything else that is live. Derives what is live from the nodes by itself and compares pairs; shares no code with
/// liveness or packer.
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
    let graph = program.graph
    let bytes = graph.values.indices.map(bytes)
    for (value, range) in bytes.enumerated() { try checkPlace(range, "%\(value)") }
    // The bytes of everything that outlives a step are never handed to anything else.
    let features = program.features.map { [$0] } ?? []
    for range in features { try checkPlace(range, "features") }
    let resident =
      (graph.values.indices.filter { graph.values[$0].outlivesStep }.map { bytes[$0] } + features)
      .filter { !$0.isEmpty }.sorted { $0.lowerBound < $1.lowerBound }
    for (first, second) in zip(resident, resident.dropFirst()) where first.overlaps(second) {
      throw Overlap(description: "two resident values share bytes \(first) and \(second)")
    }
    for batch in [graph.pictures.index, graph.labels.index] {
      if let held = Self.first(of: resident, overlapping: bytes[batch]) {
        throw Overlap(description: "%\(batch) lies over resident bytes \(held)")
      }
    }
    // Walks backwards: what is live behind a node is what later nodes read.
    var live = Set((graph.metrics.map(\.value) + graph.moduleOutputs).map(\.index))
    for (index, node) in graph.nodes.enumerated().reversed() {
      let results = node.results.map(\.index)
      let operands = node.operands.map(\.index).filter { !graph.values[$0].outlivesStep }
      var written = results.map { (bytes[$0], "%\($0)") }
      let needed = node.scratch(in: graph).byteCount(workers: workers)
      guard program.scratch(ofNode: index)?.count ?? 0 >= needed else {
        throw Overlap(description: "node \(index): its scratch is smaller than the \(needed) bytes it needs")
      }
      if let scratch = program.scratch(ofNode: index) {
        try checkPlace(scratch, "scratch of node \(index)")
        written.append((scratch, "scratch"))
      }
      let overwritten = node.overwrites.map { node.operands[$0].index }
      // What passes the node by.
      live.subtract(results)
      for (position, (range, name)) in written.enumerated() {
        for other in written.dropFirst(position + 1) where range.overlaps(other.0) {
          throw Overlap(description: "node \(index): \(name) and \(other.1) share bytes")
        }
        for value in live where range.overlaps(bytes[value]) {
          throw Overlap(description: "node \(index): \(name) lies over %\(value), which is read later")
        }
        for operand in operands where range.overlaps(bytes[operand]) {
          guard position == 0, operand == overwritten, range == bytes[operand] else {
            throw Overlap(description: "node \(index): \(name) lies over its operand %\(operand)")
          }
        }
        if let held = Self.first(of: resident, overlapping: range) {
          throw Overlap(description: "node \(index): \(name) lies over resident bytes \(held)")
        }
      }
      live.formUnion(operands)
    }
    // What is live before the first node came with the batch.
    for value in live.sorted() where graph.values[value].category != .batch {
      throw Overlap(description: "%\(value) is read but never written")
    }
    for (first, second) in [(graph.pictures.index, graph.labels.index)]
    where bytes[first].overlaps(bytes[second]) {
      throw Overlap(description: "pictures and labels share bytes")
    }
  }

  private func checkPlace(_ range: Range<Int>, _ name: String) throws(Overlap) {
    guard range.lowerBound >= 0, range.upperBound <= program.arenaBytes else {
      throw Overlap(description: "\(name) at \(range) is not inside the arena")
    }
    guard range.lowerBound % 64 == 0 else {
      throw Overlap(description: "\(name) at \(range) does not begin on a cache line")
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

extension Value {
  fileprivate var outlivesStep: Bool {
    switch category {
    case .parameter, .statistics, .optimizer, .replay, .accumulator: true
    case .batch, .gradient, .activation: false
    }
  }
}
