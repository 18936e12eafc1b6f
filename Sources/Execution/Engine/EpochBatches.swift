internal import Datasets
internal import Planning

/// The training images of an epoch in their drawn order, cut into batches.
struct EpochBatches {
  private let seed: UInt64
  private let batch: Int
  private(set) var order: [Int32]
  /// That `order` was drawn for; 0: none yet.
  private var epoch = 0

  init(_ training: TrainingSettings, images: Int) {
    seed = training.seed
    batch = training.batch
    order = [Int32](repeating: 0, count: images)
  }

  /// Draws the order of an epoch, from 1, unless it is drawn.
  mutating func draw(epoch: Int) {
    guard epoch != self.epoch else { return }
    unsafe order.withUnsafeMutableBufferPointer { unsafe EpochOrder.fill($0, seed: seed, epoch: epoch) }
    self.epoch = epoch
  }

  /// Where a step's images stand in the order; steps count from 0. Behind the last step: none.
  func positions(ofStep step: Int) -> Range<Int> {
    min(order.count, step * batch)..<min(order.count, (step + 1) * batch)
  }
}
