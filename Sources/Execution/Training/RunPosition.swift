internal import Planning

/// A moment of a training between two steps, from which it can go on: with the values that are resident in its stage, this is
/// all there is to keep. Order, augmentation and learning rates are functions of seed and epoch.
package struct RunPosition: Hashable, Sendable {
  /// From 1.
  package var stage: Int
  /// Of the stage, from 1; one more than the stage has once all of them are over.
  package var epoch: Int
  /// Training steps of the epoch that are done. All of them: the epoch's evaluation is next.
  package var step: Int
  /// Over the epoch's steps so far, one a metric of the stage's training program; empty before the first.
  package var sums: [MetricSums]
  /// Spent on the epoch's steps so far.
  package var seconds: Double

  package init(stage: Int, epoch: Int, step: Int = 0, sums: [MetricSums] = [], seconds: Double = 0) {
    self.stage = stage
    self.epoch = epoch
    self.step = step
    self.sums = sums
    self.seconds = seconds
  }

  /// Before anything is done: parameters are not drawn yet.
  package static let start = RunPosition(stage: 1, epoch: 1)

  /// Whether the stage still has to be set up.
  package var isStageStart: Bool { epoch == 1 && step == 0 }

  var nextEpoch: RunPosition { RunPosition(stage: stage, epoch: epoch + 1) }
  var nextStage: RunPosition { RunPosition(stage: stage + 1, epoch: 1) }
}

/// How a training came to its end.
package enum RunOutcome: Sendable {
  case finished
  /// As it was asked to; the engine holds what belongs to the position.
  case stopped(RunPosition)
  /// The same, with what came behind the position given up. It is the end of a stage, which the run began from or has told
  /// as an epoch's end; the engine holds it no more.
  case returned(to: RunPosition)
}
