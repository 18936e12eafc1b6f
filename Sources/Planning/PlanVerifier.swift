internal import GraphIR

/// Proves a program's layout: nothing that is live overlaps anything else that is live. Derives what is live from the
/// nodes by itself and compares pairs; shares no code with liveness or packer.
package struct PlanVerifier {
  package struct Overlap: Error, CustomStringConvertible {
    package var description: String
  }

  private let program: Program

  package init(_ program: Program) {
    self.program = program
  }

  package func verify() throws(Overlap) {
    let graph = program.graph
    // The bytes of everything that outlives a step are never handed to anything else.
    let resident = graph.values.indices.filter { graph.values[$0].outlivesStep }.map(bytes)
    for (position, first) in resident.enumerated() {
      for second in resident.dropFirst(position + 1) where first.overlaps(second) {
        throw Overlap(description: "two resident values share bytes \(first) and \(second)")
      }
    }
    // Walks backwards: what is live behind a node is what later nodes read.
    var live = Set(graph.metrics.map(\.value.index))
    for (index, node) in graph.nodes.enumerated().reversed() {
      let results = node.results.map(\.index)
      let operands = node.operands.map(\.index).filter { !graph.values[$0].outlivesStep }
      var written = results.map { (bytes($0), "%\($0)") }
      if let scratch = program.scratch(ofNode: index) { written.append((scratch, "scratch")) }
      let overwritten = node.overwrites.map { node.operands[$0].index }
      let passing = live.subtracting(results)
      for (position, (range, name)) in written.enumerated() {
        guard range.upperBound <= program.arenaBytes else {
          throw Overlap(description: "node \(index): \(name) ends behind the arena")
        }
        for other in written.dropFirst(position + 1) where range.overlaps(other.0) {
          throw Overlap(description: "node \(index): \(name) and \(other.1) share bytes")
        }
        for value in passing where range.overlaps(bytes(value)) {
          throw Overlap(description: "node \(index): \(name) lies over %\(value), which is read later")
        }
        for operand in operands where range.overlaps(bytes(operand)) {
          guard position == 0, operand == overwritten, range == bytes(operand) else {
            throw Overlap(description: "node \(index): \(name) lies over its operand %\(operand)")
          }
        }
        for held in resident where range.overlaps(held) {
          throw Overlap(description: "node \(index): \(name) lies over resident bytes \(held)")
        }
      }
      live = passing.union(operands)
    }
    // What is live before the first node came with the batch.
    for value in live where graph.values[value].category != .batch {
      throw Overlap(description: "%\(value) is read but never written")
    }
    for (first, second) in [(graph.pictures.index, graph.labels.index)]
    where bytes(first).overlaps(bytes(second)) {
      throw Overlap(description: "pictures and labels share bytes")
    }
  }

  private func bytes(_ value: Int) -> Range<Int> {
    let offset = program.offsets[value]
    return offset..<offset + program.graph.values[value].type.byteCount
  }
}

extension Value {
  fileprivate var outlivesStep: Bool {
    switch category {
    case .parameter, .statistics, .optimizer: true
    case .batch, .gradient, .activation: false
    }
  }
}
