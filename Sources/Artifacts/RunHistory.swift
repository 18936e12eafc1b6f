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
    /// Nil where it was no number.
    package var loss, top1: Double?
    package var seconds: Double
  }

  /// A curve's kind.
  package enum Figure: String, Hashable, Sendable, CaseIterable {
    case testTop1 = "test top1"
    case trainTop1 = "train top1"
    case testLoss = "test loss"
    case trainLoss = "train loss"

    package var isTest: Bool { self == .testTop1 || self == .testLoss }
    package var isFraction: Bool { self == .testTop1 || self == .trainTop1 }
  }

  /// As the user typed it.
  package let folder: String
  package let status: RunStatus
  package let strategy: String
  package let seed: String
  package let specText: String
  package let batch: Int?
  /// In the order in which they were written.
  package let lines: [Line]
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
    specText = plan["spec"]?["text"]?.string ?? ""
    strategy = plan["stages"]?.elements.first?["strategy"]?.string ?? ""
    batch = plan["batch"]?.integer
    seed = SpecDifference.values(of: specText).first { $0.0 == "training.seed" }?.1 ?? ""
    do throws(FileError) { texts = try RunDirectory.metricsLines(in: folder) } catch { throw .file(error) }
    lines = try Self.lines(texts, of: folder)
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
            top1: line["top1"]?.double, seconds: line["seconds"]?.double ?? 0))
      } catch {
        throw .malformed(
          path: "\(folder)/\(RunDirectory.metricsName), line \(index + 1)", offset: error.offset,
          expected: error.expected, found: error.found)
      }
    }
    return lines
  }

  package func curve(_ figure: Figure, module: Int) -> [LineChart.Point] {
    lines.filter { $0.module == module && $0.isTest == figure.isTest }.compactMap { line in
      (figure.isFraction ? line.top1 : line.loss).map { LineChart.Point(x: Double(line.epoch), y: $0) }
    }
  }

  /// Of the module's last epoch so far; test figures of a finished run are those of its last evaluation, which frozen modules
  /// are in as well.
  package func last(_ figure: Figure, module: Int) -> Double? {
    let test = status.modules.indices.contains(module - 1) ? status.modules[module - 1].test : nil
    let evaluated: Double?
    switch figure {
    case .testTop1: evaluated = test?.top1
    case .testLoss: evaluated = test?.loss
    case .trainTop1, .trainLoss: evaluated = nil
    }
    return evaluated ?? curve(figure, module: module).last?.y
  }

  /// The spec without its seed and its name: runs that share it are repetitions of each other.
  package var repetitionKey: String {
    specText.split(separator: "\n", omittingEmptySubsequences: false).filter {
      !$0.hasPrefix("name: ") && !$0.hasPrefix("  seed: ")
    }.joined(separator: "\n")
  }

  /// Wall time of training alone, all modules that learn at once counted once.
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

  /// `0.8123 ± 0.0045`, written by `text`.
  func words(_ text: (Double) -> String) -> String {
    count > 1 ? "\(text(mean)) ± \(text(deviation))" : text(mean)
  }
}
