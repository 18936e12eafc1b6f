package import CostModel
package import GraphIR

/// Who is at the other end of a ring.
package enum RingEnd: Hashable, Sendable {
  /// Another module of the same process.
  case module
  /// Another rank: the ring is the buffers of a link.
  case rank
}

/// Reads a batch that the module before has kept, from the slot of the ring that the module's step says.
/// ring, ringLabels -> x, labels
package struct RingRead: ForwardOnlyOperator, SweepOperator {
  package var end: RingEnd

  package init(_ end: RingEnd = .module) { self.end = end }

  package static var kind: OperatorKind { .ringRead }
  package var text: String { end == .rank ? "receive" : "ring_read" }
  package func steps(_ node: Node, in graph: Graph) -> [String] {
    preconditionFailure("a network's forward graph has no ring")
  }
  package var operandCounts: ClosedRange<Int> { 2...2 }
  package var resultCounts: ClosedRange<Int> { 2...2 }
  package func fault(_ types: OperandTypes) -> String? {
    types.slot(of: types.inputs[0], types.inputs[1], x: types.outputs[0], labels: types.outputs[1])
  }
  package var mutatedOperands: [Int] { [] }
  package var sweep: WorkKind.Sweep { .rearrangement }
  package func executedWork(_ node: Node, in graph: Graph, batch: Int, isLastPiece: Bool) -> ExecutedWork {
    ExecutedWork(byteCount: 2 * node.results.reduce(0) { $0 + graph[$1].type.byteCount(images: batch) })
  }
  package func differentiate(_ node: Node, _ outer: ValueID, in builder: inout GradientBuilder) {}
}

/// Keeps a batch in the slot of the ring that the module's step says.
/// x, labels, ring, ringLabels -> nothing
package struct RingWrite: ForwardOnlyOperator, SweepOperator {
  package var end: RingEnd

  package init(_ end: RingEnd = .module) { self.end = end }

  package static var kind: OperatorKind { .ringWrite }
  package var text: String { end == .rank ? "send" : "ring_write" }
  package func steps(_ node: Node, in graph: Graph) -> [String] {
    preconditionFailure("a network's forward graph has no ring")
  }
  package var operandCounts: ClosedRange<Int> { 4...4 }
  package var resultCounts: ClosedRange<Int> { 0...0 }
  package func fault(_ types: OperandTypes) -> String? {
    types.slot(of: types.inputs[2], types.inputs[3], x: types.inputs[0], labels: types.inputs[1])
  }
  package var mutatedOperands: [Int] { [2, 3] }
  package var sweep: WorkKind.Sweep { .rearrangement }
  package func executedWork(_ node: Node, in graph: Graph, batch: Int, isLastPiece: Bool) -> ExecutedWork {
    ExecutedWork(
      byteCount: 2 * node.operands.prefix(2).reduce(0) { $0 + graph[$1].type.byteCount(images: batch) })
  }
  package func differentiate(_ node: Node, _ outer: ValueID, in builder: inout GradientBuilder) {}
}

extension OperandTypes {
  /// A ring holds whole batches one behind the other.
  fileprivate func slot(
    of ring: TensorType, _ ringLabels: TensorType, x: TensorType, labels: TensorType
  ) -> String? {
    guard case .labels(let batch) = labels.extent, case .labels(let ringBatch) = ringLabels.extent,
      labels == .labels(batch: batch), ringLabels == .labels(batch: ringBatch), ringBatch > 0,
      ringBatch % batch == 0
    else { return "\(ringLabels) are no slots of \(labels)" }
    return images(ring, x) { ring, x in
      var slot = ring
      slot.batch = x.batch
      return slot == x && x.batch == batch && ring.batch == ringBatch
    }
  }
}
