package import Execution
internal import Glibc
package import Planning

/// `stage-2-epoch-13-step-40.safetensors`: the position that a checkpoint is of. Later ones are larger.
struct CheckpointName: Hashable, Comparable {
  let stage, epoch, step: Int

  init(_ position: RunPosition) {
    (stage, epoch, step) = (position.stage, position.epoch, position.step)
  }

  /// - Returns: nil for a file that no run of ours has put there.
  init?(_ name: String) {
    let suffix = ".safetensors"
    guard name.hasSuffix(suffix) else { return nil }
    let parts = name.dropLast(suffix.count).split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 6, parts[0] == "stage", parts[2] == "epoch", parts[4] == "step",
      let stage = Int(parts[1]), let epoch = Int(parts[3]), let step = Int(parts[5])
    else { return nil }
    (self.stage, self.epoch, self.step) = (stage, epoch, step)
    // Signs and leading zeros.
    guard text == name else { return nil }
  }

  var text: String { "stage-\(stage)-epoch-\(epoch)-step-\(step).safetensors" }

  static func < (a: CheckpointName, b: CheckpointName) -> Bool {
    (a.stage, a.epoch, a.step) < (b.stage, b.epoch, b.step)
  }
}

extension RunDirectory {
  /// Checkpoints that stay: if the last one turns out damaged, there is one before it.
  package static let keptCheckpointCount = 2

  // MARK: - Writing

  /// Writes a checkpoint of the engine's numbers, after the metrics that it counts on, and drops all but the last two.
  package func writeCheckpoint(
    _ checkpoint: Checkpoint, of stage: StagePlan, from engine: Engine
  ) throws(FileError) {
    try synchronizeMetrics()
    let folder = path(of: Self.checkpointsName)
    if unsafe mkdir(folder, 0o777) == 0 {
      try FileDescriptor.synchronizeFolder(path)
    } else if errno != EEXIST {
      throw FileError(path: folder, operation: "create", code: errno)
    }
    let name = CheckpointName(checkpoint.position)
    try CheckpointFile(of: stage).write(checkpoint, from: engine, to: "\(folder)/\(name.text)")
    try dropOldCheckpoints()
  }

  private func dropOldCheckpoints() throws(FileError) {
    for old in try checkpointNames().dropFirst(Self.keptCheckpointCount) {
      unsafe unlink("\(path(of: Self.checkpointsName))/\(old.text)")
    }
  }

  private func synchronizeMetrics() throws(FileError) {
    let file = try FileDescriptor(path: path(of: Self.metricsName), flags: O_RDWR | O_CREAT)
    try file.synchronize()
    try FileDescriptor.synchronizeFolder(path)
  }

  // MARK: - Reading

  /// Where a run goes on, with the engine filled.
  package struct Restored {
    /// Nil at the beginning.
    package var checkpoint: Checkpoint?
    /// Checkpoints that are of no use, and why, from the last one back.
    package var refused: [String] = []
  }

  /// Takes the last checkpoint that is whole and of this run, and takes back what the run did after it. Those that are refused
  /// on the way are put out of the way under another name; one that the system does not let us read is not refused, but thrown:
  /// nothing is changed then.
  package func restore(_ plan: Plan, _ identity: RunIdentity, into engine: Engine) throws(FileError)
    -> Restored
  {
    try removeLeftovers()
    var restored = Restored()
    var refusedPaths: [String] = []
    let lines = try metricsLines()
    for name in try checkpointNames() {
      let path = "\(self.path)/\(Self.checkpointsName)/\(name.text)"
      do throws(CheckpointError) {
        let checkpoint = try CheckpointFile.checkpoint(at: path, of: plan, identity)
        guard CheckpointName(checkpoint.position) == name else {
          throw .foreign(path: path, reason: "it is of another moment than its name says")
        }
        guard checkpoint.metrics.isBeginning(of: lines) else {
          throw .foreign(
            path: path, reason: "\(Self.metricsName) does not begin with the lines that it goes on from")
        }
        try CheckpointFile(of: plan.stages[checkpoint.position.stage - 1]).read(into: engine, from: path)
        restored.checkpoint = checkpoint
        break
      } catch {
        if let refusal = error.systemRefusal { throw refusal }
        restored.refused.append(error.message)
        refusedPaths.append(path)
      }
    }
    for path in refusedPaths { unsafe rename(path, path + ".refused") }
    // A process that was killed may have written one and not dropped another.
    try dropOldCheckpoints()
    try replaceMetrics(Array(lines.prefix(restored.checkpoint?.metrics.lineCount ?? 0)))
    return restored
  }

  /// The last checkpoint whose tensors hold no infinities and nothing that is no number; nil if there is none.
  ///
  /// - Parameter engine: an engine of the plan; its own numbers are lost.
  package func lastFiniteCheckpoint(
    _ plan: Plan, _ identity: RunIdentity, using engine: Engine
  ) throws(FileError) -> String? {
    for name in try checkpointNames() {
      let path = "\(self.path)/\(Self.checkpointsName)/\(name.text)"
      do throws(CheckpointError) {
        let checkpoint = try CheckpointFile.checkpoint(at: path, of: plan, identity)
        let stage = plan.stages[checkpoint.position.stage - 1]
        try CheckpointFile(of: stage).read(into: engine, from: path)
        if engine.isFinite(stage.resident.entries) { return path }
      } catch {
        if let refusal = error.systemRefusal { throw refusal }
      }
    }
    return nil
  }

  /// Checkpoints by their names, the last one first.
  private func checkpointNames() throws(FileError) -> [CheckpointName] {
    try Self.checkpointNames(in: path).sorted(by: >)
  }

  private static func checkpointNames(in folder: String) throws(FileError) -> [CheckpointName] {
    try names(in: "\(folder)/\(checkpointsName)").compactMap { CheckpointName($0) }
  }

  /// Whether a run that this process does not hold has kept any.
  static func hasCheckpoint(in folder: String) throws(FileError) -> Bool {
    try !checkpointNames(in: folder).isEmpty
  }

  /// Bytes of the checkpoints that are there: a new one takes the place of the oldest.
  package func checkpointByteCount() throws(FileError) -> Int {
    let folder = path(of: Self.checkpointsName)
    var sum = 0
    for name in try checkpointNames() {
      sum += try FileDescriptor(path: "\(folder)/\(name.text)", flags: O_RDONLY).byteCount()
    }
    return sum
  }

  // MARK: - Leftovers

  /// Deletes half-written files of processes that were killed: this one holds the folder's lock.
  private func removeLeftovers() throws(FileError) {
    for folder in [path, path(of: Self.checkpointsName)] {
      for name in try Self.names(in: folder) where name.hasPrefix(".") && name.hasSuffix(".tmp") {
        unsafe unlink("\(folder)/\(name)")
      }
    }
  }

  /// Of everything in a folder; empty if there is no such folder.
  static func names(in folder: String) throws(FileError) -> [String] {
    guard let entries = unsafe opendir(folder) else {
      if errno == ENOENT { return [] }
      throw FileError(path: folder, operation: "open", code: errno)
    }
    defer { unsafe closedir(entries) }
    var names: [String] = []
    while let entry = unsafe readdir(entries) {
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }
}
