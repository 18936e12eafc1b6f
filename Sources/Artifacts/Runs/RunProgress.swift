internal import Glibc
package import Text

/// `status.json` of a run at work: where it stands, for those who look at its folder from elsewhere. It is replaced a few times a
/// minute, and is gone when the run has ended by itself.
package struct RunProgress: Hashable, Sendable {
  package struct Module: Hashable, Sendable {
    package var index: Int
    /// Of the module's own, from 1.
    package var epoch: Int
    /// Over the epoch's images so far; nil where they are no numbers.
    package var loss, top1: Double?
    package var learningRate: Double?

    package init(index: Int, epoch: Int, loss: Double?, top1: Double?, learningRate: Double?) {
      (self.index, self.epoch, self.learningRate) = (index, epoch, learningRate)
      (self.loss, self.top1) = (loss, top1)
    }
  }

  /// That the process at work has, with its number there.
  package var host: String
  package var process: Int
  /// When this process began, and when this was written.
  package var started, updated: ClockTime
  /// From 1, and how many there are.
  package var stage, stageCount: Int
  /// Of the stage.
  package var epoch, epochCount: Int
  /// Steps of the epoch that are done.
  package var step, stepCount: Int
  /// That learn in the stage.
  package var modules: [Module]
  /// Over the epoch's steps; nil before the first.
  package var imagesPerSecond: Double?
  /// Of all processes that have worked on the run.
  package var seconds: Double
  /// At the pace of this process so far; nil until there is one.
  package var secondsLeft: Double?
  package var plannedPeakBytes: Int
  /// Largest and present resident set; nil where the system does not tell.
  package var peakBytes, residentBytes: Int?

  package init(
    host: String, process: Int, started: ClockTime, updated: ClockTime, stage: Int, stageCount: Int,
    epoch: Int,
    epochCount: Int, step: Int, stepCount: Int, modules: [Module], imagesPerSecond: Double?, seconds: Double,
    secondsLeft: Double?, plannedPeakBytes: Int, peakBytes: Int?, residentBytes: Int?
  ) {
    (self.host, self.process, self.started, self.updated) = (host, process, started, updated)
    (self.stage, self.stageCount, self.epoch, self.epochCount) = (stage, stageCount, epoch, epochCount)
    (self.step, self.stepCount, self.modules, self.imagesPerSecond) = (
      step, stepCount, modules, imagesPerSecond
    )
    (self.seconds, self.secondsLeft, self.plannedPeakBytes) = (seconds, secondsLeft, plannedPeakBytes)
    (self.peakBytes, self.residentBytes) = (peakBytes, residentBytes)
  }

  // MARK: - As a document

  static let schema = "strata.status/1"

  package var json: JSON {
    let rows = modules.map { module in
      JSON.object([
        ("index", .integer(module.index)), ("epoch", .integer(module.epoch)),
        ("loss", .optional(module.loss, JSON.number)), ("top1", .optional(module.top1, JSON.number)),
        ("learningRate", .optional(module.learningRate, JSON.number)),
      ])
    }
    return .object([
      ("schema", .string(Self.schema)), ("host", .string(host)), ("process", .integer(process)),
      ("started", .string(started.text)), ("startedSeconds", .integer(started.seconds)),
      ("updated", .string(updated.text)), ("updatedSeconds", .integer(updated.seconds)),
      ("stage", .integer(stage)), ("stages", .integer(stageCount)), ("epoch", .integer(epoch)),
      ("epochs", .integer(epochCount)), ("step", .integer(step)), ("steps", .integer(stepCount)),
      ("modules", .array(rows)), ("imagesPerSecond", .optional(imagesPerSecond, JSON.number)),
      ("seconds", .number(seconds)), ("secondsLeft", .optional(secondsLeft, JSON.number)),
      (
        "memory",
        [
          "plannedPeakBytes": .integer(plannedPeakBytes), "peakBytes": .optional(peakBytes, JSON.integer),
          "residentBytes": .optional(residentBytes, JSON.integer),
        ]
      ),
    ])
  }

  /// Nil for a document that says less, or something else.
  init?(json: JSON) {
    guard json["schema"]?.string == Self.schema, let host = json["host"]?.string,
      let process = json["process"]?.integer, let started = json["startedSeconds"]?.integer,
      let updated = json["updatedSeconds"]?.integer, let stage = json["stage"]?.integer,
      let stages = json["stages"]?.integer, let epoch = json["epoch"]?.integer,
      let epochs = json["epochs"]?.integer, let step = json["step"]?.integer,
      let steps = json["steps"]?.integer, let seconds = json["seconds"]?.double,
      let planned = json["memory"]?["plannedPeakBytes"]?.integer
    else { return nil }
    var modules: [Module] = []
    for row in json["modules"]?.elements ?? [] {
      guard let index = row["index"]?.integer, let epoch = row["epoch"]?.integer else { return nil }
      modules.append(
        Module(
          index: index, epoch: epoch, loss: row["loss"]?.double, top1: row["top1"]?.double,
          learningRate: row["learningRate"]?.double))
    }
    self.init(
      host: host, process: process, started: ClockTime(seconds: started),
      updated: ClockTime(seconds: updated),
      stage: stage, stageCount: stages, epoch: epoch, epochCount: epochs, step: step, stepCount: steps,
      modules: modules, imagesPerSecond: json["imagesPerSecond"]?.double, seconds: seconds,
      secondsLeft: json["secondsLeft"]?.double, plannedPeakBytes: planned,
      peakBytes: json["memory"]?["peakBytes"]?.integer,
      residentBytes: json["memory"]?["residentBytes"]?.integer)
  }
}
