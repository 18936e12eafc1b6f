package import Base
package import Execution
internal import GraphIR
package import Planning

/// One file of `checkpoints/`: everything that is resident in the stage of a position, as it lies in memory, and the position.
///
/// Its bytes go from the arena to the file and back; nothing is copied, so neither way adds to the memory of a run.
package struct CheckpointFile {
  private let stage: StagePlan
  private let tensors: [Safetensors.Tensor]
  private let headerByteCount: Int

  package init(of stage: StagePlan) {
    self.stage = stage
    tensors = stage.resident.entries.map { entry in
      let byteCount = entry.value.type.byteCount
      precondition(byteCount % 4 == 0, "resident values are made of words")
      return Safetensors.Tensor(name: entry.value.name, shape: [byteCount / 4])
    }
    let texts = CheckpointMetadata.texts(
      CheckpointMetadata.longest(of: stage), tensorHashes: tensors.map { _ in 0 }, headerHash: 0)
    headerByteCount = Safetensors.headerByteCount(of: tensors, metadata: texts)
  }

  /// Of the file, whatever it holds.
  package var byteCount: Int { headerByteCount + tensors.map(\.byteCount).reduce(0, +) }

  // MARK: - Writing

  /// Writes the file whole or not at all, and waits until it is on the disk.
  ///
  /// - Parameter checkpoint: of a position in the stage, at which the engine stands.
  package func write(
    _ checkpoint: Checkpoint, from engine: Engine, to name: String, in folder: borrowing FolderDescriptor
  ) throws(FileError) {
    let hashes = stage.resident.entries.map { entry in engine.withBytes(of: entry) { LaneHash.hash($0) } }
    // Over the header with zeros in this very place.
    let blank = header(checkpoint, hashes, headerHash: 0)
    let header = header(
      checkpoint, hashes, headerHash: unsafe LaneHash.hash(blank.span.bytes.extracting(droppingFirst: 8)))
    var file = try AtomicFile(in: folder, name)
    try unsafe file.write(header.span.bytes)
    for entry in stage.resident.entries {
      var failure: FileError?
      engine.withBytes(of: entry) { bytes in
        do throws(FileError) { try file.write(bytes) } catch { failure = error }
      }
      if let failure { throw failure }
    }
    try file.commit()
  }

  private func header(_ checkpoint: Checkpoint, _ hashes: [UInt64], headerHash: UInt64) -> [UInt8] {
    Safetensors.header(
      of: tensors,
      metadata: CheckpointMetadata.texts(checkpoint, tensorHashes: hashes, headerHash: headerHash),
      byteCount: headerByteCount)
  }

  // MARK: - Reading

  /// Reads what a file says of itself, without its tensors: which stage it is of is not known before.
  package static func checkpoint(
    _ name: String, in folder: borrowing FolderDescriptor, of plan: Plan, _ identity: RunIdentity
  ) throws(CheckpointError) -> Checkpoint {
    let path = folder.path(of: name)
    let limit = plan.stages.map { CheckpointFile(of: $0).headerByteCount }.max() ?? 0
    let reader = try open(name, in: folder, headerLimit: limit)
    let checkpoint = try checkedHeader(reader).checkpoint
    func foreign(_ reason: String) -> CheckpointError { .foreign(path: path, reason: reason) }
    guard ([identity.specSHA256] + identity.extendedSpecs).contains(checkpoint.identity.specSHA256) else {
      throw foreign("its spec is another one")
    }
    guard checkpoint.identity.layoutSHA256 == identity.layoutSHA256 else {
      throw foreign("its plan is another one")
    }
    guard checkpoint.identity.dataFingerprint == identity.dataFingerprint else {
      throw foreign("its data is another one")
    }
    if let reason = plan.fault(in: checkpoint.position) {
      throw .damaged(path: path, reason: reason)
    }
    return checkpoint
  }

  /// Fills the engine with the tensors of a checkpoint of this stage; each is checked against its checksum. If it throws, the
  /// engine's numbers are of no use.
  package func read(
    into engine: Engine, from name: String, in folder: borrowing FolderDescriptor
  ) throws(CheckpointError) {
    let path = folder.path(of: name)
    let reader = try Self.open(name, in: folder, headerLimit: headerByteCount)
    guard reader.tensors == tensors else {
      throw .foreign(path: path, reason: "its tensors are not those of stage \(stage.index)")
    }
    let hashes = try Self.checkedHeader(reader).hashes
    for (index, entry) in stage.resident.entries.enumerated() {
      var failure: SafetensorsError?
      let hash = engine.withMutableBytes(of: entry) { bytes in
        do throws(SafetensorsError) { try reader.readBytes(index, into: &bytes) } catch { failure = error }
        return LaneHash.hash(bytes.bytes)
      }
      if let failure { throw .unreadable(failure) }
      guard hash == hashes[index] else {
        throw .damaged(path: path, reason: "the tensor '\(entry.value.name)' is not what was written")
      }
    }
  }

  private static func open(
    _ name: String, in folder: borrowing FolderDescriptor, headerLimit: Int
  ) throws(CheckpointError) -> SafetensorsReader {
    do throws(SafetensorsError) {
      return try SafetensorsReader(name, in: folder, headerLimit: headerLimit)
    } catch {
      throw .unreadable(error)
    }
  }

  /// The header's contents, if its own checksum is right.
  private static func checkedHeader(
    _ reader: borrowing SafetensorsReader
  ) throws(CheckpointError) -> (checkpoint: Checkpoint, hashes: [UInt64]) {
    var texts: [String: String] = [:]
    for (key, value) in reader.metadata { texts[key] = value }
    do throws(CheckpointMetadata.Fault) {
      guard texts[CheckpointMetadata.Key.schema] == CheckpointMetadata.schema else {
        throw CheckpointMetadata.Fault(reason: "its header does not say '\(CheckpointMetadata.schema)'")
      }
      guard hasRightHash(reader.header, texts[CheckpointMetadata.Key.headerHash] ?? "") else {
        throw CheckpointMetadata.Fault(reason: "its header is not what was written")
      }
      return (
        try CheckpointMetadata.checkpoint(texts),
        try CheckpointMetadata.tensorHashes(texts, count: reader.tensors.count)
      )
    } catch {
      throw .damaged(path: reader.path, reason: error.reason)
    }
  }

  private static func hasRightHash(_ header: [UInt8], _ hash: String) -> Bool {
    let key = Array("\"\(CheckpointMetadata.Key.headerHash)\":\"".utf8)
    guard hash.utf8.count == 16, let start = index(of: key, in: header) else { return false }
    var blank = header
    for place in start + key.count..<min(header.count, start + key.count + 16) {
      blank[place] = UInt8(ascii: "0")
    }
    return unsafe CheckpointMetadata.hexadecimal(LaneHash.hash(blank.span.bytes)) == hash
  }

  private static func index(of part: [UInt8], in bytes: [UInt8]) -> Int? {
    guard bytes.count >= part.count else { return nil }
    return (0...bytes.count - part.count).first { bytes[$0...].starts(with: part) }
  }
}

