internal import Diagnostics
internal import SpecLanguage

/// What the language has and the engine can't run yet: refused by name, never ignored.
func unsupportedFeatures(of spec: Spec) -> [Diagnostic] {
  var faults: [Diagnostic] = []
  func refuse(_ feature: String, at span: SourceSpan) { faults.append(.unsupported(feature, at: span)) }

  if spec.data.source.value == .imageFolder { refuse("source: image-folder", at: spec.data.source.span) }
  if spec.memory.features.value == .cache { refuse("features: cache", at: spec.memory.features.span) }
  return faults
}

/// Settings of single modules that can't hold: overrides of modules that the partition does not make, a staggered start
/// without parallel training. End-to-end training leaves both for the other strategies.
///
/// - Parameter moduleCount: of the partition.
func moduleFaults(of spec: Spec, moduleCount: Int) -> [Diagnostic] {
  var faults = startFaults(of: spec, moduleCount: moduleCount)
  if spec.training.startEvery.value != 0, [.sequential, .asynchronous].contains(spec.training.strategy.value)
  {
    faults.append(
      .startNeedsParallel(strategy: spec.training.strategy.value.rawValue, at: spec.training.startEvery.span))
  }
  if let replay = spec.training.asynchronous, let slow = replay.slow, replay.order.value == .sequential {
    faults.append(.slowInTurn(at: slow.module.span, order: replay.order.span))
  }
  var modules = spec.auxiliary.overrides.map(\.module) + spec.training.overrides.map(\.module)
  if let slow = spec.training.asynchronous?.slow { modules.append(slow.module) }
  return faults
    + modules.filter { $0.value > moduleCount }.map {
      .noSuchModule($0.value, count: moduleCount, at: $0.span)
    }
}
