/// Which part of a training step a run of a program is: a batch may pass in pieces, whose gradients add up; the last one
/// updates.
package struct StepPiece: Hashable, Sendable {
  /// Images of the whole batch.
  package var batch: Int
  package var isFirst: Bool
  package var isLast: Bool

  /// The whole batch at once.
  package static func whole(_ batch: Int) -> StepPiece {
    StepPiece(batch: batch, isFirst: true, isLast: true)
  }
}
