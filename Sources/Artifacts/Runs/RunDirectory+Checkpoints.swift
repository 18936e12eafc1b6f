package import Base
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
    try requireInPlace(Self.checkpointsName)
    try synchronizeMetrics()
    let checkpoints = try folder.folder(Self.checkpointsName, isMade: true)
    let name = CheckpointName(checkpoint.position)
    try CheckpointFile(of: stage).write(checkpoint, from: engine, to: name.text, in: checkpoints)
    try Self.dropOldCheckpoints(in: checkpoints)
  }

  private static func dropOldCheckpoints(in checkpoints: borrowing FolderDescriptor) throws(FileError) {
    for old in try names(in: checkpoints).dropFirst(keptCheckpointCount) { checkpoints.remove(old.text) }
  }

  private func synchronizeMetrics() throws(FileError) {
    try folder.open(Self.metricsName, flags: O_RDWR | O_CREAT).synchronize()
    try folder.synchronize()
  }

  /// Writes the weights at the end of the run.
  package func writeModel(of plan: Plan, from engine: Engine) throws(FileError) -> SafetensorsReceipt {
    try requireInPlace(Self.modelName)
    return try ModelFile(plan).write(from: engine, into: try AtomicFile(in: folder, Self.modelName))
  }

  // MARK: - Reading

  /// Where a run goes on, with the engine filled.
  package struct Restored {
    /// Nil at the beginning.
    package var checkpoint: Checkpoint?
    /// Checkpoints that are of no use, and why, from the last one back.
    package var refused: [String] = []
    /// Nil where the metrics are what the run wrote.
    package var lostMetrics: LostMetrics?
  }

  /// Takes the last checkpoint that is whole and of this run, and takes back what the run did after it. Those that are refused on
  /// the way, and those that are no files or cannot be read, are put out of the way under another name. Where there are some that
  /// cannot be read and no other, that is thrown, and nothing is changed: the run is not begun anew.
  package func restore(_ plan: Plan, _ identity: RunIdentity, into engine: Engine) throws(FileError)
    -> Restored
  {
    try removeLeftovers()
    var restored = Restored()
    guard try folder.kind(of: Self.checkpointsName) != nil else {
      restored.lostMetrics = try takeBackMetrics(to: nil)
      return restored
    }
    let checkpoints = try folder.folder(Self.checkpointsName)
    var refusedNames: [String] = []
    var unreadable: FileError?
    for name in try Self.names(in: checkpoints) {
      do throws(CheckpointError) {
        restored.checkpoint = try Self.read(name, in: checkpoints, plan, identity, into: engine)
        break
      } catch {
        if let refusal = error.systemRefusal {
          if refusal.isOfProcess { throw refusal }
          unreadable = unreadable ?? refusal
        }
        restored.refused.append(error.message)
        refusedNames.append(name.text)
      }
    }
    if restored.checkpoint == nil, let unreadable { throw unreadable }
    for name in refusedNames { checkpoints.rename(name, to: name + ".refused") }
    // A process that was killed may have written one and not dropped another.
    try Self.dropOldCheckpoints(in: checkpoints)
    restored.lostMetrics = try takeBackMetrics(to: restored.checkpoint?.metrics)
    return restored
  }

  /// Fills the engine from one checkpoint.
  private static func read(
    _ name: CheckpointName, in checkpoints: borrowing FolderDescriptor, _ plan: Plan, _ identity: RunIdentity,
    into engine: Engine
  ) throws(CheckpointError) -> Checkpoint {
    let checkpoint = try CheckpointFile.checkpoint(name.text, in: checkpoints, of: plan, identity)
    guard CheckpointName(checkpoint.position) == name else {
      throw .foreign(
        path: checkpoints.path(of: name.text), reason: "it is of another moment than its name says")
    }
    let stage = plan.stages[checkpoint.position.stage - 1]
    try CheckpointFile(of: stage).read(into: engine, from: name.text, in: checkpoints)
    if let found = engine.firstNotFinite(stage.resident.entries) {
      throw .damaged(
        path: checkpoints.path(of: name.text),
        reason: "the tensor '\(found.name)' holds \(found.valueText) at element \(found.index)")
    }
    return checkpoint
  }

  /// The last checkpoint whose tensors hold no infinities and nothing that is no number; nil if there is none.
  ///
  /// - Parameter engine: an engine of the plan; its own numbers are lost.
  package func lastFiniteCheckpoint(
    _ plan: Plan, _ identity: RunIdentity, using engine: Engine
  ) throws(FileError) -> String? {
    guard try folder.kind(of: Self.checkpointsName) != nil else { return nil }
    let checkpoints = try folder.folder(Self.checkpointsName)
    for name in try Self.names(in: checkpoints) {
      do throws(CheckpointError) {
        let checkpoint = try Self.read(name, in: checkpoints, plan, identity, into: engine)
        let stage = plan.stages[checkpoint.position.stage - 1]
        if engine.isFinite(stage.resident.entries) { return checkpoints.path(of: name.text) }
      } catch {
        if let refusal = error.systemRefusal, refusal.isOfProcess { throw refusal }
      }
    }
    return nil
  }

  /// Checkpoints by their names, the last one first.
  private static func names(in checkpoints: borrowing FolderDescriptor) throws(FileError) -> [CheckpointName]
  {
    try checkpoints.names().compactMap { CheckpointName($0) }.sorted(by: >)
  }

  /// Whether a run that this process does not hold has kept any.
  static func hasCheckpoint(in folder: borrowing FolderDescriptor) throws(FileError) -> Bool {
    guard try folder.kind(of: checkpointsName) != nil else { return false }
    return try !names(in: folder.folder(checkpointsName)).isEmpty
  }

  /// Bytes of the checkpoints that are there: a new one takes the place of the oldest.
  package func checkpointByteCount() throws(FileError) -> Int {
    guard try folder.kind(of: Self.checkpointsName) != nil else { return 0 }
    let checkpoints = try folder.folder(Self.checkpointsName)
    var sum = 0
    for name in try Self.names(in: checkpoints) {
      guard let status = try checkpoints.status(of: name.text), status.kind == .regular else { continue }
      sum += status.byteCount
    }
    return sum
  }

  // MARK: - Leftovers

  /// Deletes half-written files of processes that were killed: this one holds the folder's lock.
  func removeLeftovers() throws(FileError) {
    try Self.removeLeftovers(in: folder)
    guard try folder.kind(of: Self.checkpointsName) == .folder else { return }
    try Self.removeLeftovers(in: folder.folder(Self.checkpointsName))
  }

  private static func removeLeftovers(in folder: borrowing FolderDescriptor) throws(FileError) {
    for name in try folder.names() where name.hasPrefix(".") && name.hasSuffix(TemporaryName.suffix) {
      folder.remove(name)
    }
  }
}
