internal import CostModel
internal import GraphIR

/// Bytes that are live during each node once results overwrite dead operands: batch, activations, gradients and scratch.
struct LiveBytes {
  private(set) var byNode: [Int] = []
  private(set) var peakNode = 0
  private(set) var peak = 0
  /// Nodes at which as much is live.
  private(set) var peakCount = 0

  init(_ graph: Graph, workers: Int) {
    var change = [Int](repeating: 0, count: graph.nodes.count + 1)
    for lifetime in Lifetime.all(of: InPlace().run(graph), workers: workers) {
      change[lifetime.nodes.lowerBound] += lifetime.byteCount
      change[lifetime.nodes.upperBound + 1] -= lifetime.byteCount
    }
    var live = 0
    byNode.reserveCapacity(graph.nodes.count)
    for node in graph.nodes.indices {
      live += change[node]
      byNode.append(live)
      if live > peak { (peak, peakNode, peakCount) = (live, node, 0) }
      if live == peak { peakCount += 1 }
    }
  }

  func isLower(than other: LiveBytes) -> Bool { (peak, peakCount) < (other.peak, other.peakCount) }
}
