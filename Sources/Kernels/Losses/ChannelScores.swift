internal import CostModel

/// Adds the first-order importance of each channel (Molchanov et al., 2017, equation 8), summed over the batch:
/// scores[c] += sum over images of |mean over the image of lossScale dz z|. `z`, `dz` are `[batch, pixels, channels]`.
///
/// Each channel is added up by one worker, images in order, so that the sums do not depend on the number of workers.
///
/// - Parameter lossScale: turns `dz` into the gradient of an image's own loss: the batch's size where the loss is a mean.
package func addTaylorScores(
  z: UnsafePointer<Float>, dz: UnsafePointer<Float>, scores: UnsafeMutablePointer<Float>, batch: Int,
  pixels: Int, channels: Int, lossScale: Float, context: KernelContext
) {
  let scale = lossScale / Float(pixels)
  let groups = Blocks(count: channels, size: 16)
  context.workers.forEach(groups.blockCount) { item, _ in
    let group = groups[item]
    var c = group.lowerBound
    while c &+ 8 <= group.upperBound {
      var total = load(scores, c)
      for image in 0..<batch {
        let first = image &* pixels &* channels &+ c
        var (z, dz, sum) = (z + first, dz + first, Vector.zero)
        forEachRun(of: pixels) { count in
          var run = Vector.zero
          for _ in 0..<count {
            run += load(z, 0) * load(dz, 0)
            z += channels
            dz += channels
          }
          sum += run
        }
        sum *= scale
        total += sum.replacing(with: -sum, where: sum .< Vector.zero)
      }
      store(total, scores, c)
      c &+= 8
    }
    while c < group.upperBound {
      for image in 0..<batch {
        let first = image &* pixels &* channels &+ c
        var (z, dz, sum) = (z + first, dz + first, Float(0))
        forEachRun(of: pixels) { count in
          var run: Float = 0
          for _ in 0..<count {
            run += z.pointee * dz.pointee
            z += channels
            dz += channels
          }
          sum += run
        }
        scores[c] += abs(scale * sum)
      }
      c &+= 1
    }
  }
}

/// Adds each channel's mean over the image, summed over the batch. `z` is `[batch, pixels, channels]`.
package func addActivationScores(
  z: UnsafePointer<Float>, scores: UnsafeMutablePointer<Float>, batch: Int, pixels: Int, channels: Int,
  context: KernelContext
) {
  let scale = 1 / Float(pixels)
  let groups = Blocks(count: channels, size: 16)
  context.workers.forEach(groups.blockCount) { item, _ in
    let group = groups[item]
    for c in group {
      for image in 0..<batch {
        var (z, sum) = (z + (image &* pixels &* channels &+ c), Float(0))
        forEachRun(of: pixels) { count in
          var run: Float = 0
          for _ in 0..<count {
            run += z.pointee
            z += channels
          }
          sum += run
        }
        scores[c] += scale * sum
      }
    }
  }
}

/// Adds the sum of the absolute weights of each output channel. `filter` is `[patchSize, outChannels]`.
package func addFilterNorms(
  filter: UnsafePointer<Float>, scores: UnsafeMutablePointer<Float>, patchSize: Int, outChannels: Int,
  context: KernelContext
) {
  let groups = Blocks(count: outChannels, size: 32)
  context.workers.forEach(groups.blockCount) { item, _ in
    for c in groups[item] {
      var sum = 0.0
      for row in 0..<patchSize { sum += Double(abs(filter[row &* outChannels &+ c])) }
      scores[c] += Float(sum)
    }
  }
}

/// Calls `body` with the lengths of runs that make `count`: sums of few terms round less than one of all.
@inline(__always)
private func forEachRun(of count: Int, _ body: (Int) -> Void) {
  var left = count
  while left > 0 {
    let run = min(64, left)
    body(run)
    left &-= run
  }
}
