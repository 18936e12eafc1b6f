package import GraphIR

/// The graphs that make what a stage's frozen prefix hands on, all passes done.
package struct FeatureGraphs: Sendable {
  /// Whose output is kept: the last module of the prefix.
  package var module: Int
  package var fromPictures: Graph
  /// From what the stage before keeps; nil where it keeps nothing of use.
  package var fromPrevious: Graph?

  package init(module: Int, fromPictures: Graph, fromPrevious: Graph?) {
    self.module = module
    self.fromPictures = fromPictures
    self.fromPrevious = fromPrevious
  }
}

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
  package var fromPictures: Program
  /// Turns what the stage before keeps into this, in place; nil where that is not possible.
  package var fromPrevious: Program?
  /// Of what the stage before keeps; 0 without `fromPrevious`.
  package var previousBytesPerPicture: Int
  /// The stage before keeps the same, and leaves no optimizer state in its way: it moves, and nothing is computed.
  package var stays: Bool

  package var pictureCount: Int { trainCount + testCount }
  package var byteCount: Int { pictureCount * bytesPerPicture }
  /// While it is made in place, the larger of both is there.
  package var largestByteCount: Int { pictureCount * max(bytesPerPicture, previousBytesPerPicture) }

  package var programs: [Program] { [fromPictures] + (fromPrevious.map { [$0] } ?? []) }
}

extension Planner {
  /// Of features in memory.
  package func featureByteCount(bytesPerPicture: Int) -> Int {
    paddedByteCount((facts.trainCount + facts.testCount) * bytesPerPicture)
  }

  /// Where a stage keeps its features.
  ///
  /// - Parameters:
  ///   - previous: of the stage before.
  ///   - tunes: whether the stage fine-tunes the module that the one before it has trained.
  func features(
    _ graphs: FeatureGraphs, behind resident: ResidentLayout, previous: FeaturePlan?, tunes: Bool
  ) -> FeaturePlan {
    let output = graphs.fromPictures.shape(graphs.fromPictures.moduleOutputs[0])
    let bytesPerPicture = 4 * output.elementsPerPicture
    let previousBytes = graphs.fromPrevious == nil ? 0 : previous?.bytesPerPicture ?? 0
    let isInMemory = choices.features == .memory
    func range(_ bytesPerPicture: Int) -> Range<Int>? {
      guard isInMemory else { return nil }
      let byteCount = featureByteCount(bytesPerPicture: bytesPerPicture)
      return resident.endOffset..<resident.endOffset + byteCount
    }
    let kept = range(bytesPerPicture)
    let making = range(max(bytesPerPicture, previousBytes))
    return FeaturePlan(
      module: graphs.module, storage: choices.features, bytesPerPicture: bytesPerPicture,
      trainCount: facts.trainCount, testCount: facts.testCount, range: kept,
      fromPictures: program(graphs.fromPictures, resident: resident, features: kept),
      fromPrevious: graphs.fromPrevious.map { program($0, resident: resident, features: making) },
      previousBytesPerPicture: previousBytes, stays: tunes && previous?.module == graphs.module)
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
