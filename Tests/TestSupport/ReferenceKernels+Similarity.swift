/// The similarity loss of local error signals (Nøkland and Eidnes 2019): images of one class should have features that
/// point the same way.
extension Reference {
  package struct SimilarityLoss: Hashable, Sendable {
    /// Mean squared difference of the two similarity matrices, over all pairs.
    package var loss: Double
    package var inputGradient: Images
  }

  /// Cosine similarity of the samples' centred features, `[batch, batch]`, against that of their one-hot labels.
  ///
  /// A sample's features are the standard deviations (unbiased) of its channels over the image, or all of its values
  /// where there are no more than three channels or one row.
  package static func similarityLoss(_ x: Images, labels: [Int], classes: Int) -> SimilarityLoss {
    let spread = x.channels > 3 && x.height > 1
    let features = spread ? deviations(x) : (0..<x.batch).map { sample(x, $0) }
    let target = labels.map { label in (0..<classes).map { $0 == label ? 1.0 : 0.0 } }
    let (units, norms) = centredUnits(features)
    let (targetUnits, _) = centredUnits(target)
    var loss = 0.0
    var unitGradient = units.map { $0.map { _ in 0.0 } }
    let pairs = Double(x.batch * x.batch)
    for a in 0..<x.batch {
      for b in 0..<x.batch {
        let difference = innerProduct(units[a], units[b]) - innerProduct(targetUnits[a], targetUnits[b])
        loss += difference * difference / pairs
        for f in units[a].indices {
          unitGradient[a][f] += 2 * difference * units[b][f] / pairs
          unitGradient[b][f] += 2 * difference * units[a][f] / pairs
        }
      }
    }
    var gradient = x
    for n in 0..<x.batch {
      let featureGradient = centredUnitGradient(unitGradient[n], unit: units[n], norm: norms[n])
      if spread {
        spreadGradient(featureGradient, deviations: features[n], image: n, x, into: &gradient)
      } else {
        let start = n * featureGradient.count
        for f in featureGradient.indices { gradient.values[start + f] = featureGradient[f] }
      }
    }
    return SimilarityLoss(loss: loss, inputGradient: gradient)
  }

  /// Keeps the division defined for a sample whose features are all equal.
  private static var smallest: Double { 1e-8 }

  private static func sample(_ x: Images, _ n: Int) -> [Double] {
    let count = x.height * x.width * x.channels
    return Array(x.values[(n * count)..<((n + 1) * count)])
  }

  private static func deviations(_ x: Images) -> [[Double]] {
    (0..<x.batch).map { n in
      (0..<x.channels).map { c in
        let mean = channelMean(x, n, c)
        var squares = 0.0
        for i in 0..<x.height {
          for j in 0..<x.width { squares += (x[n, i, j, c] - mean) * (x[n, i, j, c] - mean) }
        }
        return (squares / Double(x.height * x.width - 1)).squareRoot()
      }
    }
  }

  private static func channelMean(_ x: Images, _ n: Int, _ c: Int) -> Double {
    var sum = 0.0
    for i in 0..<x.height {
      for j in 0..<x.width { sum += x[n, i, j, c] }
    }
    return sum / Double(x.height * x.width)
  }

  private static func centredUnits(_ features: [[Double]]) -> (units: [[Double]], norms: [Double]) {
    let centred = features.map { values in
      let mean = values.reduce(0, +) / Double(values.count)
      return values.map { $0 - mean }
    }
    let norms = centred.map { innerProduct($0, $0).squareRoot() }
    return (zip(centred, norms).map { values, norm in values.map { $0 / (smallest + norm) } }, norms)
  }

  private static func centredUnitGradient(_ gradient: [Double], unit: [Double], norm: Double) -> [Double] {
    let along = innerProduct(gradient, unit) / norm
    let centred = zip(gradient, unit).map { $0 / (smallest + norm) - along * $1 }
    let mean = centred.reduce(0, +) / Double(centred.count)
    return centred.map { $0 - mean }
  }

  private static func spreadGradient(
    _ gradient: [Double], deviations: [Double], image n: Int, _ x: Images, into result: inout Images
  ) {
    for c in 0..<x.channels {
      let mean = channelMean(x, n, c)
      for i in 0..<x.height {
        for j in 0..<x.width {
          let share = (x[n, i, j, c] - mean) / (Double(x.height * x.width - 1) * deviations[c])
          result[n, i, j, c] = gradient[c] * share
        }
      }
    }
  }
}
