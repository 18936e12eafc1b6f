internal import CostModel

// The similarity loss of local error signals (Nøkland and Eidnes, ICML 2019, section 2): images of one class should have
// features that point the same way.

/// Standard deviation (unbiased) of each channel over an image: `x` `[batch, pixels, channels]` to `y`
/// `[batch, channels]`. `pixels` is at least 2.
package func spatialDeviationForward(
  x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, batch: Int, pixels: Int, channels: Int,
  context: KernelContext
) {
  context.workers.forEach(batch) { image, _ in
    let x = x + image * pixels * channels
    let y = y + image * channels
    var channel = 0
    while channel &+ 8 <= channels {
      let (_, squares) = meansAndSquares(x + channel, count: pixels, stride: channels)
      for lane in 0..<8 { y[channel &+ lane] = (squares[lane] / Float(pixels - 1)).squareRoot() }
      channel &+= 8
    }
    while channel < channels {
      let (_, squares) = meanAndSquares(x + channel, count: pixels, stride: channels)
      y[channel] = (squares / Float(pixels - 1)).squareRoot()
      channel &+= 1
    }
  }
}

/// dx = dy (x - mean) / (y (pixels - 1)); nothing flows through a channel that does not vary.
package func spatialDeviationBackward(
  x: UnsafePointer<Float>, y: UnsafePointer<Float>, dy: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>,
  batch: Int, pixels: Int, channels: Int, context: KernelContext
) {
  context.workers.forEach(batch) { image, _ in
    let (x, dx) = (x + image * pixels * channels, dx + image * pixels * channels)
    let (y, dy) = (y + image * channels, dy + image * channels)
    var channel = 0
    while channel &+ 8 <= channels {
      let (means, _) = meansAndSquares(x + channel, count: pixels, stride: channels)
      let deviations = load(y, channel)
      let factors = (load(dy, channel) / (deviations * Float(pixels - 1)))
        .replacing(with: Vector.zero, where: .!(deviations .> Vector.zero))
      var place = channel
      for _ in 0..<pixels {
        store(factors * (load(x, place) - means), dx, place)
        place &+= channels
      }
      channel &+= 8
    }
    while channel < channels {
      let (mean, _) = meanAndSquares(x + channel, count: pixels, stride: channels)
      let factor = y[channel] > 0 ? dy[channel] / (y[channel] * Float(pixels - 1)) : 0
      for pixel in 0..<pixels {
        let place = pixel &* channels &+ channel
        dx[place] = factor * (x[place] - mean)
      }
      channel &+= 1
    }
  }
}

/// Of eight channels side by side; each one's sums run in the order of the pixels, as for one channel alone.
@inline(__always)
private func meansAndSquares(_ x: UnsafePointer<Float>, count: Int, stride: Int) -> (
  means: Vector, squares: Vector
) {
  var sum = Vector.zero
  var place = 0
  for _ in 0..<count {
    sum += load(x, place)
    place &+= stride
  }
  let means = sum / Float(count)
  var squares = Vector.zero
  place = 0
  for _ in 0..<count {
    let differences = load(x, place) - means
    squares += differences * differences
    place &+= stride
  }
  return (means, squares)
}

private func meanAndSquares(_ x: UnsafePointer<Float>, count: Int, stride: Int) -> (
  mean: Float, squares: Float
) {
  var sum: Float = 0
  for index in 0..<count { sum += x[index &* stride] }
  let mean = sum / Float(count)
  var squares: Float = 0
  for index in 0..<count {
    let difference = x[index &* stride] - mean
    squares += difference * difference
  }
  return (mean, squares)
}

/// Mean squared difference between the cosine similarities of centred samples, `[rows, rows]`, and those of their
/// centred one-hot labels.
///
/// - Parameters:
///   - z: `[rows, features]`.
///   - dz: becomes `weight` times the gradient; nil where none is wanted.
///   - metrics: what a classifier's cross entropy left; the sum of losses becomes
///     `(1 - weight) * loss + weight * rows * similarity loss`, the counts are copied.
package func similarityLoss(
  z: UnsafePointer<Float>, labels: UnsafePointer<Int32>, metrics: UnsafePointer<Float>,
  newMetrics: UnsafeMutablePointer<Float>, dz: UnsafeMutablePointer<Float>?, rows: Int, features: Int,
  classes: Int,
  weight: Float, context: KernelContext
) {
  let layout = SimilarityScratch(rows: rows, features: features)
  let base = context.layOut(KernelScratch.similarityLoss(rows: rows, features: features)).shared
  let (units, unitGradient) = (base + layout.units, base + layout.unitGradient)
  let (difference, norms, losses) = (base + layout.difference, base + layout.norms, base + layout.losses)
  for row in 0..<rows {
    norms[row] = centredUnit(z + row * features, count: features, into: units + row * features)
  }
  multiply(
    units, leading: features, units, .transposed, leading: features, into: difference, leading: rows, m: rows,
    n: rows, k: features)
  // Centred one-hot labels of different classes have the cosine -1 / (classes - 1).
  let apart: Float = classes > 1 ? -1 / Float(classes - 1) : 0
  for row in 0..<rows {
    var loss: Float = 0
    for other in 0..<rows {
      let target: Float = labels[row] == labels[other] ? 1 : apart
      let value = difference[row * rows + other] - target
      difference[row * rows + other] = value
      loss += value * value
    }
    losses[row] = loss
  }
  var loss = 0.0
  for row in 0..<rows { loss += Double(losses[row]) }
  // A mean over rows x rows pairs, times rows, as the other losses are sums over images.
  newMetrics[0] = (1 - weight) * metrics[0] + weight * Float(loss / Double(rows))
  for index in 1..<4 { newMetrics[index] = metrics[index] }
  guard let dz else { return }
  // The matrix of differences is symmetric: both of its factors get the same gradient.
  multiply(
    difference, leading: rows, units, leading: features, into: unitGradient, leading: features, m: rows,
    n: features, k: rows)
  let scale = 4 * weight / Float(rows * rows)
  for row in 0..<rows {
    centredUnitGradient(
      unitGradient + row * features, unit: units + row * features, norm: norms[row], scale: scale,
      count: features,
      into: dz + row * features)
  }
}

/// Keeps the division defined for a sample whose features are all equal.
private let smallestNorm: Float = 1e-8

/// - Returns: the norm of the centred features.
private func centredUnit(
  _ z: UnsafePointer<Float>, count: Int, into unit: UnsafeMutablePointer<Float>
) -> Float {
  let (mean, squares) = meanAndSquares(z, count: count, stride: 1)
  let norm = squares.squareRoot()
  let factor = 1 / (norm + smallestNorm)
  for index in 0..<count { unit[index] = factor * (z[index] - mean) }
  return norm
}

/// Back through the division by the norm and the centring: the part along the unit and the mean fall away.
private func centredUnitGradient(
  _ gradient: UnsafePointer<Float>, unit: UnsafePointer<Float>, norm: Float, scale: Float, count: Int,
  into dz: UnsafeMutablePointer<Float>
) {
  var along: Float = 0
  var sum: Float = 0
  for index in 0..<count {
    along += gradient[index] * unit[index]
    sum += gradient[index]
  }
  let factor = scale / (norm + smallestNorm)
  // Units are centred, so what goes along them has no mean.
  let mean = sum / Float(count)
  for index in 0..<count { dz[index] = factor * (gradient[index] - along * unit[index] - mean) }
}
