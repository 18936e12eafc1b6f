package import GraphIR

/// Bytes by category at one moment.
package struct MemoryBreakdown: Hashable, Sendable {
  private var bytes = [Int](repeating: 0, count: MemoryCategory.allCases.count)

  package init() {}

  package subscript(category: MemoryCategory) -> Int {
    get { bytes[Self.index(category)] }
    set { bytes[Self.index(category)] = newValue }
  }

  package var total: Int { bytes.reduce(0, +) }

  private static func index(_ category: MemoryCategory) -> Int {
    switch category {
    case .parameter: 0
    case .statistics: 1
    case .gradient: 2
    case .optimizer: 3
    case .activation: 4
    case .workspace: 5
    case .batch: 6
    }
  }
}

/// A stage's memory, or the whole plan's.
package struct MemoryFigures: Hashable, Sendable {
  /// What is live at the peak: no layout can do with less than its total.
  package var breakdown: MemoryBreakdown
  /// What the run maps.
  package var arenaBytes: Int
  /// What the data set keeps resident outside the arena.
  package var dataBytes: Int
  /// The program's own share: code, libraries, thread stacks, OpenBLAS' buffers.
  package var runtimeBytes: Int
  /// Where the peak is.
  package var peak: PeakLocation

  package var lowerBoundBytes: Int { breakdown.total }
  /// Largest resident set of the process.
  package var peakBytes: Int { arenaBytes + dataBytes + runtimeBytes }
}

/// The node during which the most is live.
package struct PeakLocation: Hashable, Sendable {
  package enum ProgramKind: String, Hashable, Sendable {
    case training, feeding, evaluation
    /// Of all modules so far.
    case depthEvaluation = "evaluation of all depths"
    /// What makes features, from pictures or from those of the stage before.
    case features
    /// Of the channels of a module that loses some.
    case ranking
    case featuresOfPrevious = "features of the stage before"
  }

  package var program: ProgramKind
  package var node: Int
}
