internal import CostModel
internal import Kernels
package import Planning

/// What probing the features of one depth takes beside the arena that makes them: tables of all images' features, and what
/// the probes compute on. Counted like a plan's peak: the largest resident set of the process.
package struct ProbeMemory: Hashable, Sendable {
  private let trainRows, testRows, columns, classes, threads: Int
  private let dataByteCount, arenaByteCount: Int
  /// Of the features' program, and of the run's, which lie beside it.
  private let runtime: RuntimeMemory

  /// - Parameters:
  ///   - program: that makes the features, see `Plan.featureProgram`.
  ///   - run: the plan of the run, which the process keeps as well.
  package init(_ program: Program, of run: Plan) {
    trainRows = run.data.facts.trainCount
    testRows = run.data.facts.testCount
    columns = program.featureCount
    classes = run.classes
    threads = run.threads
    dataByteCount = run.data.facts.residentBytes(.resident, threads: run.threads)
    arenaByteCount = program.arenaBytes
    runtime = program.runtime.beside(run.runtime)
  }

  private var tableByteCount: Int { (trainRows + testRows) * (4 * columns + 4) }

  /// Data set, program and tables.
  ///
  /// - Parameter productBufferByteCount: what each thread touches of OpenBLAS' buffer, which making the features has touched
  ///   before.
  private func fixedByteCount(productBufferByteCount: Int = 0) -> Int {
    var runtime = runtime
    runtime.productBufferBytes = max(runtime.productBufferBytes, productBufferByteCount)
    return dataByteCount + runtime.byteCount(threads: threads) + tableByteCount
  }

  /// While the features are made.
  package var makingByteCount: Int { fixedByteCount() + arenaByteCount }

  /// While each test image's nearest training image is looked for.
  package var nearestByteCount: Int {
    let queries = min(testRows, NearestNeighbourProbe.queryCount)
    let gallery = NearestNeighbourProbe.galleryCount
    // Half the norm of each row of the gallery; products; the nearest one of each query, its distance and its label; the
    // labels found.
    return fixedByteCount(
      productBufferByteCount: ProductBuffer.linear(rows: queries, columns: gallery, depth: columns))
      + 4 * trainRows + 4 * queries * gallery + 12 * queries + 4 * testRows
  }

  /// While the logistic regression is minimised and measured.
  package var linearByteCount: Int {
    let parameters = classes * (columns + 1)
    let rows = max(trainRows, testRows)
    let products = max(
      ProductBuffer.linear(rows: rows, columns: classes, depth: columns),
      ProductBuffer.linearWeightGradient(rows: trainRows, inFeatures: columns, outFeatures: classes))
    // Logits and each row's winner; each block's loss; the minimiser's vectors; parameters and slopes as floats; means,
    // squares and deviations of the columns.
    return fixedByteCount(productBufferByteCount: products)
      + 4 * rows * (classes + 1) + 8 * oneVersusRestBlockCount(rows: trainRows, classes: classes)
      + LimitedMemoryBFGS.vectorCount * 8 * parameters + 2 * 4 * parameters + 3 * 8 * columns
  }

  /// Of all that the process does for this depth.
  ///
  /// - Parameters:
  ///   - isLinear: whether the linear probe is among its probes.
  ///   - isNearest: likewise the nearest neighbour.
  package func peakByteCount(isLinear: Bool, isNearest: Bool) -> Int {
    max(makingByteCount, isLinear ? linearByteCount : 0, isNearest ? nearestByteCount : 0)
  }
}
