package import Text

/// A run for people: how far it has come, and its latest figures.
package struct RunStatusText {
  private let status: RunStatus
  private let folder: String
  private let now: ClockTime

  package init(_ status: RunStatus, folder: String, now: ClockTime = .now) {
    self.status = status
    self.folder = folder
    self.now = now
  }

  package func text(_ style: TextStyle) -> String {
    let hasEnsembles = status.modules.contains { $0.ensembleTop1 != nil }
    let hasTop5 = status.hasTop5
    var table = Table(
      [
        .right("module"), .left("made of"), .right("epoch"), .right("train loss"), .right("train top1"),
        .right("test loss"), .right("test top1"),
      ] + (hasTop5 ? [.right("top5")] : []) + (hasEnsembles ? [.right(EnsembleColumn.title)] : []))
    for module in status.modules {
      let epoch = max(module.train?.epoch ?? 0, module.test?.epoch ?? 0)
      table.add(
        [
          "\(module.index)", module.name, "\(epoch)/\(module.epochs)", loss(module.train),
          percents(module.train?.top1),
          loss(module.test), percents(module.test?.top1),
        ] + (hasTop5 ? [percents(module.test?.top5)] : [])
          + (hasEnsembles ? [EnsembleColumn.text(module.ensembleTop1)] : []))
    }
    if let ensemble = status.ensembleTop1 {
      table.add(
        ["", "ensemble", "", "", "", "", percentage(ensemble)]
          + (hasTop5 ? [percents(status.ensembleTop5)] : []) + (hasEnsembles ? [""] : []))
    }
    return "\(style.bold(status.name)) in \(folder): \(stateWords)\n\n" + table.text(style) + footer
  }

  private var stateWords: String {
    switch status.state {
    case .running(let process?):
      "running (process \(process)\(status.progress.map { " on \($0.host), as of \(age($0)) ago" } ?? ""))"
    case .running(nil): "running"
    case .finished: "finished"
    case .interrupted: "interrupted; \(goesOn)"
    case .failed: "failed; \(RunDirectory.logName) in the folder tells why; \(goesOn)"
    case .stopped: stoppedWords
    }
  }

  private var stoppedWords: String {
    guard let progress = status.progress else { return "stopped before its end; \(goesOn)" }
    guard status.isElsewhere else {
      return
        "stopped before its end: process \(progress.process) is gone, last seen \(progress.updated.text); \(goesOn)"
    }
    return "at work on \(progress.host) (process \(progress.process)) \(age(progress)) ago; "
      + "whether it still is cannot be told from this machine"
  }

  private func age(_ progress: RunProgress) -> String {
    let seconds = max(0, now.seconds - progress.updated.seconds)
    return seconds < 60 ? "\(seconds) s" : duration(seconds: Double(seconds))
  }

  private var goesOn: String {
    "strata run \(shellWord(folder)) --resume "
      + (status.hasCheckpoint ? "goes on from the last checkpoint" : "begins again: there is no checkpoint")
  }

  private var footer: String {
    var lines = status.progress.map(progressLines) ?? []
    if status.progress == nil, let seconds = status.measuredSeconds {
      let rate = status.imagesPerSecond.map { ", \(fixed($0, decimals: 0)) images/s in training" } ?? ""
      lines.append("time: \(duration(seconds: seconds))\(rate)")
    }
    // A resumed run has the summary of its last end as well.
    if status.progress == nil, let planned = status.plannedPeakBytes {
      let measured =
        status.measuredPeakBytes.map {
          "\(byteSize($0)) (\(signedShare(Double($0), of: Double(planned))))"
        } ?? "unknown"
      lines.append("peak memory: planned \(byteSize(planned)), measured \(measured)")
    }
    if let budget = status.budgetBytes {
      lines.append("budget: \(byteSize(budget))")
      lines += status.choices.map { "  \($0.words) (\($0.results))" }
    }
    if let hash = status.weightsSHA256 { lines.append("weights: SHA-256 \(hash)") }
    return lines.isEmpty ? "" : "\n" + lines.map { $0 + "\n" }.joined()
  }

  /// Of a run at work, or as it was when it stopped.
  private func progressLines(_ progress: RunProgress) -> [String] {
    var rates: [String] = []
    for rate in progress.modules.compactMap(\.learningRate).map({ rateText($0) }) where !rates.contains(rate)
    {
      rates.append(rate)
    }
    let speed = progress.imagesPerSecond.map { "\(fixed($0, decimals: 0)) images/s" }
    let rate = rates.isEmpty ? nil : "learning rate " + rates.joined(separator: ", ")
    let pace = [speed, rate].compactMap(\.self)
    func size(_ byteCount: Int?) -> String { byteCount.map { byteSize($0) } ?? "unknown" }
    return ["place: \(Self.placeWords(progress))", "time: \(Self.timeWords(progress))"]
      + (pace.isEmpty ? [] : ["speed: \(pace.joined(separator: ", "))"]) + [
        "peak memory: planned \(byteSize(progress.plannedPeakBytes)), so far \(size(progress.peakBytes)), "
          + "now \(size(progress.residentBytes))"
      ]
  }

  static func placeWords(_ progress: RunProgress) -> String {
    "stage \(progress.stage) of \(progress.stageCount), epoch \(progress.epoch) of \(progress.epochCount), "
      + "step \(progress.step) of \(progress.stepCount)"
  }

  static func timeWords(_ progress: RunProgress) -> String {
    "\(duration(seconds: progress.seconds)) so far"
      + (progress.secondsLeft.map { ", about \(duration(seconds: $0)) left at this pace" } ?? "")
  }

  private func loss(_ figures: RunStatus.Figures?) -> String {
    figures?.loss.map { fixed($0, decimals: 4) } ?? "-"
  }

  private func percents(_ fraction: Double?) -> String { fraction.map { percentage($0) } ?? "-" }

  /// The same as a document (`strata.run/1`).
  package var json: JSON {
    let process: Int?
    let state: String
    switch status.state {
    case .running(let number): (state, process) = ("running", number)
    case .finished: (state, process) = ("finished", nil)
    case .interrupted: (state, process) = ("interrupted", nil)
    case .failed: (state, process) = ("failed", nil)
    case .stopped: (state, process) = (status.isElsewhere ? "elsewhere" : "stopped", nil)
    }
    let modules = status.modules.map { module in
      JSON.object([
        ("index", .integer(module.index)), ("name", .string(module.name)),
        ("epochs", .integer(module.epochs)),
        ("train", .optional(module.train, figures)), ("test", .optional(module.test, figures)),
        ("ensembleTop1", .optional(module.ensembleTop1, JSON.number)),
      ])
    }
    var members: [(key: String, value: JSON)] = [
      ("schema", "strata.run/1"), ("name", .string(status.name)), ("status", .string(state)),
      ("process", .optional(process, JSON.integer)), ("modules", .array(modules)),
      ("ensembleTop1", .optional(status.ensembleTop1, JSON.number)),
    ]
    if status.hasTop5 { members.append(("ensembleTop5", .optional(status.ensembleTop5, JSON.number))) }
    let memory: JSON = [
      "plannedPeakBytes": .optional(status.plannedPeakBytes, JSON.integer),
      "measuredPeakBytes": .optional(status.measuredPeakBytes, JSON.integer),
      "budgetBytes": .optional(status.budgetBytes, JSON.integer),
    ]
    let choices = status.choices.map { choice -> JSON in
      ["words": .string(choice.words), "results": .string(choice.results)]
    }
    members += [
      ("memory", memory), ("time", ["measuredSeconds": .optional(status.measuredSeconds, JSON.number)]),
      ("imagesPerSecond", .optional(status.imagesPerSecond, JSON.number)),
      ("weightsSha256", .optional(status.weightsSHA256, JSON.string)), ("choiceEffects", .array(choices)),
      ("processAlive", status.isElsewhere ? .null : .bool(process != nil || state == "running")),
      ("progress", .optional(status.progress, \.json)),
    ]
    return .object(members)
  }

  private func figures(_ figures: RunStatus.Figures) -> JSON {
    .object(
      [
        ("epoch", .integer(figures.epoch)), ("loss", .optional(figures.loss, JSON.number)),
        ("top1", .optional(figures.top1, JSON.number)),
      ] + (status.hasTop5 ? [("top5", .optional(figures.top5, JSON.number))] : []))
  }
}

/// Test accuracy by all modules up to a table's row.
package enum EnsembleColumn {
  package static let title = "ensemble to here"

  /// - Parameter top1: nil for the first module, and where it is unknown.
  package static func text(_ top1: Double?) -> String { top1.map { percentage($0) } ?? "-" }
}
