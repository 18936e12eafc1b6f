/// What it costs to keep what a frozen prefix gives, and to compute it in every step: by rates of the release that stand for
/// any machine, so that a plan is the same everywhere.
package struct FeatureCost: Hashable, Sendable {
  /// Forward, one image, through the whole prefix.
  package var prefixMultiplyAdds: Int
  /// The same where features are computed from those that the stage before keeps.
  package var onceMultiplyAdds: Int
  package var bytesPerImage: Int
  /// Of the stage.
  package var epochs: Int
  package var isInFile: Bool

  package init(
    prefixMultiplyAdds: Int, onceMultiplyAdds: Int, bytesPerImage: Int, epochs: Int, isInFile: Bool
  ) {
    self.prefixMultiplyAdds = prefixMultiplyAdds
    self.onceMultiplyAdds = onceMultiplyAdds
    self.bytesPerImage = bytesPerImage
    self.epochs = epochs
    self.isInFile = isInFile
  }

  private static let multiplyAddsPerSecond = 80e9
  private static let memoryBytesPerSecond = 4e9
  private static let fileBytesPerSecond = 1e9

  /// An image's share of all epochs' steps, in seconds.
  package var secondsRecomputed: Double {
    Double(epochs) * Double(prefixMultiplyAdds) / Self.multiplyAddsPerSecond
  }

  /// Computed once and written, then read in every epoch.
  package var secondsKept: Double {
    let rate = isInFile ? Self.fileBytesPerSecond : Self.memoryBytesPerSecond
    return Double(onceMultiplyAdds) / Self.multiplyAddsPerSecond
      + Double(epochs + 1) * Double(bytesPerImage) / rate
  }

  package var pays: Bool { secondsKept < secondsRecomputed }
}
