package import CostModel
package import GraphIR

// What whole families of operations have in common. A definition says the rest.

/// Runs in a module's forward pass.
package protocol ForwardOperator: OperatorDefinition {}

extension ForwardOperator {
  package var phase: Phase { .forward }
  package var runsWithLastPieceAlone: Bool { false }
}

/// A layer of a network, or a part of one: differentiable, with one result that stays.
package protocol LayerOperator: ForwardOperator {}

extension LayerOperator {
  package var mutatedOperands: [Int] { [] }
  package func saving(_ node: Node, in builder: inout GradientBuilder) -> Node { node }
  package var asInference: Op { Op(self) }
  package var absorbsConstant: Bool { false }
}

/// Runs forward and is not differentiated itself; no layer of a network.
package protocol ForwardOnlyOperator: ForwardOperator {}

extension ForwardOnlyOperator {
  package func words(_ node: Node, in graph: Graph) -> String? { nil }
  package func multiplyAddsPerImage(_ node: Node, in graph: Graph) -> Int { 0 }
  package func overwritableOperands(_ node: Node, in graph: Graph) -> [Int] { [] }
  package func saving(_ node: Node, in builder: inout GradientBuilder) -> Node { node }
  package func recomputed(_ node: Node) -> Node? { nil }
  package var asInference: Op { Op(self) }
  package func fused(with activation: Activation) -> Op? { nil }
  package var channelFlow: ChannelFlow? { nil }
  package var absorbsConstant: Bool { false }
}

/// Not in a network's forward graph: made by passes.
package protocol MadeOperator: OperatorDefinition {}

extension MadeOperator {
  package func words(_ node: Node, in graph: Graph) -> String? { nil }
  package func steps(_ node: Node, in graph: Graph) -> [String] {
    preconditionFailure("a network's forward graph has no '\(text)'")
  }
  package func multiplyAddsPerImage(_ node: Node, in graph: Graph) -> Int { 0 }
  package func saving(_ node: Node, in builder: inout GradientBuilder) -> Node {
    preconditionFailure("'\(text)' is made by differentiation, and not differentiated")
  }
  package func differentiate(_ node: Node, _ outer: ValueID, in builder: inout GradientBuilder) {
    preconditionFailure("'\(text)' is made by differentiation, and not differentiated")
  }
  package func recomputed(_ node: Node) -> Node? { nil }
  package var asInference: Op { Op(self) }
  package func fused(with activation: Activation) -> Op? { nil }
  package var channelFlow: ChannelFlow? { nil }
  package var absorbsConstant: Bool { false }
}

/// Computes a gradient.
package protocol BackwardOperator: MadeOperator {}

extension BackwardOperator {
  package var phase: Phase { .backward }
  package var mutatedOperands: [Int] { [] }
  package func overwritableOperands(_ node: Node, in graph: Graph) -> [Int] { [] }
  package var runsWithLastPieceAlone: Bool { false }
}

/// Changes what outlives a step, and has no result.
package protocol UpdateOperator: MadeOperator {}

extension UpdateOperator {
  package var phase: Phase { .update }
  package var resultCounts: ClosedRange<Int> { 0...0 }
  package func overwritableOperands(_ node: Node, in graph: Graph) -> [Int] { [] }
}

/// One sweep over memory, element by element or window by window: no product of matrices, and no scratch unless a definition says
/// so itself.
package protocol SweepOperator: OperatorDefinition {
  /// What it is timed as.
  var sweep: WorkKind.Sweep { get }
}

extension SweepOperator {
  package func scratch(_ node: Node, in graph: Graph) -> Scratch { .none }
  package func productBufferBytes(_ node: Node, in graph: Graph) -> Int { 0 }
  package func productMultiplyAdds(_ node: Node, in graph: Graph, batch: Int) -> Int { 0 }
  package func executedWork(_ node: Node, in graph: Graph, batch: Int, isLastPiece: Bool) -> ExecutedWork {
    ExecutedWork(byteCount: node.movedBytes(in: graph, batch: batch))
  }
  package func work(_ node: Node, in graph: Graph) -> [Work] {
    [.sweep(sweep, byteCount: node.touchedBytes(in: graph))]
  }
}

extension LayerOperator where Self: SweepOperator {
  package func multiplyAddsPerImage(_ node: Node, in graph: Graph) -> Int { 0 }
}

/// A product of matrices bounds it: what it moves is not counted.
package protocol ProductOperator: OperatorDefinition {}

extension ProductOperator {
  package func executedWork(_ node: Node, in graph: Graph, batch: Int, isLastPiece: Bool) -> ExecutedWork {
    ExecutedWork(multiplyAdds: node.productMultiplyAdds(in: graph, batch: batch))
  }
}
