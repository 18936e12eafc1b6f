package import Text

/// A run for people: how far it has come, and its latest figures.
package struct RunStatusText {
  private let status: RunStatus
  private let folder: String

  package init(_ status: RunStatus, folder: String) {
    self.status = status
    self.folder = folder
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
    case .running(let process?): "running (process \(process))"
    case .running(nil): "running"
    case .finished: "finished"
    case .interrupted: "interrupted; \(goesOn)"
    case .failed: "failed; \(RunDirectory.logName) in the folder tells why; \(goesOn)"
    case .stopped: "stopped before its end; \(goesOn)"
    }
  }

  private var goesOn: String {
    "strata run \(shellWord(folder)) --resume "
      + (status.hasCheckpoint ? "goes on from the last checkpoint" : "begins again: there is no checkpoint")
  }

  private var footer: String {
    var lines: [String] = []
    if let seconds = status.measuredSeconds {
      let rate = status.imagesPerSecond.map { ", \(fixed($0, decimals: 0)) images/s in training" } ?? ""
      lines.append("time: \(duration(seconds: seconds))\(rate)")
    }
    if let planned = status.plannedPeakBytes {
      let measured = status.measuredPeakBytes.map { byteSize($0) } ?? "unknown"
      lines.append("peak memory: planned \(byteSize(planned)), measured \(measured)")
    }
    if let budget = status.budgetBytes {
      lines.append("budget: \(byteSize(budget))")
      lines += status.choices.map { "  \($0.words) (\($0.results))" }
    }
    if let hash = status.weightsSHA256 { lines.append("weights: SHA-256 \(hash)") }
    return lines.isEmpty ? "" : "\n" + lines.map { $0 + "\n" }.joined()
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
    case .stopped: (state, process) = ("stopped", nil)
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
