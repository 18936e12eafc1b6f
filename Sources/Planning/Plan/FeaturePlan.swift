internal import GraphIR

/// What a stage's frozen prefix outputs for every image of the data set: computed once, when the stage begins, and read
/// by its steps and evaluations in place of images. A function of frozen weights, so that no checkpoint holds it.
package struct FeaturePlan: Sendable {
  /// Whose output it is.
  package var module: Int
  /// `memory` or `file`.
  package var storage: PlanChoices.Features
  package var bytesPerImage: Int
  /// Training images come first, then the test images.
  package var trainCount: Int
  package var testCount: Int
  /// In the arena, behind what is resident; nil for a file.
  package var range: Range<Int>?
  /// The same while they are made in place, where that takes more room: the larger of both is there.
  package var makingRange: Range<Int>?
  /// Of what the stage before keeps; 0 where these are made from images alone.
  package var previousBytesPerImage: Int
  /// The stage before keeps the same, and leaves no optimizer state in its way: it moves, and nothing is computed.
  package var stays: Bool

  package var imageCount: Int { trainCount + testCount }
  package var byteCount: Int { imageCount * bytesPerImage }
  /// While it is made in place, the larger of both is there.
  package var largestByteCount: Int { imageCount * max(bytesPerImage, previousBytesPerImage) }
}

extension Planner {
  /// Of features in memory.
  package func featureByteCount(bytesPerImage: Int) -> Int {
    paddedByteCount((facts.trainCount + facts.testCount) * bytesPerImage)
  }

  /// Where a stage keeps its features.
  ///
  /// - Parameters:
  ///   - module: whose output they are.
  ///   - graphs: of the stage.
  ///   - previous: of the stage before.
  ///   - tunes: whether the stage fine-tunes the module that the one before it has trained.
  func features(
    ofModule module: Int, _ graphs: ByRole<Graph>, behind resident: ResidentLayout, previous: FeaturePlan?,
    tunes: Bool
  ) -> FeaturePlan {
    guard let graph = graphs[.features] else { preconditionFailure("features are computed by a program") }
    let bytesPerImage = graph[graph.moduleOutputs[0]].type.byteCount(images: 1)
    let previousBytes = graphs[.featuresOfPrevious] == nil ? 0 : previous?.bytesPerImage ?? 0
    func range(_ bytesPerImage: Int) -> Range<Int>? {
      guard choices.features == .memory else { return nil }
      let byteCount = featureByteCount(bytesPerImage: bytesPerImage)
      return resident.endOffset..<resident.endOffset + byteCount
    }
    return FeaturePlan(
      module: module, storage: choices.features, bytesPerImage: bytesPerImage,
      trainCount: facts.trainCount, testCount: facts.testCount, range: range(bytesPerImage),
      makingRange: range(max(bytesPerImage, previousBytes)), previousBytesPerImage: previousBytes,
      stays: tunes && previous?.module == module)
  }
}

extension FeaturePlan {
  /// `in memory, 1234 bytes at 5678`: numbers as `format` writes them.
  package func placeWords(_ format: (Int) -> String) -> String {
    range.map { "in memory, \(format(byteCount)) bytes at \(format($0.lowerBound)) of the arena" }
      ?? "in a file of \(format(byteCount)) bytes"
  }
}

extension Plan {
  /// The largest file that features are kept in; 0 where none is.
  package var featureFileBytes: Int {
    stages.compactMap { $0.features }.filter { $0.storage == .file }.map(\.largestByteCount).max() ?? 0
  }
}
