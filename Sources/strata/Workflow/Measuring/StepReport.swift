internal import Artifacts
internal import Execution
internal import Planning
internal import Terminal
internal import Text

/// What `strata bench SPEC` tells: the steps of one stage or of several.
struct StepReport {
  private struct Measured {
    var stage: StagePlan
    /// Rising.
    var seconds: [Double]
    var estimated: Double?
    /// Of the process, so far.
    var peakBytes: Int?
    var profile: ProfileText?

    var median: Double { seconds[seconds.count / 2] }
  }

  private let plan: Plan
  private let stageCount: Int
  private let model: TimeModel?
  private var stages: [Measured] = []

  /// - Parameter stageCount: that will be added.
  init(_ plan: Plan, stageCount: Int) {
    self.plan = plan
    self.stageCount = stageCount
    model = Calibration.model(threads: plan.threads)
  }

  /// - Parameter seconds: of each step, rising.
  mutating func add(_ stage: StagePlan, seconds: [Double], profile: ProfileText?) {
    stages.append(
      Measured(
        stage: stage, seconds: seconds, estimated: model.map { $0.stepSeconds(stage, of: plan) },
        peakBytes: ProcessMemory.peakBytes, profile: profile))
  }

  // MARK: - For people

  var title: String {
    "\(plan.name): steps of \(plan.training.batch) images, \(plan.threads) worker\(plan.threads == 1 ? "" : "s"), "
      + (stageCount == plan.stages.count && stageCount > 1
        ? "each of the \(stageCount) stages of \(plan.training.strategy.rawValue) training"
        : "\(plan.training.strategy.rawValue) training, which has \(plan.stages.count) stage\(plan.stages.count == 1 ? "" : "s")")
  }

  func text(of position: Int, _ style: TextStyle) -> String {
    let measured = stages[position]
    func milliseconds(_ seconds: Double) -> String { fixed(seconds * 1000, decimals: 1) }
    let (least, most) = (measured.seconds[0], measured.seconds[measured.seconds.count - 1])
    let estimated =
      measured.estimated.map {
        ", estimated \(milliseconds($0)) ms (\(signedShare(measured.median, of: $0)))"
      } ?? ""
    return
      "  \(name(of: measured.stage))  step \(milliseconds(measured.median)) ms, "
      + "median of \(measured.seconds.count)\(estimated)\n"
      + "    \(milliseconds(least)) to \(milliseconds(most)) ms, \(fixed(rate(measured), decimals: 1)) images/s\n"
      + (measured.profile.map { $0.text(style) } ?? "")
  }

  private func name(of stage: StagePlan) -> String {
    let modules = stage.schedule.indices
    let list =
      modules.count == 1 ? "module \(modules[0])" : "modules \(modules[0])-\(modules[modules.count - 1])"
    return "stage \(stage.index) (\(list))"
  }

  var memoryLine: String {
    "  peak  \(peakBytes.map { byteSize($0) } ?? "unknown"), planned \(byteSize(plannedPeakBytes))"
  }

  private func rate(_ measured: Measured) -> Double { Double(plan.training.batch) / measured.median }

  private var peakBytes: Int? { stages.last?.peakBytes }

  /// Of the programs that were run.
  private var plannedPeakBytes: Int {
    stages.map { plan.peakBytes(running: $0.stage.training) }.max() ?? 0
  }

  // MARK: - For programs

  /// The first stage, and under `stages` each of them; the peaks are the process's over all.
  var json: JSON {
    let first = stages[0]
    return .object(
      [("schema", "strata.bench/1"), ("name", .string(plan.name)), ("threads", .integer(plan.threads))]
        + members(first) + [
          ("peakBytes", .optional(peakBytes, JSON.integer)), ("plannedPeakBytes", .integer(plannedPeakBytes)),
          (
            "stages",
            .array(
              stages.map {
                .object(
                  members($0) + [
                    ("peakBytes", .optional($0.peakBytes, JSON.integer)),
                    ("plannedPeakBytes", .integer(plan.peakBytes(running: $0.stage.training))),
                  ])
              })
          ),
        ])
  }

  private func members(_ measured: Measured) -> [(key: String, value: JSON)] {
    let step = JSON.object([
      ("medianSeconds", .number(measured.median)), ("minSeconds", .number(measured.seconds[0])),
      ("maxSeconds", .number(measured.seconds[measured.seconds.count - 1])),
      ("plannedSeconds", .optional(measured.estimated, JSON.number)),
    ])
    return [
      ("stage", .integer(measured.stage.index)),
      ("modules", .array(measured.stage.schedule.indices.map { .integer($0) })),
      ("steps", .integer(measured.seconds.count)), ("step", step),
      ("imagesPerSecond", .number(rate(measured))),
      ("profile", .optional(measured.profile) { $0.operations }),
      ("profileByModule", .optional(measured.profile) { $0.byModule }),
      ("preparationSeconds", .optional(measured.profile) { .number($0.preparationSeconds) }),
      ("ceiling", .optional(measured.profile) { $0.roofline }),
    ]
  }
}
