package import Datasets
internal import GraphIR
package import Planning

/// What one depth of a network makes of the images of a split: a row an image.
package struct FeatureTable: Sendable {
  /// `[rows, columns]`.
  package var values: [Float]
  package var labels: [Int32]
  package let columns: Int

  package var rows: Int { labels.count }

  package init(values: [Float], labels: [Int32], columns: Int) {
    precondition(values.count == labels.count * columns, "whole rows")
    self.values = values
    self.labels = labels
    self.columns = columns
  }

  /// Runs a program that passes on features over the images of a split, in order, without augmentation.
  ///
  /// - Parameter module: whose features they are; 0: the images.
  /// - Throws: where a feature is infinite or NaN.
  package init(
    of split: Split, _ program: Program, module: Int, engine: Engine, images: ImagePreparer
  ) throws(NotFinite) {
    guard let output = program.activation else {
      preconditionFailure("such a program passes its features on")
    }
    let facts = images.dataset.facts
    let count = split == .train ? facts.trainCount : facts.testCount
    let batch = program.graph.batch
    columns = program.featureCount
    values = []
    labels = []
    values.reserveCapacity(count * columns)
    labels.reserveCapacity(count)
    for first in stride(from: 0, to: count, by: batch) {
      let indices = (first..<min(count, first + batch)).map { Int32($0) }
      engine.prepare(images, split: split, indices: indices.span, epoch: nil, for: program)
      // Before the nodes run: none of them reads labels, so others may take their place.
      labels += engine.labels(of: program, count: indices.count)
      engine.run(program, batch: indices.count)
      let first = values.count
      engine.withValue(output, of: program) { floats in
        for index in 0..<indices.count * columns { values.append(floats[index]) }
      }
      guard values[first...].allSatisfy(\.isFinite) else {
        var found = NotFinite(split: split, module: module)
        found.image = engine.worstImage(
          split, indices: indices, BatchSource(images: images, features: nil), program: program)
        throw found
      }
    }
  }

  /// Mean and deviation of every column; 1 for one that never changes.
  func moments() -> (means: [Double], deviations: [Double]) {
    var means = [Double](repeating: 0, count: columns)
    var squares = means
    for row in 0..<rows {
      for column in 0..<columns { means[column] += Double(values[row * columns + column]) }
    }
    for column in 0..<columns { means[column] /= Double(max(1, rows)) }
    for row in 0..<rows {
      for column in 0..<columns {
        let distance = Double(values[row * columns + column]) - means[column]
        squares[column] += distance * distance
      }
    }
    let deviations = squares.map { square in
      let deviation = (square / Double(max(1, rows))).squareRoot()
      return deviation > 0 ? deviation : 1
    }
    return (means, deviations)
  }

  /// Every column moved and scaled.
  mutating func standardize(means: [Double], deviations: [Double]) {
    for row in 0..<rows {
      for column in 0..<columns {
        let place = row * columns + column
        values[place] = Float((Double(values[place]) - means[column]) / deviations[column])
      }
    }
  }
}
