internal import CostModel
package import Kernels

/// Accuracy of the nearest neighbour: every test image gets the label of the training image whose features are nearest,
/// by Euclidean distance; of equally near ones the first.
package struct NearestNeighbourProbe {
  static let queryCount = 1024
  static let galleryCount = 2048

  private let workers: Workers

  package init(workers: Workers) {
    self.workers = workers
  }

  /// - Returns: the test features' share that gets its own label.
  package func run(train: FeatureTable, test: FeatureTable) -> Double {
    precondition(train.columns == test.columns && train.rows > 0, "features of one depth")
    let halfNorms = self.halfNorms(train)
    var predicted: [Int32] = []
    for first in stride(from: 0, to: test.rows, by: Self.queryCount) {
      let queries = first..<min(test.rows, first + Self.queryCount)
      predicted += nearest(queries, of: test, in: train, halfNorms).map { train.labels[Int($0)] }
    }
    return test.share(predicted: predicted)
  }

  private func halfNorms(_ features: FeatureTable) -> [Float] {
    (0..<features.rows).map { row in
      var sum = 0.0
      for value in features.values[row * features.columns..<(row + 1) * features.columns] {
        sum += Double(value) * Double(value)
      }
      return Float(sum / 2)
    }
  }

  /// Numbers of training images, one a query.
  private func nearest(
    _ queries: Range<Int>, of test: FeatureTable, in train: FeatureTable, _ halfNorms: [Float]
  ) -> [Int32] {
    let context = unsafe KernelContext(workers: workers, scratch: nil, scratchByteCount: 0)
    let columns = train.columns
    var products = [Float](repeating: 0, count: queries.count * Self.galleryCount)
    var nearest = [Int32](repeating: 0, count: queries.count)
    var distances = [Float](repeating: .infinity, count: queries.count)
    for first in stride(from: 0, to: train.rows, by: Self.galleryCount) {
      let count = min(Self.galleryCount, train.rows - first)
      unsafe test.values.withUnsafeBufferPointer { test in
        unsafe train.values.withUnsafeBufferPointer { train in
          unsafe halfNorms.withUnsafeBufferPointer { halfNorms in
            unsafe products.withUnsafeMutableBufferPointer { products in
              unsafe nearest.withUnsafeMutableBufferPointer { nearest in
                unsafe distances.withUnsafeMutableBufferPointer { distances in
                  unsafe linearForward(
                    x: test.baseAddress! + queries.lowerBound * columns,
                    weight: train.baseAddress! + first * columns, bias: nil, y: products.baseAddress!,
                    rows: queries.count, inFeatures: columns, outFeatures: count, activation: .none,
                    context: context)
                  unsafe updateNearest(
                    products: products.baseAddress!, halfNorms: halfNorms.baseAddress! + first,
                    queries: queries.count, gallery: count, first: first, nearest: nearest.baseAddress!,
                    distances: distances.baseAddress!, workers: workers)
                }
              }
            }
          }
        }
      }
    }
    return nearest
  }
}
