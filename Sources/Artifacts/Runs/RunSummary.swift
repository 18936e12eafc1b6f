package import Execution
package import Text

/// What `summary.json` says at the end of a run.
package struct RunSummary {
  package enum Status: String {
    case finished, interrupted, failed
  }

  package struct Module {
    package var index: Int
    package var train: EpochFigures?
    package var test: EpochFigures?
    /// Of the evaluation at the end, which frozen modules are in as well.
    package var evaluation: MetricSums?
    /// Of the same, by all modules up to this one; nil for the first of them.
    package var ensemble: MetricSums?

    package init(index: Int) {
      self.index = index
    }
  }

  package var status = Status.finished
  /// Of the spec.
  package var name = ""
  package var modules: [Module]
  /// Of all modules.
  package var ensemble: MetricSums?
  package var plannedPeakBytes: Int
  package var measuredPeakBytes: Int?
  package var arenaBytes: Int
  /// Of the whole run.
  package var plannedSeconds: Double?
  /// Of what was left when the run was interrupted or failed; 0 at its end.
  package var plannedSecondsLeft: Double?
  package var measuredSeconds = 0.0
  /// Training images over the time of training alone.
  package var imagesPerSecond: Double?
  package var weightsSHA256: String?
  /// Where a run was interrupted.
  package var position: RunPosition?
  /// What decides the bits of the weights, with the release of the program and the arithmetic.
  package var identity: RunIdentity?
  package var release: String?
  /// Version and build of OpenBLAS, and the processor whose code it ran; several where the run moved.
  package var arithmetic = ""
  /// What was warned of: before the training and while it was at work, each with its code, message and place.
  package var warnings: [JSON] = []
  /// Of the plan; with more than ten the first five guesses count as well.
  package var classes: Int
  /// By label; nil where the source does not name them.
  package var classNames: [String]?
  /// Nil where no module loses channels.
  package var compression: CompressionFigures?
  /// Of the last module, on the test images; nil until they are measured at the end.
  package var answers: AnswerCounts?
  /// Of this process's part of the run; nil where it was not asked for.
  package var profile: ProfileText?

  package init(moduleCount: Int, plannedPeakBytes: Int, arenaBytes: Int, classes: Int) {
    modules = (1...moduleCount).map { Module(index: $0) }
    self.plannedPeakBytes = plannedPeakBytes
    self.arenaBytes = arenaBytes
    self.classes = classes
  }

  /// Measured less planned; nil where the system does not tell what was used.
  package var peakDeviationBytes: Int? { measuredPeakBytes.map { $0 - plannedPeakBytes } }

  /// What the measured peak may be off: 5% of the planned one, or 4 MiB, whichever is more.
  package var peakToleranceBytes: Int { max(plannedPeakBytes / 20, 4 << 20) }

  /// Whether the plan's peak came true; nil where the system does not tell what was used.
  package var isPeakAsPlanned: Bool? { peakDeviationBytes.map { abs($0) <= peakToleranceBytes } }

  private var hasTop5: Bool { classes > 10 }

  package var json: JSON {
    var members: [(key: String, value: JSON)] = [
      ("schema", "strata.summary/1"), ("name", .string(name)), ("status", .string(status.rawValue)),
      ("classes", classNames.map { .array($0.map(JSON.string)) } ?? .integer(classes)),
      ("modules", .array(modules.map(json))),
    ]
    members += ensemble.ensembleMembers(withTop5: hasTop5)
    let memory: JSON = [
      "plannedPeakBytes": .integer(plannedPeakBytes),
      "measuredPeakBytes": .optional(measuredPeakBytes, JSON.integer),
      "arenaBytes": .integer(arenaBytes),
      "deviationBytes": .optional(peakDeviationBytes, JSON.integer),
      "toleranceBytes": .integer(peakToleranceBytes),
      "asPlanned": .optional(isPeakAsPlanned, JSON.bool),
    ]
    let time: JSON = [
      "plannedSeconds": .optional(plannedSeconds, JSON.number),
      "plannedSecondsLeft": .optional(plannedSecondsLeft, JSON.number),
      "measuredSeconds": .number(measuredSeconds),
    ]
    members += [
      ("memory", memory), ("time", time), ("imagesPerSecond", .optional(imagesPerSecond, JSON.number)),
      ("weightsSha256", .optional(weightsSHA256, JSON.string)),
    ]
    if let answers { members += AnswerTexts(answers, classNames: classNames).members }
    if let compression { members.append(("compression", compression.json)) }
    if let profile { members.append(("profile", profile.json)) }
    members.append(("position", .optional(position, Self.json)))
    members.append(("warnings", .array(warnings)))
    members.append(("determinedBy", determinedBy))
    return .object(members)
  }

  /// Keeps the last figures of every module and split.
  package mutating func note(_ figures: EpochFigures) {
    switch figures.split {
    case .train: modules[figures.module - 1].train = figures
    case .test: modules[figures.module - 1].test = figures
    }
  }

  /// Keeps what the evaluation at the end has measured.
  package mutating func note(evaluation sums: [MetricSums]) {
    for sum in sums.modules {
      modules[sum.module - 1].evaluation = sum
      modules[sum.module - 1].ensemble = sums.ensemble(upTo: sum.module)
    }
    ensemble = sums.ensemble
  }

  private static func json(_ position: RunPosition) -> JSON {
    [
      "stage": .integer(position.stage), "epoch": .integer(position.epoch), "step": .integer(position.step),
    ]
  }

  private var determinedBy: JSON {
    [
      "specSha256": .optional(identity, { .string($0.specSHA256) }),
      "layoutSha256": .optional(identity, { .string($0.layoutSHA256) }),
      "dataFingerprint": .optional(identity, { .string($0.dataFingerprint) }),
      "release": .optional(release, JSON.string), "openBLAS": .string(arithmetic),
    ]
  }

  private func json(_ module: Module) -> JSON {
    var members: [(key: String, value: JSON)] = [
      ("index", .integer(module.index)),
      ("trainLoss", .optional(module.train) { .number($0.loss) }),
      ("trainTop1", .optional(module.train) { .number($0.top1) }),
      ("testTop1", .optional(module.testTop1, JSON.number)),
      ("testLoss", .optional(module.testLoss, JSON.number)),
    ]
    if hasTop5 {
      members.append(("trainTop5", .optional(module.train) { .number($0.top5) }))
      members.append(("testTop5", .optional(module.testTop5, JSON.number)))
    }
    members += module.ensemble.ensembleMembers(withTop5: hasTop5)
    return .object(members)
  }
}

