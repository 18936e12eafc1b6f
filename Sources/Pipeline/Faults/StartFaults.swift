internal import Diagnostics
internal import SpecLanguage

/// Faults of `network.frozen` and `network.from` that show without the file.
func startFaults(of spec: Spec, moduleCount: Int) -> [Diagnostic] {
  guard let frozen = spec.network.frozen, frozen.value > 0 else { return [] }
  var faults: [Diagnostic] = []
  if spec.network.from == nil {
    faults.append(
      .frozenModules(
        "'network.frozen' keeps modules that are stored, and none are", label: "without 'network.from'",
        at: frozen.span, help: "say where they are: `network.from: runs/first`"))
  }
  if spec.training.strategy.value == .endToEnd {
    faults.append(
      .frozenModules(
        "end-to-end training has one module, and trains it", label: "to be kept", at: frozen.span,
        help: "drop `network.frozen`, or train with another strategy"))
  } else if frozen.value >= moduleCount {
    faults.append(
      .frozenModules(
        "nothing is left to train", label: "of \(moduleCount) modules", at: frozen.span,
        help: "keep \(moduleCount - 1) modules or fewer"))
  }
  if let slow = spec.training.asynchronous?.slow, slow.module.value <= frozen.value {
    faults.append(
      .frozenModules(
        "module \(slow.module.value) is kept as it is stored, and cannot be slow at learning",
        label: "of the first \(frozen.value)", at: slow.module.span,
        help: "make another module slow, or keep fewer modules"))
  }
  for override in spec.training.overrides where override.module.value <= frozen.value {
    faults.append(
      .frozenModules(
        "module \(override.module.value) is kept as it is stored, and cannot be trained differently",
        label: "of the first \(frozen.value)", at: override.module.span,
        help: "drop the override, or keep fewer modules"))
  }
  return faults
}
