internal import Datasets
internal import Glibc
package import Text

/// All that a run's folder tells, epoch by epoch: what comparisons and reports are made of. Read without holding the folder,
/// so a run that is at work shows what it has so far.
package struct RunHistory: Sendable {
  /// One line of the metrics.
  package struct Line: Hashable, Sendable {
    package var module, epoch: Int
    package var isTest: Bool
    /// Nil where it was no number; `top5` as well where there are no more than ten classes.
    package var loss, top1, top5: Double?
    package var seconds: Double
  }

  /// A curve's kind.
  package enum Figure: String, Hashable, Sendable, CaseIterable {
    case testTop1 = "test top1"
    case trainTop1 = "train top1"
    case testTop5 = "test top5"
    case trainTop5 = "train top5"
    case testLoss = "test loss"
    case trainLoss = "train loss"

    package var isTest: Bool {
      switch self {
      case .testTop1, .testTop5, .testLoss: true
      case .trainTop1, .trainTop5, .trainLoss: false
      }
    }

    package var isFraction: Bool {
      switch self {
      case .testTop1, .trainTop1, .testTop5, .trainTop5: true
      case .testLoss, .trainLoss: false
      }
    }

    var isTop5: Bool { self == .testTop5 || self == .trainTop5 }

    func value(_ line: Line) -> Double? {
      switch self {
      case .testTop1, .trainTop1: line.top1
      case .testTop5, .trainTop5: line.top5
      case .testLoss, .trainLoss: line.loss
      }
    }

    /// A value for people.
    func words(_ value: Double) -> String { isFraction ? percentage(value) : fixed(value, decimals: 4) }
  }

  /// What the plan says of its arithmetic; nil where it does not.
  package struct Cost: Hashable, Sendable {
    /// Of the network: all modules' layers and the head.
    package var parameters, multiplyAdds: Int?
    /// Multiply-adds of the largest training step, and of the whole training.
    package var stepMultiplyAdds, trainingMultiplyAdds: Int?
  }

  /// As the user typed it.
  package let folder: String
  package let status: RunStatus
  package let strategy: String
  package let seed: String
  package let conditions: RunConditions
  package let cost: Cost
  /// What probes have found in the run's own pictures, whose fingerprint goes without saying: made-up pictures have one
  /// for each seed.
  package let probes: [ProbeRecord]
  /// Whether there are probes of other pictures besides.
  package let hasForeignProbes: Bool
  /// In the order in which they were written.
  package let lines: [Line]
  private let linesOfModule: [Int: [Line]]
  /// The same as they stand, with what they say besides.
  package let texts: [String]

  package init(folder: String) throws(RunStatusError) {
    self.folder = folder
    status = try RunStatus(folder: folder)
    let plan: JSON
    let planPath = "\(folder)/\(RunDirectory.planName)"
    var scanner: JSONScanner
    do throws(FileError) { scanner = JSONScanner(try RunDirectory.bytes(of: planPath)) } catch {
      throw .file(error)
    }
    do throws(JSONScanner.Fault) { plan = try scanner.document() } catch {
      throw .malformed(path: planPath, offset: error.offset, expected: error.expected, found: error.found)
    }
    let specText = plan["spec"]?["text"]?.string ?? ""
    conditions = RunConditions(planDocument: plan)
    strategy = plan["stages"]?.elements.first?["strategy"]?.string ?? ""
    let own = plan["comparison"]?.elements.first {
      if case .bool(true) = $0["isPlan"] { true } else { false }
    }
    cost = Cost(
      parameters: plan["network"]?["parameters"]?.integer, multiplyAdds: plan["network"]?["macs"]?.integer,
      stepMultiplyAdds: own?["stepMacs"]?.integer, trainingMultiplyAdds: own?["trainingMacs"]?.integer)
    let fingerprint = plan["data"]?["fingerprint"]?.string
    let records = try ProbeRecords(folder: folder).records
    let ownRecords = records.filter { $0.settings.dataFingerprint == fingerprint }
    hasForeignProbes = ownRecords.count < records.count
    probes = ownRecords.map { record in
      var record = record
      record.settings.dataFingerprint = nil
      return record
    }
    seed = SpecDifference.values(of: specText).first { $0.0 == "training.seed" }?.1 ?? ""
    do throws(FileError) { texts = try RunDirectory.metricsLines(in: folder) } catch { throw .file(error) }
    lines = try Self.lines(texts, of: folder)
    linesOfModule = Dictionary(grouping: lines, by: \.module)
  }

  private static func lines(_ texts: [String], of folder: String) throws(RunStatusError) -> [Line] {
    var lines: [Line] = []
    for (index, text) in texts.enumerated() {
      do throws(JSONScanner.Fault) {
        var scanner = JSONScanner(Array(text.utf8))
        let line = try scanner.document()
        guard let module = line["module"]?.integer, let epoch = line["epoch"]?.integer,
          let split = line["split"]?.string, split != NarrowingLine.split
        else { continue }
        lines.append(
          Line(
            module: module, epoch: epoch, isTest: split == "test", loss: line["loss"]?.double,
            top1: line["top1"]?.double, top5: line["top5"]?.double, seconds: line["seconds"]?.double ?? 0))
      } catch {
        throw .malformed(
          path: "\(folder)/\(RunDirectory.metricsName), line \(index + 1)", offset: error.offset,
          expected: error.expected, found: error.found)
      }
    }
    return lines
  }

  package func curve(_ figure: Figure, module: Int) -> [LineChart.Point] {
    lines(figure, module: module).compactMap { line in
      figure.value(line).map { LineChart.Point(x: Double(line.epoch), y: $0) }
    }
  }

  /// In which a module was measured, whether or not that gave a number.
  func epochs(_ figure: Figure, module: Int) -> Set<Int> {
    Set(lines(figure, module: module).map(\.epoch))
  }

  private func lines(_ figure: Figure, module: Int) -> [Line] {
    (linesOfModule[module] ?? []).filter { $0.isTest == figure.isTest }
  }

  /// Of the module's last epoch so far; figures of a finished run are those of its summary, which frozen modules are in as
  /// well.
  package func last(_ figure: Figure, module: Int) -> Double? {
    let known = status.modules.indices.contains(module - 1) ? status.modules[module - 1] : nil
    let stated: Double?
    switch figure {
    case .testTop1: stated = known?.test?.top1
    case .testLoss: stated = known?.test?.loss
    case .testTop5: stated = known?.test?.top5
    case .trainTop1: stated = known?.train?.top1
    case .trainLoss: stated = known?.train?.loss
    case .trainTop5: stated = known?.train?.top5
    }
    // Where metrics were cut off, their end is not the last epoch.
    return stated ?? (status.warnings.isEmpty ? curve(figure, module: module).last?.y : nil)
  }

  /// Whether `other` is the same experiment: the same conditions under the same release, whatever the seed. A run that was
  /// killed before it wrote a summary does not tell its release.
  package func repeats(_ other: RunHistory) -> Bool {
    guard conditions == other.conditions else { return false }
    guard let release = status.release, let others = other.status.release else { return true }
    return release == others
  }

  /// The conditions, and the release where it is known.
  var entries: [RunConditions.Entry] {
    conditions.entries + (status.release.map { [RunConditions.Entry(key: "release", value: $0)] } ?? [])
  }

  package var isFinished: Bool { status.state == .finished }

  package var stateWord: String {
    switch status.state {
    case .running: "running"
    case .finished: "finished"
    case .interrupted: "interrupted"
    case .failed: "failed"
    case .stopped: "stopped"
    }
  }
}

extension JSON {
  /// Any number.
  var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    case .null, .bool, .string, .array, .object: nil
    }
  }
}

/// Mean and deviation of repetitions.
package struct Spread: Hashable, Sendable {
  package let mean: Double
  /// Of the sample (n - 1); zero for one alone.
  package let deviation: Double
  package let count: Int

  /// - Returns: nil for none at all.
  package init?(_ values: [Double]) {
    guard !values.isEmpty else { return nil }
    let mean = values.reduce(0, +) / Double(values.count)
    let squares = values.map { ($0 - mean) * ($0 - mean) }.reduce(0, +)
    self.mean = mean
    deviation = values.count > 1 ? (squares / Double(values.count - 1)).squareRoot() : 0
    count = values.count
  }

  /// `0.8123 ± 0.0045`, written by `text`; of fewer than `expected` with their number.
  func words(of expected: Int, _ text: (Double) -> String) -> String {
    (count > 1 ? "\(text(mean)) ± \(text(deviation))" : text(mean))
      + (count < expected ? " (\(count) of \(expected))" : "")
  }
}
