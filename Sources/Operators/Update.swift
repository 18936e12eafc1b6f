package import CostModel
package import GraphIR

/// How a parameter follows its gradient. The learning rate is the module's own and changes with the epoch.
package enum Optimizer: Hashable, Sendable {
  /// v <- momentum v + (g + weightDecay w); w <- w - rate v, or, with Nesterov, w - rate (g + weightDecay w + momentum v):
  /// PyTorch's convention.
  case sgd(momentum: Double, weightDecay: Double, nesterov: Bool)
  /// Kingma and Ba (2015), weight decay added to the gradient: PyTorch's Adam. Decoupled, the weights themselves are multiplied by
  /// 1 - rate weightDecay before each step (Loshchilov and Hutter, 2019): PyTorch's AdamW.
  case adam(beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double, isDecoupled: Bool = false)

  /// Of a parameter that keeps its size.
  package var withoutDecay: Optimizer {
    switch self {
    case .sgd(let momentum, _, let nesterov): .sgd(momentum: momentum, weightDecay: 0, nesterov: nesterov)
    case .adam(let beta1, let beta2, let epsilon, _, let isDecoupled):
      .adam(beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: 0, isDecoupled: isDecoupled)
    }
  }

  /// Whether the gradients of a batch's pieces can add up in what it keeps anyway: the velocity of plain momentum is linear in
  /// the gradient, and the weights need nothing else. Nesterov's and Adam's need the sum by itself.
  package var addsUpInState: Bool {
    switch self {
    case .sgd(_, _, let nesterov): !nesterov
    case .adam: false
    }
  }

  /// What it keeps for each parameter, of the parameter's type; all start at zero.
  package var stateNames: [String] {
    switch self {
    case .sgd: ["momentum"]
    case .adam: ["first_moment", "second_moment"]
    }
  }
}

/// Weights and state change in place, weights behind a batch's last piece. weights, gradient, state... -> nothing
package struct Update: UpdateOperator, SweepOperator {
  package var optimizer: Optimizer

  package init(_ optimizer: Optimizer) {
    self.optimizer = optimizer
  }

  package static var kind: OperatorKind { .update }
  package var text: String {
    switch optimizer {
    case .sgd(let momentum, let weightDecay, let nesterov):
      "sgd[momentum \(momentum) decay \(weightDecay)\(nesterov ? " nesterov" : "")]"
    case .adam(let beta1, let beta2, let epsilon, let weightDecay, let isDecoupled):
      "\(isDecoupled ? "adamw" : "adam")[beta1 \(beta1) beta2 \(beta2) epsilon \(epsilon) decay \(weightDecay)]"
    }
  }
  package var operandCounts: ClosedRange<Int> {
    let count = 2 + optimizer.stateNames.count
    return count...count
  }
  package func fault(_ types: OperandTypes) -> String? { types.same(types.inputs) }
  package var mutatedOperands: [Int] { [0] + optimizer.stateNames.indices.map { $0 + 2 } }
  package var sweep: WorkKind.Sweep {
    switch optimizer {
    case .sgd: .sgd
    case .adam: .adam
    }
  }
  package func executedWork(_ node: Node, in graph: Graph, batch: Int, isLastPiece: Bool) -> ExecutedWork {
    let moved = node.movedBytes(in: graph, batch: batch)
    if isLastPiece { return ExecutedWork(byteCount: moved) }
    // Gradients add up in the state, or have been added up elsewhere.
    return ExecutedWork(
      byteCount: optimizer.addsUpInState ? moved - graph[node.operands[0]].type.byteCount : 0)
  }
  /// An update whose gradients add up elsewhere.
  package var runsWithLastPieceAlone: Bool { !optimizer.addsUpInState }
}

/// The accumulator takes the gradient in: a batch that passes in pieces leaves there the sum over them, where the optimizer's own
/// state can't take it. accumulator, gradient -> nothing
package struct Accumulate: UpdateOperator, SweepOperator {
  package init() {}

  package static var kind: OperatorKind { .accumulate }
  package var text: String { "accumulate" }
  package var operandCounts: ClosedRange<Int> { 2...2 }
  package func fault(_ types: OperandTypes) -> String? { types.same(types.inputs) }
  package var mutatedOperands: [Int] { [0] }
  package var sweep: WorkKind.Sweep { .elementwise }
  package var runsWithLastPieceAlone: Bool { false }
}
