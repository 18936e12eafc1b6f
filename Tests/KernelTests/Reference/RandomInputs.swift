import TestSupport

extension SplitMix64 {
  mutating func images(_ batch: Int, _ height: Int, _ width: Int, _ channels: Int) -> Images {
    Images(
      batch: batch, height: height, width: width, channels: channels,
      values: uniform(count: batch * height * width * channels))
  }

  mutating func matrix(_ rows: Int, _ channels: Int) -> Images {
    images(rows, 1, 1, channels)
  }

  /// Scales of both signs, none of them near 0, and running statistics as of an earlier batch.
  mutating func batchNorm(channels: Int) -> ReferenceBatchNorm {
    ReferenceBatchNorm(
      scale: uniformAwayFromZero(count: channels, gap: 0.5), shift: uniform(count: channels),
      runningMean: uniform(count: channels), runningVariance: uniform(count: channels, in: 0.5...2))
  }

  mutating func labels(_ count: Int, classes: Int) -> [Int] {
    (0..<count).map { _ in Int(next() % UInt64(classes)) }
  }
}
