package import Planning
package import Text

/// What a plan takes on this machine, for people and programs. Printed, never kept in a plan: another machine has another
/// speed.
package struct TimeText {
  private let figures: TimeFigures?
  private let plan: Plan

  /// - Parameter model: nil where the machine was never measured.
  package init(_ plan: Plan, model: TimeModel?) {
    self.plan = plan
    figures = model.map { $0.figures(of: plan) }
  }

  package func text(_ style: TextStyle) -> String {
    let title = style.bold("time") + "\n"
    guard let figures else {
      return title
        + paragraph(
          "a step takes \(grouped(stepMultiplyAdds)) multiply-adds at most; its time is unknown: strata bench --calibrate",
          indentation: 2)
    }
    let ranks = plan.training.compression != nil
    var table = Table(
      [.right("stage"), .right("step"), .right("epoch"), .right("features")]
        + (ranks ? [.right("ranking")] : []) + [.right("all")])
    func orNone(_ seconds: Double) -> String { seconds > 0 ? duration(seconds: seconds) : "-" }
    for stage in figures.stages {
      table.add(
        [
          "\(stage.index)", milliseconds(stage.stepSeconds), duration(seconds: stage.epochSeconds),
          orNone(stage.featureSeconds),
        ] + (ranks ? [orNone(stage.rankingSeconds)] : []) + [duration(seconds: stage.seconds)])
    }
    return title + table.text(style, indentation: 2)
      + "  a run takes about \(duration(seconds: figures.seconds)), by this machine's profile\n"
  }

  /// Of the products of the stage that has most of them, forward and backward.
  private var stepMultiplyAdds: Int { plan.stages.map(\.multiplyAddsPerStep).max() ?? 0 }

  /// Null where the machine was never measured.
  package var json: JSON {
    .optional(figures) { figures in
      [
        "seconds": .number(figures.seconds),
        "stages": .array(
          figures.stages.map {
            [
              "index": .integer($0.index), "stepSeconds": .number($0.stepSeconds),
              "epochSeconds": .number($0.epochSeconds), "featureSeconds": .number($0.featureSeconds),
              "rankingSeconds": .number($0.rankingSeconds),
              "seconds": .number($0.seconds),
            ]
          }),
      ]
    }
  }
}

func milliseconds(_ seconds: Double) -> String { "\(fixed(seconds * 1000, decimals: 1)) ms" }
