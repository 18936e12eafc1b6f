package import Base
internal import Glibc

/// How far a run has come, read from its folder while it goes on or afterwards. Nothing is changed or held.
package struct RunStatus: Hashable, Sendable {
  package enum State: Hashable, Sendable {
    /// A process has the folder's lock.
    case running(process: Int?)
    case finished, interrupted, failed
    /// No process is at work, and none has written how the run ended.
    case stopped
  }

  /// Means over an epoch's images; nil: no number.
  package struct Figures: Hashable, Sendable {
    package var epoch = 0
    package var loss: Double?
    package var top1: Double?
    /// Nil as well where there are no more than ten classes.
    package var top5: Double?

    package init(epoch: Int = 0, loss: Double? = nil, top1: Double? = nil, top5: Double? = nil) {
      self.epoch = epoch
      self.loss = loss
      self.top1 = top1
      self.top5 = top5
    }
  }

  package struct Choice: Hashable, Sendable {
    package var words = ""
    package var results = ""
  }

  package struct Module: Hashable, Sendable {
    /// From 1.
    package var index: Int
    package var name: String
    /// That the plan gives it.
    package var epochs = 0
    package var train: Figures?
    /// Once the run is finished, of its last evaluation, which frozen modules are in as well.
    package var test: Figures?
    /// By all modules up to this one; nil where they were never measured together, or it is the first.
    package var ensembleTop1: Double?
  }

  package struct Warning: Hashable, Sendable {
    package let code, message: String
  }

  /// The code of lines of metrics that are left out.
  package static let damagedMetrics = "W042"

  package var name = ""
  package var state = State.stopped
  package var modules: [Module] = []
  package var ensembleTop1: Double?
  package var ensembleTop5: Double?
  package var plannedPeakBytes: Int?
  /// What the plan was asked to stay within.
  package var budgetBytes: Int?
  /// What the plan does for its size, each with how far it changes results.
  package var choices: [Choice] = []
  package var measuredPeakBytes: Int?
  package var measuredSeconds: Double?
  package var imagesPerSecond: Double?
  package var weightsSHA256: String?
  /// What in the folder does not agree.
  package private(set) var warnings: [Warning] = []
  /// As the plan keeps it, until it was held against the spec's own file.
  private var specText: String?
  /// Whether there is something to go on from.
  package var hasCheckpoint = false
  /// Of the program that wrote the summary; nil while there is none.
  package var release: String?
  /// Where the process at work stands, or stood when it was killed; nil once the run has ended by itself.
  package var progress: RunProgress?

  /// Whether the first five guesses of anything were counted.
  var hasTop5: Bool {
    ensembleTop5 != nil || modules.contains { $0.train?.top5 != nil || $0.test?.top5 != nil }
  }

  /// - Throws: ``RunStatusError`` where there is no run, or a file of it says something else than runs write. Lines of metrics that
  ///   do so are left out, with a warning: they decide nothing.
  package init(folder: String) throws(RunStatusError) {
    try self.init(planIn: folder)
    var status = self
    let damaged = try RunDirectory.forEachMetric(in: folder, moduleCount: modules.count) { status.note($0) }
    try status.finish(in: folder, damaged)
    self = status
  }

  /// What the plan says; metrics are noted one by one, then the rest is read.
  init(planIn folder: String) throws(RunStatusError) {
    guard RunDirectory.holdsRun(folder) else { throw .noRun(path: folder) }
    try read(RunDirectory.planName, in: folder) { (scanner) throws(JSONScanner.Fault) in
      try readPlan(&scanner)
    }
  }

  /// - Parameter damaged: lines of the metrics that could not be noted.
  mutating func finish(in folder: String, _ damaged: DamagedLines) throws(RunStatusError) {
    if let first = damaged.first {
      let others = damaged.count > 1 ? ", and so are \(damaged.count - 1) more" : ""
      warnings.append(
        Warning(code: Self.damagedMetrics, message: "\(first.message): the line is left out\(others)"))
    }
    if let specText, let damage = RunDirectory.damageOfSpec(in: folder, text: specText) {
      warnings.append(Warning(code: "W041", message: damage))
    }
    specText = nil
    if try !readSummary(in: folder) { state = .stopped }
    do throws(FileError) {
      let open = try FolderDescriptor(path: folder)
      hasCheckpoint = try RunDirectory.hasCheckpoint(in: open)
      let worker = RunLock.worker(in: open)
      if worker.isAtWork { state = .running(process: worker.process) }
    } catch {
      throw .file(error)
    }
    try noteProgress(in: folder)
  }

  /// A finished run's figures are those of its summary: metrics that were cut off would show an earlier epoch's as its last.
  private mutating func take(_ stated: [Module], in folder: String) {
    var isCut = false
    for module in stated where modules.indices.contains(module.index - 1) {
      let place = module.index - 1
      let epochs = modules[place].epochs
      let isModuleCut = epochs > 0 && modules[place].isBehind(module)
      if isModuleCut, var train = module.train {
        train.epoch = epochs
        modules[place].train = train
      }
      modules[place].note(evaluation: module)
      if isModuleCut {
        isCut = true
        modules[place].test?.epoch = epochs
        modules[place].test?.loss = module.test?.loss
      }
    }
    guard isCut else { return }
    warnings.append(
      Warning(
        code: "W009",
        message:
          "\(folder)/\(RunDirectory.metricsName) does not end with what \(RunDirectory.summaryName) says: "
          + "figures are the summary's, curves are as far as they go"))
  }

  private init() {}

  /// What a run's summary says its weights' file hashes to; nil where it says nothing yet.
  package static func statedWeightsSHA256(in folder: String) throws(RunStatusError) -> String? {
    var status = RunStatus()
    _ = try status.readSummary(in: folder)
    return status.weightsSHA256
  }

  // MARK: - Files

  /// - Returns: false where there is no such file.
  @discardableResult
  private func read(
    _ name: String, in folder: String, _ body: (inout JSONScanner) throws(JSONScanner.Fault) -> Void
  ) throws(RunStatusError) -> Bool {
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try RunDirectory.bytes(of: name, in: folder)
    } catch {
      if error.code == ENOENT { return false }
      throw .file(error)
    }
    do throws(JSONScanner.Fault) {
      var scanner = JSONScanner(bytes)
      try body(&scanner)
      try scanner.end()
    } catch {
      throw .malformed(
        path: "\(folder)/\(name)", offset: error.offset, expected: error.expected, found: error.found)
    }
    return true
  }

  private mutating func readPlan(_ scanner: inout JSONScanner) throws(JSONScanner.Fault) {
    var found = self
    try scanner.object { (scanner, key, _) throws(JSONScanner.Fault) in
      switch key {
      case "name": found.name = try scanner.string()
      case "spec":
        try scanner.object { (scanner, key, _) throws(JSONScanner.Fault) in
          if key == "text" { found.specText = try scanner.string() } else { try scanner.skipValue() }
        }
      case "modules":
        try scanner.array { (scanner) throws(JSONScanner.Fault) in
          var module = Module(index: found.modules.count + 1, name: "")
          try scanner.object { (scanner, key, _) throws(JSONScanner.Fault) in
            if key == "name" { module.name = try scanner.string() } else { try scanner.skipValue() }
          }
          found.modules.append(module)
        }
      case "stages":
        try scanner.array { (scanner) throws(JSONScanner.Fault) in try found.readStage(&scanner) }
      case "choiceEffects":
        try scanner.array { (scanner) throws(JSONScanner.Fault) in
          var choice = Choice()
          try scanner.object { (scanner, key, _) throws(JSONScanner.Fault) in
            switch key {
            case "words": choice.words = try scanner.string()
            case "results": choice.results = try scanner.string()
            case _: try scanner.skipValue()
            }
          }
          found.choices.append(choice)
        }
      case "memory":
        try scanner.object { (scanner, key, _) throws(JSONScanner.Fault) in
          if key == "budgetBytes" {
            found.budgetBytes = try scanner.naturalNumberOrNull()
          } else {
            try scanner.skipValue()
          }
        }
      case _: try scanner.skipValue()
      }
    }
    self = found
  }

  private mutating func readStage(_ scanner: inout JSONScanner) throws(JSONScanner.Fault) {
    var trained: [Int] = []
    var epochs = 0
    try scanner.object { (scanner, key, _) throws(JSONScanner.Fault) in
      switch key {
      case "modules": trained = try scanner.naturalNumbers()
      case "epochs": epochs = try scanner.naturalNumber()
      case _: try scanner.skipValue()
      }
    }
    for module in trained where modules.indices.contains(module - 1) {
      let (sum, overflow) = modules[module - 1].epochs.addingReportingOverflow(epochs)
      modules[module - 1].epochs = overflow ? .max : sum
    }
  }

  /// - Returns: false where the run has written none yet.
  private mutating func readSummary(in folder: String) throws(RunStatusError) -> Bool {
    var found = self
    var stated: [Module] = []
    let isThere = try read(RunDirectory.summaryName, in: folder) { (scanner) throws(JSONScanner.Fault) in
      try scanner.object { (scanner, key, offset) throws(JSONScanner.Fault) in
        switch key {
        case "status": found.state = try Self.state(&scanner)
        case "modules":
          try scanner.array { (scanner) throws(JSONScanner.Fault) in
            stated.append(try Self.statedModule(&scanner))
          }
        case "ensembleTop1": found.ensembleTop1 = try scanner.numberOrNull()
        case "ensembleTop5": found.ensembleTop5 = try scanner.numberOrNull()
        case "imagesPerSecond": found.imagesPerSecond = try scanner.numberOrNull()
        case "weightsSha256": found.weightsSHA256 = try scanner.stringOrNull()
        case "memory":
          try scanner.object { (scanner, key, _) throws(JSONScanner.Fault) in
            switch key {
            case "plannedPeakBytes": found.plannedPeakBytes = try scanner.naturalNumberOrNull()
            case "measuredPeakBytes": found.measuredPeakBytes = try scanner.naturalNumberOrNull()
            case _: try scanner.skipValue()
            }
          }
        case "time":
          try scanner.object { (scanner, key, _) throws(JSONScanner.Fault) in
            switch key {
            case "measuredSeconds": found.measuredSeconds = try scanner.numberOrNull()
            case _: try scanner.skipValue()
            }
          }
        case "determinedBy":
          try scanner.object { (scanner, key, _) throws(JSONScanner.Fault) in
            switch key {
            case "release": found.release = try scanner.stringOrNull()
            case _: try scanner.skipValue()
            }
          }
        case _: try scanner.skipValue()
        }
      }
    }
    if found.state == .finished { found.take(stated, in: folder) }
    self = found
    return isThere
  }

  private static func statedModule(_ scanner: inout JSONScanner) throws(JSONScanner.Fault) -> Module {
    var module = Module(index: 0, name: "")
    var train = Figures()
    var test = Figures()
    try scanner.object { (scanner, key, _) throws(JSONScanner.Fault) in
      switch key {
      case "index": module.index = try scanner.naturalNumber()
      case "trainLoss": train.loss = try scanner.numberOrNull()
      case "trainTop1": train.top1 = try scanner.numberOrNull()
      case "trainTop5": train.top5 = try scanner.numberOrNull()
      case "testLoss": test.loss = try scanner.numberOrNull()
      case "testTop1": test.top1 = try scanner.numberOrNull()
      case "testTop5": test.top5 = try scanner.numberOrNull()
      case "ensembleTop1": module.ensembleTop1 = try scanner.numberOrNull()
      case _: try scanner.skipValue()
      }
    }
    if train.top1 != nil { module.train = train }
    if test.top1 != nil { module.test = test }
    return module
  }

  private static func state(_ scanner: inout JSONScanner) throws(JSONScanner.Fault) -> State {
    scanner.skipBlanks()
    let offset = scanner.offset
    let word = try scanner.string()
    switch RunSummary.Status(rawValue: word) {
    case .finished: return .finished
    case .interrupted: return .interrupted
    case .failed: return .failed
    case nil:
      throw JSONScanner.Fault(
        offset: offset, expected: "finished, interrupted or failed", found: "'\(word)'")
    }
  }

  /// Keeps the last line of every module and part.
  mutating func note(_ line: MetricsLine) {
    let figures = Figures(epoch: line.epoch, loss: line.loss, top1: line.top1, top5: line.top5)
    switch line.part {
    case .train: modules[line.module - 1].train = figures
    case .test:
      modules[line.module - 1].test = figures
      if let top1 = line.ensembleTop1 { modules[line.module - 1].ensembleTop1 = top1 }
    case .narrowed, .step: break
    }
  }
}

