internal import Datasets
internal import GraphIR
package import Planning

extension Engine {
  /// Ranks the channels that a stage's module outputs, over training images drawn and augmented as in an epoch. Nothing
  /// but the scores changes, so that a ranking which stops is begun again.
  ///
  /// - Parameters:
  ///   - stage: that it ends.
  ///   - epoch: draws order and augmentation.
  ///   - shouldStop: looked at between batches.
  /// - Returns: the importance of each channel, a mean over images; nil if it stopped.
  func rank(
    _ narrowing: NarrowingPlan, ofStage stage: StagePlan, _ source: BatchSource,
    _ batches: inout EpochBatches,
    epoch: Int,
    unless shouldStop: () -> Bool
  ) throws(RunError) -> [Float]? {
    guard let program = stage.programs[.ranking] else {
      preconditionFailure("channels are ranked by a program")
    }
    arena.withMutableFloats(at: narrowing.scores.offset, count: narrowing.channels) { scores in
      for channel in scores.indices { scores[channel] = 0 }
    }
    batches.draw(epoch: epoch)
    for number in 0..<narrowing.batches.count {
      let positions = narrowing.batches[number]
      if !positions.isEmpty {
        let indices = batches.order.span.extracting(positions)
        prepare(source, split: .train, indices: indices, epoch: epoch, for: program)
      }
      run(program, ProgramID(.ranking, stage: stage.index), batch: positions.count)
      if let failure = source.takeReadFailure() { throw failure }
      if positions.upperBound < narrowing.batches.images, shouldStop() { return nil }
    }
    let share = 1 / Float(max(1, narrowing.batches.images))
    return arena.withFloats(at: narrowing.scores.offset, count: narrowing.channels) { scores in
      scores.indices.map { share * scores[$0] }
    }
  }

  /// Takes channels out of a module's parameters and statistics and moves what stays together, in place.
  ///
  /// - Parameters:
  ///   - kept: channels that stay, from 0, rising.
  ///   - old, new: where the module's tensors lie with all channels and with those.
  package func narrow(
    _ narrowing: NarrowingPlan, keeping kept: [Int], from old: ResidentLayout, to new: ResidentLayout
  ) {
    precondition(kept.count == narrowing.width, "as many channels stay as are planned")
    for entry in new.entries {
      switch entry.value.category {
      case .parameter, .statistics: move(old.entry(entry.value.name), to: entry, narrowing, keeping: kept)
      // Starts anew.
      case .optimizer, .accumulator, .replay: break
      case .batch, .gradient, .activation: preconditionFailure("not resident")
      }
    }
  }

  /// Nothing moves upwards, and tensors come in the order of their places, so that what is still to be read stays whole.
  private func move(
    _ old: ResidentLayout.Entry, to new: ResidentLayout.Entry, _ narrowing: NarrowingPlan, keeping kept: [Int]
  ) {
    precondition(new.offset <= old.offset, "a network with fewer channels has its tensors no later")
    let (oldType, newType) = (old.value.type, new.value.type)
    guard oldType != newType else {
      guard new.offset < old.offset else { return }
      unsafe arena.address(of: new.offset..<new.offset + newType.byteCount).copyMemory(
        from: arena.address(of: old.offset..<old.offset + oldType.byteCount), byteCount: newType.byteCount)
      return
    }
    let cut = TensorCut(from: oldType, to: newType, channels: narrowing.channels, width: narrowing.width)
    let source = unsafe arena.address(of: old.offset..<old.offset + oldType.byteCount)
      .bindMemory(to: Float.self, capacity: oldType.elementCount)
    let target = unsafe arena.address(of: new.offset..<new.offset + newType.byteCount)
      .bindMemory(to: Float.self, capacity: newType.elementCount)
    for row in 0..<cut.rows {
      for (place, channel) in kept.enumerated() {
        let run = unsafe source + (row * narrowing.channels + channel) * cut.run
        unsafe (target + (row * narrowing.width + place) * cut.run).update(from: run, count: cut.run)
      }
    }
  }
}

/// The channels with the highest scores, in their order; of equal ones those with the lower number stay.
///
/// - Parameter scores: finite, or they have no order.
package func channelsToKeep(_ scores: [Float], count: Int) -> [Int] {
  precondition(scores.allSatisfy(\.isFinite), "whoever ranks refuses what is no number")
  let ranked = scores.indices.sorted { a, b in
    scores[a] == scores[b] ? a < b : scores[a] > scores[b]
  }
  return ranked.prefix(count).sorted()
}
