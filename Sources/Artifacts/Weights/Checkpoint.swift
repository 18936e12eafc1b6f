internal import Base
package import Execution
internal import Planning

/// What a run does, in three hashes: a checkpoint goes with runs that have the same.
package struct RunIdentity: Hashable, Sendable {
  package var specSHA256: String
  /// Of the specs whose checkpoints the run goes on from as well: those that it has had before it was extended.
  package var extendedSpecs: [String]
  /// Of the plan that the run's folder keeps, whatever number of threads is at work.
  package var layoutSHA256: String
  package var dataFingerprint: String

  package init(
    specSHA256: String, extendedSpecs: [String] = [], layoutSHA256: String, dataFingerprint: String
  ) {
    self.specSHA256 = specSHA256
    self.extendedSpecs = extendedSpecs
    self.layoutSHA256 = layoutSHA256
    self.dataFingerprint = dataFingerprint
  }
}

/// What a run has taken so far, all its processes together.
package struct RunTotals: Hashable, Sendable {
  /// Wall time.
  package var seconds = 0.0
  /// Of the training epochs that are over.
  package var trainingSeconds = 0.0
  /// Images met in them.
  package var trainedImages = 0

  package init() {}
}

/// The beginning of `metrics.jsonl` that belongs to a checkpoint: whatever stands behind it came later.
package struct MetricsMark: Hashable, Sendable {
  package var lineCount: Int
  /// Over these lines with their ends.
  package var hash: UInt64

  package init(of lines: [String]) {
    lineCount = lines.count
    hash = LaneHash.hash(lines.map { $0 + "\n" }.joined())
  }

  init(lineCount: Int, hash: UInt64) {
    self.lineCount = lineCount
    self.hash = hash
  }
}

/// A position of a run with what else has to be known to go on from it. The numbers themselves are in the engine.
package struct Checkpoint: Hashable, Sendable {
  package var identity: RunIdentity
  package var position: RunPosition
  package var metrics: MetricsMark
  package var totals: RunTotals
  /// Version and build of OpenBLAS, and the processor whose code it ran: the bits depend on them. Several where the run moved,
  /// of which a file keeps the last ones.
  package var arithmetic: String

  package init(
    identity: RunIdentity, position: RunPosition, metrics: MetricsMark, totals: RunTotals, arithmetic: String
  ) {
    self.identity = identity
    self.position = position
    self.metrics = metrics
    self.totals = totals
    self.arithmetic = arithmetic
  }

  /// Whether the run has come here, in the end, by this one.
  package func isOf(arithmetic other: String) -> Bool {
    CheckpointMetadata.cut(arithmetic).hasSuffix(CheckpointMetadata.cut(other))
  }
}

/// A file that is no checkpoint of this run, or is damaged.
package enum CheckpointError: Error, Hashable, Sendable {
  case unreadable(SafetensorsError)
  /// What it says is not what was written.
  case damaged(path: String, reason: String)
  /// It is whole, but of something else.
  case foreign(path: String, reason: String)

  /// What kept the file from being read, whole or not: no permission, too many open files, a broken disk.
  var systemRefusal: FileError? {
    switch self {
    case .unreadable(.file(let error)): error
    case .unreadable, .damaged, .foreign: nil
    }
  }

  /// One sentence for a person, without a full stop.
  package var message: String {
    switch self {
    case .unreadable(let error): error.message
    case .damaged(let path, let reason): "\(path): damaged: \(reason)"
    case .foreign(let path, let reason): "\(path): not of this run: \(reason)"
    }
  }
}
