package import Execution

/// A line of `metrics.jsonl`, as all who read the file take it.
package struct MetricsLine: Hashable, Sendable {
  /// What the figures are of: the line's `split`.
  package enum Part: String, Hashable, Sendable, CaseIterable {
    case train, test
    /// The test pictures, right behind a cut of `compression`: between two epochs.
    case narrowed
  }

  /// From 1.
  package let module, epoch: Int
  package let part: Part
  /// Nil where it was no number; `top5` as well where there are no more than ten classes.
  package private(set) var loss, top1, top5: Double?
  package private(set) var seconds = 0.0
  /// By all modules up to this one; nil where they were not measured together.
  package private(set) var ensembleTop1: Double?
  /// Channels that have stayed, from 1; none but in lines of `narrowed`.
  package private(set) var kept: [Int] = []

  init(_ text: String) throws(JSONScanner.Fault) {
    var (module, epoch): (Int?, Int?) = (nil, nil)
    var part: Part?
    var (loss, top1, top5, ensembleTop1): (Double?, Double?, Double?, Double?) = (nil, nil, nil, nil)
    var seconds = 0.0
    var kept: [Int] = []
    var scanner = JSONScanner(Array(text.utf8))
    try scanner.object { (scanner, key, _) throws(JSONScanner.Fault) in
      switch key {
      case "module": module = try scanner.naturalNumber()
      case "epoch": epoch = try scanner.naturalNumber()
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
    (self.seconds, self.kept) = (seconds, kept)
  }
}

extension RunDirectory {
  /// What the whole lines of a run's `metrics.jsonl` say; empty where there is no such file.
  package static func metrics(in folder: String) throws(RunStatusError) -> [MetricsLine] {
    let texts: [String]
    do throws(FileError) { texts = try metricsLines(in: folder) } catch { throw .file(error) }
    var lines: [MetricsLine] = []
    for (index, text) in texts.enumerated() {
      do throws(JSONScanner.Fault) {
        lines.append(try MetricsLine(text))
      } catch {
        throw .malformed(
          path: metricsPath(in: folder, line: index + 1), offset: error.offset, expected: error.expected,
          found: error.found)
      }
    }
    return lines
  }

  /// A line of the file for people; lines count from 1.
  static func metricsPath(in folder: String, line: Int) -> String { "\(folder)/\(metricsName), line \(line)" }
}

extension EpochFigures {
  /// - Returns: nil for what lies between two epochs.
  package init?(_ line: MetricsLine) {
    let split: Split
    switch line.part {
    case .train: split = .train
    case .test: split = .test
    case .narrowed: return nil
    }
    self.init(
      module: line.module, epoch: line.epoch, split: split, loss: line.loss ?? .nan, top1: line.top1 ?? .nan,
      top5: line.top5 ?? .nan, seconds: line.seconds)
  }
}
