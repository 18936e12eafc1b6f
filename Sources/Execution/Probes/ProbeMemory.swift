internal import CostModel
package import Planning

/// What probing the features of one depth takes beside the arena that makes them: tables of all pictures' features, and what
/// the probes compute on. Counted like a plan's peak: the largest resident set of the process.
package struct ProbeMemory: Hashable, Sendable {
  private let trainRows, testRows, columns, classes, threads: Int
  /// Data set and program.
  private let fixedByteCount: Int
  private let arenaByteCount: Int

  /// - Parameters:
  ///   - plan: of the features, see `Plan.featurePlan`.
  ///   - run: the plan of the run, which the process keeps as well.
  package init(_ plan: Plan, columns: Int, of run: Plan) {
    trainRows = plan.data.facts.trainCount
    testRows = plan.data.facts.testCount
    self.columns = columns
    classes = plan.classes
    threads = plan.threads
    fixedByteCount = plan.memory.dataBytes + max(plan.memory.runtimeBytes, run.memory.runtimeBytes)
    arenaByteCount = plan.arenaBytes
  }

  private var tableByteCount: Int { (trainRows + testRows) * (4 * columns + 4) }

  /// While the features are made.
  package var makingByteCount: Int { fixedByteCount + arenaByteCount + tableByteCount }

  package var nearestByteCount: Int {
    let queries = min(testRows, NearestNeighbourProbe.queryCount)
    let gallery = NearestNeighbourProbe.galleryCount
    // Half the norm of each row of the gallery; products, and the nearest one of each query; the labels found.
    return fixedByteCount + tableByteCount + 4 * trainRows + 4 * queries * gallery + 8 * queries + 4
      * testRows
      + threads * ProductBuffer.linear(rows: queries, columns: gallery, depth: columns)
  }

  package var linearByteCount: Int {
    let parameters = classes * (columns + 1)
    let products = threads * ProductBuffer.linear(rows: trainRows, columns: classes, depth: columns)
    return fixedByteCount + tableByteCount + 4 * max(trainRows, testRows) * classes
      + LimitedMemoryBFGS.vectorCount * 8 * parameters + 2 * 4 * parameters + products
  }

  /// - Parameter isLinear: whether the linear probe is among them; likewise the nearest neighbour.
  package func peakByteCount(isLinear: Bool, isNearest: Bool) -> Int {
    max(makingByteCount, isLinear ? linearByteCount : 0, isNearest ? nearestByteCount : 0)
  }
}
