internal import Diagnostics
internal import SpecLanguage

/// Settings of single modules that can't hold: overrides of modules that the partition does not make, a staggered start
/// without parallel training. End-to-end training leaves both for the other strategies.
///
/// - Parameter partition: where it is faulty, a network has a module an item at the most.
func moduleFaults(of spec: Spec, in partition: PartitionLowering) -> [Diagnostic] {
  let isFaulty = !partition.diagnostics.isEmpty
  let moduleCount = isFaulty ? spec.items.count : partition.partitionFirstItems.count
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
      .noSuchModule($0.value, count: moduleCount, atMost: isFaulty, at: $0.span)
    }
}
