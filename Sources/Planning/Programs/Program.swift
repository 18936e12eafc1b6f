package import GraphIR

/// A graph with a place in the arena for every value and every node's scratch: what the executor runs, node by node.
package struct Program: Sendable {
  package let graph: Graph
  package let inputs, outputs: [Port]
  /// Bytes from the arena's start, one a value.
  package let offsets: [Int]
  /// By node; empty ranges where a node needs none.
  private let scratch: [Range<Int>]
  /// Up to where the program uses the arena.
  package let arenaBytes: Int
  /// What is live at the node where the most is live, resident values included.
  package let peak: MemoryBreakdown
  package let peakNode: Int
  /// The same within each module's nodes, by module from 1 at index 0; nil for modules that the program leaves out.
  package let modulePeaks: [MemoryBreakdown?]
  /// Bytes of the arena that hold features while the program runs.
  package let features: Range<Int>?

  package func scratch(ofNode node: Int) -> Range<Int>? {
    scratch[node].isEmpty ? nil : scratch[node]
  }

  /// A layout as it is given, without figures and proved by nobody: for tests.
  ///
  /// - Parameter scratch: one range a node, empty where it needs none.
  package init(graph: Graph, offsets: [Int], scratch: [Range<Int>], arenaBytes: Int) {
    precondition(
      offsets.count == graph.values.count && scratch.count == graph.nodes.count, "a place for each")
    self.graph = graph
    inputs = Port.inputs(of: graph)
    outputs = Port.outputs(of: graph)
    self.offsets = offsets
    self.scratch = scratch
    self.arenaBytes = arenaBytes
    peak = MemoryBreakdown()
    peakNode = 0
    modulePeaks = []
    features = nil
  }
}

extension Program {
  /// Lays a program out behind its network, and proves the layout: of what no plan holds.
  package static func laidOut(
    _ graph: Graph, resident: ResidentLayout, features: Range<Int>? = nil, workers: Int
  ) -> Program {
    let program = Program(graph: graph, resident: resident, features: features, workers: workers)
    do {
      try PlanVerifier(program, workers: workers).verify()
    } catch {
      preconditionFailure("the packer broke the layout: \(error)")
    }
    return program
  }

  /// Lays a program out behind what is resident.
  ///
  /// - Parameters:
  ///   - resident: offsets of parameters, statistics and optimizer state, by name.
  ///   - features: kept behind all that; the transient region starts behind them.
  init(graph: Graph, resident: ResidentLayout, features: Range<Int>?, workers: Int) {
    let base = features?.upperBound ?? resident.endOffset
    var kept = resident.breakdown
    kept[.activation] += features?.count ?? 0
    let lifetimes = Lifetime.all(of: graph, workers: workers)
    let layout = ArenaPacker(lifetimes).pack()
    var offsets = graph.values.map { value in
      value.category.outlivesStep ? resident.offset(of: value.name) : -1
    }
    var scratch = graph.nodes.map { _ in 0..<0 }
    for (lifetime, offset) in zip(lifetimes, layout.offsets) {
      let start = base + offset
      switch lifetime.owner {
      case .values(let values): for value in values { offsets[value.index] = start }
      case .scratch(let node): scratch[node] = start..<start + lifetime.byteCount
      }
    }
    precondition(offsets.allSatisfy { $0 >= 0 }, "every value has a place")
    let live = MemoryBreakdown.live(
      of: lifetimes, nodeCount: graph.nodes.count, resident: kept)
    peakNode = live.indices.max { live[$0].total < live[$1].total } ?? 0
    peak = live.isEmpty ? kept : live[peakNode]
    modulePeaks = Self.modulePeaks(live, graph)
    self.graph = graph
    inputs = Port.inputs(of: graph)
    outputs = Port.outputs(of: graph)
    self.offsets = offsets
    self.scratch = scratch
    self.features = features
    arenaBytes = base + layout.byteCount
  }

  private static func modulePeaks(_ live: [MemoryBreakdown], _ graph: Graph) -> [MemoryBreakdown?] {
    var peaks = [MemoryBreakdown?](repeating: nil, count: graph.nodes.map(\.module).max() ?? 0)
    for (node, breakdown) in zip(graph.nodes, live) where node.module > 0 {
      let index = node.module - 1
      if peaks[index].map({ breakdown.total > $0.total }) ?? true { peaks[index] = breakdown }
    }
    return peaks
  }
}