extension StagePlan {
  /// Of a checkpoint in this stage, to the byte.
  package var checkpointByteCount: Int { CheckpointFile(of: self).byteCount }
}

extension Plan {
  /// Of the largest checkpoint.
  package var checkpointByteCount: Int { stages.map(\.checkpointByteCount).max() ?? 0 }

  /// What is wrong with a position that a file states; nil if training can stand there, past its first step.
  fileprivate func fault(in position: RunPosition) -> String? {
    guard (1...stages.count).contains(position.stage) else { return "there is no stage \(position.stage)" }
    let stage = stages[position.stage - 1]
    guard (1...stage.epochs + 1).contains(position.epoch) else {
      return "there is no epoch \(position.epoch)"
    }
    let isAsynchronous = training.strategy == .asynchronous
    guard
      isAsynchronous
        || (position.epoch <= stage.epochs ? position.step <= stage.stepsPerEpoch : position.step == 0)
    else {
      return "there is no step \(position.step)"
    }
    guard position.epoch > 1 || position.step > 0 else { return "nothing is trained" }
    guard position.step > 0 else { return nil }
    guard position.sums.map(\.module) == stage.training.graph.metrics.map(\.module) else {
      return "its figures are of other modules"
    }
    if isAsynchronous { return ReplayPosition.fault(in: position, of: self) }
    let imageCount = min(position.step * training.batch, data.facts.trainCount)
    for sum in position.sums {
      guard
        sum.loss.isFinite, sum.imageCount == imageCount, sum.top1Count <= imageCount,
        sum.top5Count <= imageCount
      else { return "the figures of module \(sum.module) cannot be" }
    }
    return nil
  }
}
