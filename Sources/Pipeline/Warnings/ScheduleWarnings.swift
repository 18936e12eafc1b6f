internal import Diagnostics
internal import SpecLanguage

/// Parts of the learning rate's schedule that do nothing in the epochs that modules have.
func scheduleWarnings(of spec: Spec) -> [Diagnostic] {
  let courses = Course.all(of: spec)
  let training = spec.training
  var found: [Diagnostic] = []
  switch training.schedule {
  case .constant: break
  case .step(let every, let factor):
    if factor.value == 1 { found.append(.factorOfOne(at: factor.span)) }
    found += courses.filter { every.value >= $0.epochs }.map {
      .rateNeverFalls("every: \(every.value)", epochs: $0.epochs, at: every.span, epochsAt: $0.span)
    }
  case .milestones(let milestones, let factor):
    if factor.value == 1 { found.append(.factorOfOne(at: factor.span)) }
    for course in courses {
      let late = milestones.filter { $0.value >= course.epochs }
      guard let first = late.first else { continue }
      found.append(
        .milestonesBeyondEpochs(
          late.map(\.value), epochs: course.epochs, at: first.span, epochsAt: course.span))
    }
  case .cosine(let warmUp, let floor):
    if warmUp.value == 1 { found.append(.warmUpOfOneEpoch(at: warmUp.span)) }
    if floor.value == 1 { found.append(.floorOfOne(at: floor.span)) }
    for course in courses {
      if warmUp.value > 1, warmUp.value >= course.epochs {
        found.append(
          .warmUpOfAllEpochs(warmUp.value, epochs: course.epochs, at: warmUp.span, epochsAt: course.span))
      } else if course.epochs - warmUp.value <= 1, floor.value < 1 {
        found.append(
          .cosineOfOneEpoch(
            warmUp: warmUp.value, epochs: course.epochs, at: training.scheduleSpan, epochsAt: course.span))
      }
    }
  }
  return found + decayWarnings(of: spec, courses)
}

/// What is to happen when the rate falls, and it never does.
private func decayWarnings(of spec: Spec, _ courses: [Course]) -> [Diagnostic] {
  let training = spec.training
  guard !courses.contains(where: { training.schedule.falls(within: $0.epochs) }) else { return [] }
  var found: [Diagnostic] = []
  if training.momentumAtDecay.value == .drop {
    found.append(.nothingAtDecay("momentum-at-decay: drop", at: training.momentumAtDecay.span))
  }
  if training.strategy.value == .asynchronous, let replay = training.asynchronous,
    replay.atDecay.value == .clear
  {
    found.append(.nothingAtDecay("at-decay: clear", at: replay.atDecay.span))
  }
  return found
}

/// So many epochs that a schedule runs over: all modules' that say nothing else, one module's own, or those of fine-tuning.
private struct Course {
  let epochs: Int
  let span: SourceSpan

  /// Each number of epochs once.
  static func all(of spec: Spec) -> [Course] {
    let training = spec.training
    let isEndToEnd = training.strategy.value == .endToEnd
    let overrides = isEndToEnd ? [] : training.overrides.filter { $0.epochs != nil }
    var epochs: [Spanned<Int>] = []
    // Where each module that learns has a number of its own, the common one is nobody's.
    let items = Set(spec.items.indices.map { $0 + 1 })
    let others = items.subtracting(overrides.map(\.module.value))
    let isPerItem: Bool
    switch training.partition {
    case .perLayer, .perBlock: isPerItem = !isEndToEnd
    case .modules, .cuts, .auto: isPerItem = false
    }
    let frozen = spec.network.frozen?.value ?? 0
    if !isPerItem || others.contains(where: { $0 > frozen }) { epochs.append(training.epochs) }
    epochs += overrides.compactMap(\.epochs)
    if let compression = spec.compression, !spec.trainsNarrowNetwork { epochs.append(compression.epochs) }
    var seen: Set<Int> = []
    return epochs.filter { seen.insert($0.value).inserted }.map { Course(epochs: $0.value, span: $0.span) }
  }
}

extension ScheduleSpec {
  /// Whether the rate is lower in any of so many epochs than in the one before.
  fileprivate func falls(within epochs: Int) -> Bool {
    switch self {
    case .constant: false
    case .step(let every, let factor): factor.value < 1 && every.value < epochs
    case .milestones(let milestones, let factor):
      factor.value < 1 && milestones.contains { $0.value < epochs }
    case .cosine(let warmUp, let floor): floor.value < 1 && epochs - warmUp.value > 1
    }
  }
}
