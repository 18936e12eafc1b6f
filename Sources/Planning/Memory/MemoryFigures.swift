package import GraphIR

/// Bytes by category at one moment.
package struct MemoryBreakdown: Hashable, Sendable {
  // Not an array: there is a breakdown for every node of every program.
  private var parameter = 0
  private var statistics = 0
  private var gradient = 0
  private var optimizer = 0
  private var activation = 0
  private var workspace = 0
  private var batch = 0

  package init() {}

  package subscript(category: MemoryCategory) -> Int {
    get {
      switch category {
      case .parameter: parameter
      case .statistics: statistics
      case .gradient: gradient
      case .optimizer: optimizer
      case .activation: activation
      case .workspace: workspace
      case .batch: batch
      }
    }
    set {
      switch category {
      case .parameter: parameter = newValue
      case .statistics: statistics = newValue
      case .gradient: gradient = newValue
      case .optimizer: optimizer = newValue
      case .activation: activation = newValue
      case .workspace: workspace = newValue
      case .batch: batch = newValue
      }
    }
  }

  package var total: Int { parameter + statistics + gradient + optimizer + activation + workspace + batch }

  /// Category by category.
  static func += (sum: inout MemoryBreakdown, other: MemoryBreakdown) {
    sum.parameter += other.parameter
    sum.statistics += other.statistics
    sum.gradient += other.gradient
    sum.optimizer += other.optimizer
    sum.activation += other.activation
    sum.workspace += other.workspace
    sum.batch += other.batch
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
  package var program: ProgramRole
  package var node: Int
}
