internal import GraphIR

/// What a stage's frozen prefix hands on for every picture of the data set: computed once, when the stage begins, and read
/// by its steps and evaluations in place of pictures. A function of frozen weights, so that no checkpoint holds it.
package struct FeaturePlan: Sendable {
  /// Whose output it is.
  package var module: Int
  /// `memory` or `file`.
  package var storage: PlanChoices.Features
  package var bytesPerPicture: Int
  /// Training pictures come first, then the test pictures.
  package var trainCount: Int
  package var testCount: Int
  /// In the arena, behind what is resident; nil for a file.
  package var range: Range<Int>?
  /// The same while they are made in place, where that takes more room: the larger of both is there.
  package var makingRange: Range<Int>?
  /// Of what the stage before keeps; 0 where these are made from images alone.
  package var previousBytesPerPicture: Int
  /// The stage before keeps the same, and leaves no optimizer state in its way: it moves, and nothing is computed.
  package var stays: Bool

  package var pictureCount: Int { trainCount + testCount }
  package var byteCount: Int { pictureCount * bytesPerPicture }
  /// While it is made in place, the larger of both is there.
  package var largestByteCount: Int { pictureCount * max(bytesPerPicture, previousBytesPerPicture) }
}

extension Planner {
  /// Of features in memory.
  package func featureByteCount(bytesPerPicture: Int) -> Int {
    paddedByteCount((facts.trainCount + facts.testCount) * bytesPerPicture)
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
    let bytesPerPicture = 4 * graph.shape(graph.moduleOutputs[0]).elementsPerPicture
    let previousBytes = graphs[.featuresOfPrevious] == nil ? 0 : previous?.bytesPerPicture ?? 0
    func range(_ bytesPerPicture: Int) -> Range<Int>? {
      guard choices.features == .memory else { return nil }
      let byteCount = featureByteCount(bytesPerPicture: bytesPerPicture)
      return resident.endOffset..<resident.endOffset + byteCount
    }
    return FeaturePlan(
      module: module, storage: choices.features, bytesPerPicture: bytesPerPicture,
      trainCount: facts.trainCount, testCount: facts.testCount, range: range(bytesPerPicture),
      makingRange: range(max(bytesPerPicture, previousBytes)), previousBytesPerPicture: previousBytes,
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
