internal import CostModel
package import GraphIR

extension Graph {
  /// What the program needs at its most demanding node, whatever of the rest is computed again: what the node reads and gives,
  /// and its scratch. Never more than a layout takes.
  ///
  /// - Parameter workers: that scratch is counted for; nil: it is left out, as other algorithms may need less.
  package func floorBytes(workers: Int?) -> Int {
    func byteCount(_ id: ValueID) -> Int {
      self[id].category.outlivesStep ? 0 : paddedByteCount(self[id].type.byteCount)
    }
    return nodes.map { node in
      var bytes = workers.map { paddedByteCount(node.scratch(in: self).byteCount(workers: $0)) } ?? 0
      for (position, operand) in node.operands.enumerated()
      where !node.operands[..<position].contains(operand) {
        bytes += byteCount(operand)
      }
      // A result may take an operand's place, and what only the first making of a value leaves is not there in the second.
      if node.overwritableOperands(in: self).isEmpty, let result = node.results.first {
        bytes += byteCount(result)
      }
      return bytes
    }.max() ?? 0
  }
}
