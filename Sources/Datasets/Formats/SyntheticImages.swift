internal import Base

/// Images that are made up on demand, for measuring and for trying specs without data: standard-normal pixels around one
/// fixed pattern per class. Nothing is kept; the seed says it all.
///
/// The pattern is a grid of 4x4 fields a channel (fewer on smaller images), each a normal number of standard deviation
/// 1/2 added to its pixels: coarse enough to survive pooling, so that a small network learns the classes. Image `i` is of
/// class `i % classCount`.
package struct SyntheticImages: Hashable, Sendable {
  package let dimensions: ImageDimensions
  package let classCount: Int
  package let seed: UInt64

  package static let defaultTrainCount = 1_024
  package static let defaultTestCount = 256

  private static let gridSize = 4
  private static let patternDeviation: Float = 0.5

  /// - Precondition: every extent and `classCount` are positive.
  package init(dimensions: ImageDimensions, classCount: Int, seed: UInt64) {
    precondition(
      dimensions.channels > 0 && dimensions.height > 0 && dimensions.width > 0 && classCount > 0,
      "the spec's decoder takes positive sizes")
    self.dimensions = dimensions
    self.classCount = classCount
    self.seed = seed
  }

  func facts(limit: DatasetLimit) -> DatasetFacts {
    let trainCount = min(limit.train ?? Self.defaultTrainCount, Int(Int32.max))
    let testCount = min(limit.test ?? Self.defaultTestCount, Int(Int32.max))
    return DatasetFacts(
      imageShape: dimensions, classCount: classCount, trainCount: trainCount, testCount: testCount,
      availableTrainCount: trainCount, availableTestCount: testCount, residentByteCount: 0, classNames: nil,
      normalization: Normalization(mean: 0, standardDeviation: 1, channels: dimensions.channels),
      pixelScale: 1)
  }

  func label(_ index: Int) -> Int32 { Int32(index % classCount) }

  /// Writes row `row` of image `index`, `[width, channels]`.
  func fillRow(_ split: DatasetSplit, _ index: Int, row: Int, into target: UnsafeMutableBufferPointer<Float>)
  {
    let (channels, height, width) = (dimensions.channels, dimensions.height, dimensions.width)
    let noise = CounterRandom(seed: seed, purpose: .syntheticNoise, Int(split.rawValue), index)
    unsafe noise.fillNormal(target, from: row * width * channels)
    let pattern = CounterRandom(seed: seed, purpose: .syntheticPattern, Int(label(index)))
    let fieldsPerRow = Self.gridSize * channels
    unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: fieldsPerRow) { fields in
      unsafe pattern.fillNormal(fields, from: row * Self.gridSize / height * fieldsPerRow)
      for gridColumn in 0..<Self.gridSize {
        // The columns x with x * gridSize / width == gridColumn.
        let begin = (gridColumn * width + Self.gridSize - 1) / Self.gridSize
        let end = ((gridColumn + 1) * width + Self.gridSize - 1) / Self.gridSize
        for x in begin..<end {
          for channel in 0..<channels {
            let field = unsafe fields[gridColumn &* channels &+ channel]
            unsafe target[x &* channels &+ channel] += Self.patternDeviation * field
          }
        }
      }
    }
  }
}
