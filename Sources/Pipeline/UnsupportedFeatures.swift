internal import Diagnostics
internal import SpecLanguage

/// What the language has and the engine can't run yet: refused by name, never ignored.
func unsupportedFeatures(of spec: Spec) -> [Diagnostic] {
  var faults: [Diagnostic] = []
  func refuse(_ feature: String, at span: SourceSpan) { faults.append(.unsupported(feature, at: span)) }

  if spec.data.source.value == .imageFolder { refuse("source: image-folder", at: spec.data.source.span) }
  if let from = spec.network.from { refuse("network.from", at: from.span) }
  if spec.auxiliary.loss.value != .crossEntropy {
    refuse("loss: \(spec.auxiliary.loss.value.rawValue)", at: spec.auxiliary.loss.span)
  }
  let training = spec.training
  if training.strategy.value == .asynchronous { refuse("strategy: asynchronous", at: training.strategy.span) }
  if training.optimizer.kind.value == .adam { refuse("kind: adam", at: training.optimizer.kind.span) }
  if let override = training.overrides.first { refuse("training.overrides", at: override.module.span) }
  if training.startEvery.value != 0 { refuse("training.start", at: training.startEvery.span) }
  if let budget = spec.memory.budget { refuse("memory.budget", at: budget.span) }
  if spec.memory.features.value == .cache { refuse("features: cache", at: spec.memory.features.span) }
  return faults
}
