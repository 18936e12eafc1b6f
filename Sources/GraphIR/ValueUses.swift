/// Who makes each value of a graph, and how many read it: what a pass asks before it joins two nodes.
package struct ValueUses: Sendable {
  private var readers: [Int]
  private var producers: [Int?]

  /// In time linear in the graph. What a module outputs counts as read.
  package init(of graph: Graph) {
    readers = Array(repeating: 0, count: graph.values.count)
    producers = Array(repeating: nil, count: graph.values.count)
    for (index, node) in graph.nodes.enumerated() {
      for operand in node.operands { readers[operand.index] += 1 }
      for result in node.results { producers[result.index] = index }
    }
    for output in graph.moduleOutputs { readers[output.index] += 1 }
  }

  /// The node whose result the value is, where nothing but one operand reads it; nil for other values.
  package func producer(ofValueReadOnce value: ValueID) -> Int? {
    readers[value.index] == 1 ? producers[value.index] : nil
  }
}
