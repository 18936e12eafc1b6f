internal import Base
internal import Glibc
package import Text

/// All that a run's folder tells, epoch by epoch: what comparisons and reports are made of. Read without holding the folder,
/// so a run that is at work shows what it has so far.
package struct RunHistory: Sendable {
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

    func value(_ row: EpochRows.Row) -> Double? {
      switch self {
      case .testTop1, .trainTop1: row.top1
      case .testTop5, .trainTop5: row.top5
      case .testLoss, .trainLoss: row.loss
      }
    }

    /// A value for people.
    func words(_ value: Double) -> String { isFraction ? percentage(value) : fixed(value, decimals: 4) }
  }

  /// What the plan says of its arithmetic; nil where it does not.
  package struct Cost: Hashable, Sendable {
    /// Of the network: all modules' layers and the head.
    package var parameters, multiplyAdds: Int?
    /// Of what trains the modules but the last, whose classifier is the network's head; zero where there are none.
    package var auxiliaryParameters, auxiliaryMultiplyAdds: Int?
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
  /// What probes have found in the run's own images, whose fingerprint goes without saying: made-up images have one
  /// for each seed.
  package let probes: [ProbeRecord]
  /// Whether there are probes of other images besides.
  package let hasForeignProbes: Bool
  /// The largest epoch that any module was trained in.
  package let epochCount: Int
  private let rowsOfModule: [Int: EpochRows]
  private let testRowsOfModule: [Int: EpochRows]

  /// - Parameter isThinned: whether curves of many epochs are thinned out while they are read, so that memory does not grow with the
  ///   length of the run.
  package init(folder: String, isThinned: Bool = false) throws(RunStatusError) {
    guard RunDirectory.holdsRun(folder) else { throw .noRun(path: folder) }
    self.folder = folder
    var status = try RunStatus(planIn: folder)
    let limit = isThinned ? Self.rowLimit(moduleCount: status.modules.count) : nil
    var (rows, testRows): ([Int: EpochRows], [Int: EpochRows]) = ([:], [:])
    var epochCount = 0
    let damaged = try RunDirectory.forEachMetric(in: folder, moduleCount: status.modules.count) { line in
      status.note(line)
      switch line.part {
      case .train:
        rows[line.module, default: EpochRows(limit: limit)].add(line)
        epochCount = max(epochCount, line.epoch)
      case .test: testRows[line.module, default: EpochRows(limit: limit)].add(line)
      case .narrowed, .step: break
      }
    }
    try status.finish(in: folder, damaged)
    self.status = status
    (rowsOfModule, testRowsOfModule, self.epochCount) = (rows, testRows, epochCount)
    let plan: JSON
    let planPath = "\(folder)/\(RunDirectory.planName)"
    var scanner: JSONScanner
    do throws(FileError) {
      scanner = JSONScanner(try RunDirectory.bytes(of: RunDirectory.planName, in: folder))
    } catch {
      throw .file(error)
    }
    do throws(JSONScanner.Fault) {
      plan = try scanner.document()
      try scanner.end()
    } catch {
      throw .malformed(path: planPath, offset: error.offset, expected: error.expected, found: error.found)
    }
    let specText = plan["spec"]?["text"]?.string ?? ""
    conditions = RunConditions(planDocument: plan)
    strategy = plan["stages"]?.elements.first?["strategy"]?.string ?? ""
    let own = plan.comparisonRowOfPlan
    cost = Cost(
      parameters: plan["network"]?["parameters"]?.integer, multiplyAdds: plan["network"]?["macs"]?.integer,
      auxiliaryParameters: Self.auxiliaries(of: plan, "parameters"),
      auxiliaryMultiplyAdds: Self.auxiliaries(of: plan, "macs"),
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
  }

  /// Fewer for each of many modules, of which a chart does not draw all.
  private static func rowLimit(moduleCount: Int) -> Int {
    min(LineChart.pointLimit, max(40, 6000 / max(1, moduleCount)))
  }

  /// The sum over all modules but the last; nil where the plan does not say, or says what no sum can be.
  private static func auxiliaries(of plan: JSON, _ key: String) -> Int? {
    guard let modules = plan["modules"]?.elements else { return nil }
    return modules.dropLast().reduce(0) { sum, module in
      guard let sum, let count = module["auxiliary"]?[key]?.integer else { return nil }
      let (next, isTooLarge) = sum.addingReportingOverflow(count)
      return isTooLarge ? nil : next
    }
  }

  package func curve(_ figure: Figure, module: Int) -> [LineChart.Point] {
    rows(figure, module: module).compactMap { row in
      figure.value(row).map { LineChart.Point(x: Double(row.epoch), y: $0) }
    }
  }

  /// In which a module was measured, whether or not that gave a number.
  func epochs(_ figure: Figure, module: Int) -> Set<Int> {
    Set(rows(figure, module: module).map(\.epoch))
  }

  private func rows(_ figure: Figure, module: Int) -> [EpochRows.Row] {
    (figure.isTest ? testRowsOfModule : rowsOfModule)[module]?.rows ?? []
  }

  /// Of the module's last epoch so far, nil where that gave no number; figures of a finished run are those of its summary,
  /// which frozen modules are in as well.
  package func last(_ figure: Figure, module: Int) -> Double? {
    guard status.modules.indices.contains(module - 1) else { return nil }
    let known = status.modules[module - 1]
    switch figure {
    case .testTop1: return known.test?.top1
    case .testLoss: return known.test?.loss
    case .testTop5: return known.test?.top5
    case .trainTop1: return known.train?.top1
    case .trainLoss: return known.train?.loss
    case .trainTop5: return known.train?.top5
    }
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
