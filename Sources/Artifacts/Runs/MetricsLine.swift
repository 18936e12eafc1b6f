internal import Base
package import Execution

/// A line of `metrics.jsonl`, as all who read the file take it.
package struct MetricsLine: Hashable, Sendable {
  /// What the figures are of: the line's `split`.
  package enum Part: String, Hashable, Sendable, CaseIterable {
    case train, test
    /// The test images, right behind a cut of `compression`: between two epochs.
    case narrowed
    /// The images of an epoch up to a step: with `--log-every`.
    case step
  }

  /// From 1.
  package let module, epoch: Int
  package let part: Part
  /// Of the epoch, from 1; 0: the line is of no step.
  package private(set) var step = 0
  /// Nil where it was no number; `top5` as well where there are no more than ten classes.
  package private(set) var loss, top1, top5: Double?
  package private(set) var seconds = 0.0
  /// By all modules up to this one; nil where they were not measured together.
  package private(set) var ensembleTop1: Double?
  /// Channels that have stayed, from 1; none but in lines of `narrowed`.
  package private(set) var kept: [Int] = []

  /// What a line is of: no run writes two lines of one place.
  struct Place: Hashable {
    let module, epoch: Int
    let part: Part
    let step: Int
  }

  var place: Place { Place(module: module, epoch: epoch, part: part, step: step) }

  /// How many lines a damaged one was before it lost the ends between them.
  static func lineCount(in bytes: ArraySlice<UInt8>) -> Int {
    String(decoding: bytes, as: UTF8.self).split(separator: "\"split\":", omittingEmptySubsequences: false)
      .count - 1
  }

  /// - Parameter bytes: without the line's end.
  init(_ bytes: ArraySlice<UInt8>) throws(JSONScanner.Fault) {
    var (module, epoch): (Int?, Int?) = (nil, nil)
    var part: Part?
    var (loss, top1, top5, ensembleTop1): (Double?, Double?, Double?, Double?) = (nil, nil, nil, nil)
    var (seconds, step) = (0.0, 0)
    var kept: [Int] = []
    var scanner = JSONScanner(Array(bytes))
    try scanner.object { (scanner, key, _) throws(JSONScanner.Fault) in
      switch key {
      case "module": module = try scanner.naturalNumber()
      case "epoch": epoch = try scanner.naturalNumber()
      case "step": step = try scanner.naturalNumber()
      case "split": part = try scanner.word(Part.self)
      case "loss": loss = try scanner.numberOrNull()
      case "top1": top1 = try scanner.numberOrNull()
      case "top5": top5 = try scanner.numberOrNull()
      case "seconds": seconds = try scanner.numberOrNull() ?? 0
      case "ensembleTop1": ensembleTop1 = try scanner.numberOrNull()
      case "kept": kept = try scanner.naturalNumbers()
      case _: try scanner.skipValue()
      }
    }
    try scanner.end()
    guard let module, let epoch, let part, module > 0, epoch > 0 else {
      throw JSONScanner.Fault(
        offset: 0, expected: "a module and an epoch from 1, and a split", found: "a line without")
    }
    (self.module, self.epoch, self.part) = (module, epoch, part)
    (self.loss, self.top1, self.top5, self.ensembleTop1) = (loss, top1, top5, ensembleTop1)
    (self.seconds, self.kept, self.step) = (seconds, kept, step)
  }
}

extension RunDirectory {
  /// What the lines of a run's `metrics.jsonl` say; empty where there is no such file, and without those that are damaged.
  ///
  /// - Parameter isWanted: to keep the others out of memory.
  package static func metrics(
    in folder: String, where isWanted: (MetricsLine) -> Bool = { _ in true }
  ) throws(RunStatusError) -> [MetricsLine] {
    var lines: [MetricsLine] = []
    try forEachMetric(in: folder) { line in
      if isWanted(line) { lines.append(line) }
    }
    return lines
  }

  /// Calls `body` with what every line says that can be read, in the file's order.
  ///
  /// - Parameter moduleCount: lines of others are damaged; nil for any number of modules.
  /// - Returns: what is wrong with the others.
  @discardableResult
  package static func forEachMetric(
    in folder: String, moduleCount: Int? = nil, _ body: (MetricsLine) -> Void
  ) throws(RunStatusError) -> DamagedLines {
    var damaged = DamagedLines()
    do throws(FileError) {
      try forEachMetricsLine(in: try FolderDescriptor(path: folder)) { (number, bytes) throws(FileError) in
        do throws(JSONScanner.Fault) {
          let line = try MetricsLine(bytes)
          if let moduleCount, line.module > moduleCount {
            throw JSONScanner.Fault(
              offset: 0, expected: "a module from 1 to \(moduleCount)", found: "\(line.module)")
          }
          body(line)
        } catch {
          damaged.add(number, in: folder, error)
        }
        return true
      }
    } catch { throw .file(error) }
    return damaged
  }
}

/// Lines of a run's metrics that say nothing.
package struct DamagedLines: Hashable, Sendable {
  package private(set) var count = 0
  /// What is wrong with the first of them; nil where there are none.
  package private(set) var first: RunStatusError?

  mutating func add(_ number: Int, in folder: String, _ fault: JSONScanner.Fault) {
    if count == 0 {
      first = .malformed(
        path: "\(folder)/\(RunDirectory.metricsName), line \(number)", offset: fault.offset,
        expected: fault.expected, found: fault.found)
    }
    count += 1
  }
}

extension EpochFigures {
  /// - Returns: nil for what lies between two epochs.
  package init?(_ line: MetricsLine) {
    let split: Split
    switch line.part {
    case .train: split = .train
    case .test: split = .test
    case .narrowed, .step: return nil
    }
    self.init(
      module: line.module, epoch: line.epoch, split: split, loss: line.loss ?? .nan, top1: line.top1 ?? .nan,
      top5: line.top5 ?? .nan, seconds: line.seconds)
  }
}
