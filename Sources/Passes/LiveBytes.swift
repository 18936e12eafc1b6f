internal import CostModel
internal import GraphIR

/// Bytes that are live during each node once results overwrite dead operands: batch, activations, gradients and scratch. The
/// figures that `Lifetime.all` comes to behind `InPlace`, without making either: searches ask for them again and again.
struct LiveBytes {
  private(set) var byNode: [Int] = []
  private(set) var peakNode = 0
  private(set) var peak = 0
  /// Nodes at which as much is live.
  private(set) var peakCount = 0

  init(_ graph: Graph, workers: Int) {
    self.init(graph, scratch: Self.scratch(of: graph, workers: workers))
  }

  /// Padded bytes by node.
  static func scratch(of graph: Graph, workers: Int) -> [Int] {
    graph.nodes.map { paddedByteCount($0.scratch(in: graph).byteCount(workers: workers)) }
  }

  /// - Parameter scratch: by node.
  init(_ graph: Graph, scratch: [Int]) {
    let (nodeCount, valueCount) = (graph.nodes.count, graph.values.count)
    var lastUse = [Int](repeating: -1, count: valueCount)
    for index in graph.nodes.indices {
      for operand in graph.nodes[index].operands { lastUse[operand.index] = index }
    }
    for metric in graph.metrics { lastUse[metric.value.index] = nodeCount }
    for output in graph.moduleOutputs { lastUse[output.index] = nodeCount }

    var root = Array(0..<valueCount)
    var first = [Int](repeating: -1, count: valueCount)
    var last = [Int](repeating: 0, count: valueCount)
    for index in graph.nodes.indices {
      for operand in graph.nodes[index].operands { last[root[operand.index]] = index }
      let overwritten = Self.overwritten(graph, index, lastUse)
      for (position, result) in graph.nodes[index].results.enumerated() {
        if position == 0, let overwritten {
          root[result.index] = root[overwritten]
        } else {
          first[result.index] = index
        }
        last[root[result.index]] = index
      }
    }
    let end = max(0, nodeCount - 1)
    for metric in graph.metrics { last[root[metric.value.index]] = end }
    for output in graph.moduleOutputs { last[root[output.index]] = end }
    for batch in [graph.images, graph.labels] { first[batch.index] = 0 }

    var change = [Int](repeating: 0, count: nodeCount + 1)
    for index in graph.values.indices where first[index] >= 0 && root[index] == index {
      guard !graph.values[index].category.outlivesStep else { continue }
      let byteCount = paddedByteCount(graph.values[index].type.byteCount)
      change[first[index]] += byteCount
      change[max(first[index], last[index]) + 1] -= byteCount
    }
    var live = 0
    byNode.reserveCapacity(nodeCount)
    for node in graph.nodes.indices {
      live += change[node]
      let total = live + scratch[node]
      byNode.append(total)
      if total > peak { (peak, peakNode, peakCount) = (total, node, 0) }
      if total == peak { peakCount += 1 }
    }
  }

  /// The value whose memory the node's first result takes over.
  private static func overwritten(_ graph: Graph, _ index: Int, _ lastUse: [Int]) -> Int? {
    for position in graph.nodes[index].overwritableOperands(in: graph) {
      let id = graph.nodes[index].operands[position]
      guard lastUse[id.index] == index, graph.values[id.index].category != .batch,
        !graph.values[id.index].category.outlivesStep,
        graph.values[id.index].type == graph.values[graph.nodes[index].results[0].index].type,
        graph.nodes[index].operands.count(where: { $0 == id }) == 1
      else { continue }
      return id.index
    }
    return nil
  }

  func isLower(than other: LiveBytes) -> Bool { (peak, peakCount) < (other.peak, other.peakCount) }
}
