internal import CostModel

/// A block of transient memory and the nodes during which it holds something that is still wanted.
package struct Lifetime: Hashable, Sendable {
  package enum Owner: Hashable, Sendable {
    /// Values that share the block one after another, in place; the first is the root.
    case values([ValueID])
    /// Working memory of one node.
    case scratch(node: Int)
  }

  package var owner: Owner
  package var category: MemoryCategory
  package var byteCount: Int
  /// First and last node, both included.
  package var nodes: ClosedRange<Int>

  package init(owner: Owner, category: MemoryCategory, byteCount: Int, nodes: ClosedRange<Int>) {
    self.owner = owner
    self.category = category
    self.byteCount = byteCount
    self.nodes = nodes
  }
}

extension Lifetime {
  /// Transient values (the batch, activations, gradients) and scratch of a program, in order of their first node.
  ///
  /// The batch is there before the first node; metrics and what is passed on are read after the last.
  package static func all(of graph: Graph, workers: Int) -> [Lifetime] {
    var root = graph.values.indices.map { $0 }
    var first = [Int?](repeating: nil, count: graph.values.count)
    var last = [Int](repeating: 0, count: graph.values.count)
    for (index, node) in graph.nodes.enumerated() {
      for operand in node.operands {
        let base = root[operand.index]
        last[base] = max(last[base], index)
      }
      for (position, result) in node.results.enumerated() {
        if position == 0, let overwritten = node.overwrites {
          root[result.index] = root[node.operands[overwritten].index]
        } else {
          first[result.index] = index
        }
        last[root[result.index]] = max(last[root[result.index]], index)
      }
    }
    let end = max(0, graph.nodes.count - 1)
    for metric in graph.metrics { last[root[metric.value.index]] = end }
    for output in graph.moduleOutputs { last[root[output.index]] = end }
    for batch in [graph.images, graph.labels] { first[batch.index] = 0 }

    /// Of blocks that several values share.
    var members: [Int: [ValueID]] = [:]
    for (index, base) in root.enumerated() where index != base {
      members[base, default: [ValueID(index: base)]].append(ValueID(index: index))
    }
    var lifetimes: [Lifetime] = []
    for (index, value) in graph.values.enumerated() where root[index] == index {
      guard let start = first[index], let category = MemoryCategory(transient: value.category) else {
        continue
      }
      lifetimes.append(
        Lifetime(
          owner: .values(members[index] ?? [ValueID(index: index)]), category: category,
          byteCount: paddedByteCount(value.type.byteCount),
          nodes: start...max(start, last[index])))
    }
    for (index, node) in graph.nodes.enumerated() {
      let byteCount = node.scratch(in: graph).byteCount(workers: workers)
      guard byteCount > 0 else { continue }
      lifetimes.append(
        Lifetime(
          owner: .scratch(node: index), category: .workspace, byteCount: paddedByteCount(byteCount),
          nodes: index...index))
    }
    return lifetimes
  }
}

/// Rounded up to whole cache lines.
package func paddedByteCount(_ byteCount: Int) -> Int {
  // 64: one cache line, and the widest vector (AVX-512) that OpenBLAS may load.
  (byteCount + 63) & ~63
}

extension MemoryCategory {
  /// Nil for values that outlive a step: those are laid out once a plan.
  package init?(transient category: ValueCategory) {
    switch category {
    case .batch: self = .batch
    case .gradient: self = .gradient
    case .activation: self = .activation
    case .parameter, .statistics, .optimizer, .replay, .accumulator: return nil
    }
  }
}
