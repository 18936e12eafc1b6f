import Execution
import Foundation
import Kernels
import TestSupport
import Testing

/// Features around a point for each class, drawn from a seed.
private func features(rows: Int, columns: Int, classes: Int, spread: Float, seed: UInt64) -> FeatureTable {
  var random = SplitMix64(seed: seed)
  var centres = SplitMix64(seed: 99)
  let points = (0..<classes * columns).map { _ in Float.random(in: -1...1, using: &centres) }
  var values: [Float] = []
  var labels: [Int32] = []
  for row in 0..<rows {
    let label = row % classes
    labels.append(Int32(label))
    for column in 0..<columns {
      values.append(points[label * columns + column] + spread * Float.random(in: -1...1, using: &random))
    }
  }
  return FeatureTable(values: values, labels: labels, columns: columns)
}

@Suite("Probes")
struct ProbeTests {
  @Test("L-BFGS finds the minimum of a quadratic, and of Rosenbrock's valley")
  func minimizer() {
    let scales = [1.0, 10, 100, 1000]
    let bowl = LimitedMemoryBFGS(iterationLimit: 100, tolerance: 1e-8).minimize(from: [3, -2, 1, 5]) { x in
      let value = zip(scales, x).map { $0 * ($1 - 1) * ($1 - 1) / 2 }.reduce(0, +)
      return (value, zip(scales, x).map { $0 * ($1 - 1) })
    }
    #expect(bowl.isConverged && bowl.point.allSatisfy { abs($0 - 1) < 1e-8 })
    let valley = LimitedMemoryBFGS(iterationLimit: 200, tolerance: 1e-8).minimize(from: [-1.2, 1]) { x in
      let (a, b) = (1 - x[0], x[1] - x[0] * x[0])
      return (a * a + 100 * b * b, [-2 * a - 400 * x[0] * b, 200 * b])
    }
    #expect(valley.isConverged && valley.iterations < 60)
    #expect(abs(valley.point[0] - 1) < 1e-6 && abs(valley.point[1] - 1) < 1e-6)
  }

  @Test("the linear probe stands where the penalised loss is stationary, the same for any number of threads")
  func linear() {
    let classes = 4
    let clean = features(rows: 600, columns: 9, classes: classes, spread: 1.5, seed: 1)
    let cleanTest = features(rows: 200, columns: 9, classes: classes, spread: 1.5, seed: 2)
    var outcomes: [LinearProbe.Outcome] = []
    for threads in 1...3 {
      var (train, test) = (clean, cleanTest)
      outcomes.append(
        LinearProbe(classes: classes, workers: Workers(count: threads)).run(train: &train, test: &test))
      // By the definition, in double precision, on what the probe has standardised.
      let gradient = gradient(outcomes[threads - 1].parameters.map { Double($0) }, train, classes: classes)
      #expect(gradient.map(\.magnitude).max() ?? 1 < 2 * LinearProbe.tolerance)
      let mean = train.values.indices.filter { $0 % 9 == 3 }.map { Double(train.values[$0]) }.reduce(0, +)
      #expect(abs(mean) < 1e-3)
    }
    #expect(outcomes[1].parameters == outcomes[0].parameters)
    #expect(outcomes[2].parameters == outcomes[0].parameters)
    #expect(outcomes[0].isConverged && outcomes[0].testTop1 > 0.5 && outcomes[0].trainTop1 < 1)
  }

  private func gradient(_ parameters: [Double], _ train: FeatureTable, classes: Int) -> [Double] {
    let (rows, columns) = (train.rows, train.columns)
    var gradient = [Double](repeating: 0, count: parameters.count)
    for row in 0..<rows {
      let x = (0..<columns).map { Double(train.values[row * columns + $0]) }
      for c in 0..<classes {
        let z =
          zip(x, parameters[c * columns..<(c + 1) * columns]).map { $0 * $1 }.reduce(0, +)
          + parameters[classes * columns + c]
        let error = 1 / (1 + exp(-z)) - (Int(train.labels[row]) == c ? 1 : 0)
        for column in 0..<columns { gradient[c * columns + column] += error * x[column] / Double(rows) }
        gradient[classes * columns + c] += error / Double(rows)
      }
    }
    for index in 0..<classes * columns { gradient[index] += parameters[index] / Double(rows) }
    return gradient
  }

  @Test("a column that never changes, and classes far apart")
  func degenerate() {
    var train = features(rows: 120, columns: 3, classes: 3, spread: 0.01, seed: 5)
    for row in 0..<train.rows { train.values[row * 3 + 1] = 7 }
    var test = train
    let outcome = LinearProbe(classes: 3, workers: Workers(count: 2)).run(train: &train, test: &test)
    #expect(outcome.trainTop1 == 1 && outcome.testTop1 == 1)
    #expect(outcome.parameters.allSatisfy { $0.isFinite })
  }

  @Test("the nearest neighbour is the nearest, over more than one piece of queries and gallery")
  func nearest() {
    let train = features(rows: 2500, columns: 7, classes: 5, spread: 1.2, seed: 3)
    let test = features(rows: 1100, columns: 7, classes: 5, spread: 1.2, seed: 4)
    var right = 0
    for row in 0..<test.rows {
      var (best, label) = (Double.infinity, Int32(-1))
      for other in 0..<train.rows {
        var distance = 0.0
        for column in 0..<7 {
          let difference = Double(test.values[row * 7 + column]) - Double(train.values[other * 7 + column])
          distance += difference * difference
        }
        if distance < best { (best, label) = (distance, train.labels[other]) }
      }
      if label == test.labels[row] { right += 1 }
    }
    let expected = Double(right) / Double(test.rows)
    #expect(expected > 0.4 && expected < 1)
    for threads in 1...3 {
      #expect(
        NearestNeighbourProbe(workers: Workers(count: threads)).run(train: train, test: test) == expected)
    }
    #expect(NearestNeighbourProbe(workers: Workers(count: 2)).run(train: train, test: train) == 1)
  }
}
