internal import Diagnostics

extension SpecBuilder {
  func training(_ family: Family) -> TrainingSpec {
    let section = root.section("training")
    let strategy = section.choice("strategy", as: Strategy.self)
    return TrainingSpec(
      strategy: strategy, partition: partition(section, family), epochs: section.integer("epochs"),
      batch: section.integer("batch"), dropLast: section.flag("drop-last"),
      labelSmoothing: section.section("loss").number("label-smoothing"),
      optimizer: optimizer(section.section("optimizer")), schedule: schedule(section.section("schedule")),
      scheduleSpan: section.section("schedule").span,
      momentumAtDecay: section.choice("momentum-at-decay", as: MomentumAtDecay.self),
      overrides: overrides(section), startEvery: section.section("start").integer("every"),
      asynchronous: asynchronous(section, strategy.value), seed: section.seed("seed"))
  }

  private func partition(_ training: SectionReader, _ family: Family) -> PartitionSpec {
    func whole(at span: SourceSpan) -> PartitionSpec {
      switch family {
      case .vgg: .perLayer(span)
      case .resnet: .perBlock(span)
      }
    }
    guard let value = training.written("partition") else {
      training.note("partition", .derived)
      return whole(at: training.span)
    }
    if case .scalar(.word(let word)) = value.content {
      if word == "auto" { return .auto(value.span) }
      let meant = family == .vgg ? "per-layer" : "per-block"
      if word != meant, root.section("network").isSound("family"), root.section("network").isWritten("family")
      {
        report(
          .partitionOfOtherFamily(word, family: family.rawValue, meant: meant, at: value.span))
      }
      return whole(at: value.span)
    }
    guard let section = training.reader(value) else { return whole(at: value.span) }
    if let cuts = section.list("cuts") {
      return .cuts(risingIntegers(cuts, key: "training.partition.cuts"), cuts.span)
    }
    if section.isWritten("modules") { return .modules(section.integer("modules")) }
    return whole(at: value.span)
  }

  private func optimizer(_ section: SectionReader) -> OptimizerSpec {
    let kind = section.choice("kind", as: OptimizerKind.self)
    let rate = section.number("learning-rate", derived: kind.value == .sgd ? 0.1 : 0.001)
    var optimizer = OptimizerSpec(
      kind: kind, learningRate: rate, momentum: section.number("momentum"),
      nesterov: section.flag("nesterov"),
      weightDecay: section.number("weight-decay"), decay: section.choice("decay", as: DecayTarget.self),
      beta1: section.number("beta1"),
      beta2: section.number("beta2"),
      epsilon: section.number("epsilon"))
    if optimizer.nesterov.value, optimizer.momentum.value == 0, section.isSound("momentum") {
      report(.nesterovWithoutMomentum(at: optimizer.nesterov.span, momentumAt: optimizer.momentum.span))
      optimizer.nesterov.value = false
    }
    return optimizer
  }

  private func schedule(_ section: SectionReader) -> ScheduleSpec {
    switch section.word("kind").value {
    case "step": return .step(every: section.integer("every"), factor: section.number("factor"))
    case "milestones":
      let epochs = section.list("at").map { risingIntegers($0, key: "training.schedule.at") }
      return .milestones(epochs ?? [], factor: section.number("factor"))
    case "cosine": return .cosine(warmUp: section.integer("warm-up"), floor: section.number("floor"))
    default: return .constant
    }
  }

  private func overrides(_ training: SectionReader) -> [TrainingOverride] {
    var overrides: [TrainingOverride] = []
    for entry in training.sections("overrides") where entry.isWritten("module") && entry.isSound("module") {
      let module = entry.integer("module")
      if let first = overrides.first(where: { $0.module.value == module.value }) {
        report(
          .moduleTwice(module.value, in: "training.overrides", at: module.span, first: first.module.span))
        continue
      }
      overrides.append(
        TrainingOverride(
          module: module, epochs: entry.optionalInteger("epochs"),
          learningRate: entry.optionalNumber("learning-rate"), path: entry.section.path))
    }
    return overrides.sorted { $0.module.value < $1.module.value }
  }

  private func asynchronous(_ training: SectionReader, _ strategy: Strategy) -> AsynchronousSpec? {
    guard strategy == .asynchronous || training.isWritten("asynchronous") else { return nil }
    let section = training.section("asynchronous")
    var slow: AsynchronousSpec.SlowModule?
    if let value = section.written("slow"), value.isSound, let entry = section.reader(value) {
      slow = AsynchronousSpec.SlowModule(module: entry.integer("module"), factor: entry.number("by"))
    }
    return AsynchronousSpec(
      buffer: section.integer("buffer"), reuse: reuse(section), slow: slow,
      order: section.choice("order", as: AsynchronousOrder.self),
      ties: section.choice("ties", as: BufferTies.self),
      atDecay: section.choice("at-decay", as: BufferAtDecay.self))
  }

  private func reuse(_ section: SectionReader) -> Spanned<Int?> {
    guard let value = section.written("reuse") else {
      section.note("reuse", .default)
      return Spanned(nil, at: section.span)
    }
    return Spanned(value.integer?.value, at: value.span)
  }
}
