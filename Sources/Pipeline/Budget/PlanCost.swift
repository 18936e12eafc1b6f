/// What a plan pays for its size: compared part by part, the first that differs decides. Of the plans that fit a budget the
/// cheapest is taken, and which plans there are does not hang on the budget: more of it never costs more.
package struct PlanCost: Hashable, Comparable, Sendable {
  /// Of an open partition; 1 where the spec says it.
  package var modules = 1
  /// Pieces change batch-norm statistics, and a whole batch keeps them.
  package var isInPieces = false
  /// Convolutions with little scratch round otherwise, and take longer.
  package var hasSmallScratch = false
  /// Multiply-adds that come on top, as a share of the others; half a doubling of pieces is as dear as `pieceStep` of them.
  package var work = 0.0
  /// Rungs down to where values are computed again; 0: none is.
  package var depth = 0
  /// Ways to have the data, features, and evaluations that cost next to nothing: how far down their lists.
  package var holding = 0
  package var way = 0
  package var forward = 0

  package static let pieceStep = 0.025

  package init() {}

  package static func < (a: PlanCost, b: PlanCost) -> Bool {
    for (x, y) in zip(a.parts, b.parts) where x != y { return x < y }
    return false
  }

  private var parts: [Double] {
    [
      Double(modules), isInPieces ? 1 : 0, hasSmallScratch ? 1 : 0, work, Double(depth), Double(holding),
      Double(way), Double(forward),
    ]
  }
}