extension RunStatus.Module {
  /// Whether the metrics end before what the summary says of the module that learns.
  ///
  /// - Parameter stated: as the summary has it.
  fileprivate func isBehind(_ stated: RunStatus.Module) -> Bool {
    let isTrainBehind = stated.train.map { $0.top1 != train?.top1 || $0.loss != train?.loss } ?? false
    return isTrainBehind || stated.test != nil && test?.epoch != epochs
  }

  /// - Parameter other: with the figures of a run's last evaluation.
  fileprivate mutating func note(evaluation other: RunStatus.Module) {
    if let found = other.test {
      test = RunStatus.Figures(
        epoch: test?.epoch ?? 0, loss: found.loss ?? test?.loss, top1: found.top1, top5: found.top5)
    }
    ensembleTop1 = other.ensembleTop1 ?? ensembleTop1
  }
}

/// Why a run's folder tells nothing.
package enum RunStatusError: Error, Hashable, Sendable {
  case noRun(path: String)
  case file(FileError)
  case malformed(path: String, offset: Int, expected: String, found: String)

  /// One sentence for a person, without a full stop.
  package var message: String {
    switch self {
    case .noRun(let path): "\(path): there is no run in this folder"
    case .file(let error): error.message
    case .malformed(let path, let offset, let expected, let found):
      "\(path): at byte \(offset): expected \(expected), found \(found)"
    }
  }
}