extension RunSummary.Module {
  package var testTop1: Double? { evaluation?.top1 ?? test?.top1 }
  package var testTop5: Double? { evaluation?.top5 ?? test?.top5 }
  var testLoss: Double? { evaluation?.meanLoss ?? test?.loss }
}

extension MetricSums? {
  /// What documents say of an ensemble; nulls where there is none.
  package func ensembleMembers(withTop5: Bool) -> [(key: String, value: JSON)] {
    [
      ("ensembleTop1", .optional(self) { .number($0.top1) }),
      ("ensembleTestLoss", .optional(self) { .number($0.meanLoss) }),
    ] + (withTop5 ? [("ensembleTop5", .optional(self) { .number($0.top5) })] : [])
  }
}

extension StepProgress {
  /// Lines of `metrics.jsonl`: one a module that has made the step, over the images of its epoch so far.
  ///
  /// - Parameter place: of a module: its own epoch, its learning rate there.
  package func json(
    withTop5: Bool, place: (_ module: Int) -> (epoch: Int, learningRate: Double)
  ) -> [JSON] {
    position.sums.compactMap { sum in
      if let module, module.index != sum.module { return nil }
      let (epoch, learningRate) = place(sum.module)
      var members: [(key: String, value: JSON)] = [
        ("module", .integer(sum.module)), ("epoch", .integer(module?.epoch ?? epoch)),
        ("split", .string(MetricsLine.Part.step.rawValue)),
        ("step", .integer(module?.step ?? position.step)), ("steps", .integer(stepCount)),
        ("loss", .number(sum.meanLoss)), ("top1", .number(sum.top1)),
      ]
      if withTop5 { members.append(("top5", .number(sum.top5))) }
      members += [
        ("learningRate", .number(plainRate(learningRate))), ("imagesPerSecond", .number(imagesPerSecond)),
      ]
      return .object(members)
    }
  }
}

extension EpochFigures {
  /// A line of `metrics.jsonl`.
  ///
  /// - Parameter learningRate: of the epoch; nil for figures that no training made.
  package func json(withTop5: Bool, learningRate: Double?) -> JSON {
    var members: [(key: String, value: JSON)] = [
      ("module", .integer(module)), ("epoch", .integer(epoch)), ("split", .string(split.rawValue)),
      ("loss", .number(loss)), ("top1", .number(top1)),
    ]
    if withTop5 { members.append(("top5", .number(top5))) }
    if let learningRate { members.append(("learningRate", .number(plainRate(learningRate)))) }
    members.append(("seconds", .number(seconds)))
    if ensemble != nil { members += ensemble.ensembleMembers(withTop5: withTop5) }
    return .object(members)
  }
}
