/// Several rows of a matrix taken as one wide row of whole vectors: how channel-wise kernels treat channels that fill no
/// vectors of eight.
///
/// A matrix [rows, channels] is one run of floats, so that [rows / factor, factor x channels] is the same memory. With
/// `factor` = 8 / gcd(channels, 8) the wide rows are a multiple of 8 long; what belongs to a channel is repeated `factor` times.
package struct RowFolding: Hashable, Sendable {
  package let channels: Int
  /// Rows taken as one: 1, 2, 4 or 8. 1 where channels fill vectors, or are so many that the last few do not count, and where
  /// rows are few.
  package let factor: Int

  private static let maximumChannels = 128
  private static let minimumRows = 512

  package init(rows: Int, channels: Int) {
    self.channels = channels
    // The greatest power of two up to 8 that divides `channels`.
    let divisor = min(8, channels & -channels)
    let pays = rows >= Self.minimumRows && channels < Self.maximumChannels
    factor = pays && divisor > 0 ? 8 / divisor : 1
  }

  package var isFolded: Bool { factor > 1 }
  /// Floats of a wide row.
  package var width: Int { channels * factor }
  /// Floats that hold a wide row of values that belong to channels; none where rows are taken as they are.
  package var expandedFloats: Int { isFolded ? width : 0 }
}
