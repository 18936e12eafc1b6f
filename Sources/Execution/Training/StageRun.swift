internal import Planning

/// What whoever trains or measures a stage has at hand.
struct StageRun {
  let engine: Engine
  let settings: TrainingPlan
  let stage: StagePlan
  let source: BatchSource
  /// Seconds on a clock that never goes back.
  let now: () -> Double
  let shouldStop: () -> Bool
}
