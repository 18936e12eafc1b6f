internal import CostModel
import Glibc

/// Stochastic gradient descent with momentum (Polyak, 1964) and L2 decay, PyTorch's convention:
/// v = momentum v + (g + weightDecay w), w -= learningRate v; with Nesterov's momentum
/// w -= learningRate (g + weightDecay w + momentum v), v being the new one. A new run's velocity is zero.
///
/// All updates note weights that become infinite or NaN (`Workers.takeNotFinite`); infinite velocities make such weights.
package func sgdStep(
  weights: UnsafeMutablePointer<Float>, velocity: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>,
  count: Int, learningRate: Float, momentum: Float, weightDecay: Float, nesterov: Bool, context: KernelContext
) {
  let blocks = Blocks.elements(count)
  context.workers.forEach(blocks.blockCount) { item, _ in
    let range = blocks[item]
    let (w, v, g) = (weights + range.lowerBound, velocity + range.lowerBound, gradient + range.lowerBound)
    var check = FiniteCheck()
    var i = 0
    while i &+ 8 <= range.count {
      let decayed = load(g, i) + weightDecay * load(w, i)
      let new = momentum * load(v, i) + decayed
      store(new, v, i)
      let weight = load(w, i) - learningRate * (nesterov ? decayed + momentum * new : new)
      store(weight, w, i)
      check.add(weight)
      i &+= 8
    }
    while i < range.count {
      let decayed = g[i] + weightDecay * w[i]
      let new = momentum * v[i] + decayed
      v[i] = new
      w[i] -= learningRate * (nesterov ? decayed + momentum * new : new)
      check.add(w[i])
      i &+= 1
    }
    context.workers.note(check)
  }
}

/// The same for a batch that passes in pieces, whose gradients add up in the velocity: the first piece makes it
/// momentum v + weightDecay w + g, each later one adds its g, and the last then moves the weights.
package func sgdPiece(
  weights: UnsafeMutablePointer<Float>, velocity: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>,
  count: Int, learningRate: Float, momentum: Float, weightDecay: Float, isFirst: Bool, isLast: Bool,
  context: KernelContext
) {
  let blocks = Blocks.elements(count)
  let kept = isFirst ? momentum : 1
  let decay = isFirst ? weightDecay : 0
  context.workers.forEach(blocks.blockCount) { item, _ in
    let range = blocks[item]
    let (w, v, g) = (weights + range.lowerBound, velocity + range.lowerBound, gradient + range.lowerBound)
    var check = FiniteCheck()
    var i = 0
    while i &+ 8 <= range.count {
      let new = kept * load(v, i) + (load(g, i) + decay * load(w, i))
      store(new, v, i)
      check.add(new)
      if isLast {
        let weight = load(w, i) - learningRate * new
        store(weight, w, i)
        check.add(weight)
      }
      i &+= 8
    }
    while i < range.count {
      let new = kept * v[i] + (g[i] + decay * w[i])
      v[i] = new
      check.add(new)
      if isLast {
        w[i] -= learningRate * new
        check.add(w[i])
      }
      i &+= 1
    }
    context.workers.note(check)
  }
}

/// Adam (Kingma and Ba, 2015) as PyTorch's `Adam` does it: the L2 decay is part of the gradient, epsilon is added after the
/// second moment's correction. `step` counts from 1. What is left of 1 behind a beta is taken in double precision, in which a
/// beta that rounds to 1 leaves something. Decoupled (Loshchilov and Hutter, 2019; PyTorch's `AdamW`), the decay multiplies the weights
/// by 1 - learningRate weightDecay, and the moments do not see it.
package func adamStep(
  weights: UnsafeMutablePointer<Float>, firstMoment: UnsafeMutablePointer<Float>,
  secondMoment: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>, count: Int, learningRate: Float,
  beta1: Double, beta2: Double, epsilon: Float, weightDecay: Float, isDecoupled: Bool = false, step: Int,
  context: KernelContext
) {
  precondition(step >= 1, "steps count from 1")
  let rate = Float(Double(learningRate) / (1 - pow(beta1, Double(step))))
  let inverseRoot = Float(1 / (1 - pow(beta2, Double(step))).squareRoot())
  let (rest1, rest2) = (Float(1 - beta1), Float(1 - beta2))
  let (beta1, beta2) = (Float(beta1), Float(beta2))
  let shrink = isDecoupled ? Float(1 - Double(learningRate) * Double(weightDecay)) : 1
  let weightDecay = isDecoupled ? 0 : weightDecay
  let blocks = Blocks.elements(count)
  context.workers.forEach(blocks.blockCount) { item, _ in
    let range = blocks[item]
    let (w, g) = (weights + range.lowerBound, gradient + range.lowerBound)
    let (m, v) = (firstMoment + range.lowerBound, secondMoment + range.lowerBound)
    // An infinite second moment leaves its weight as it is, for good: it is looked at as well.
    var check = FiniteCheck()
    var i = 0
    while i &+ 8 <= range.count {
      let decayed = load(g, i) + weightDecay * load(w, i)
      let first = beta1 * load(m, i) + rest1 * decayed
      let second = beta2 * load(v, i) + rest2 * decayed * decayed
      store(first, m, i)
      store(second, v, i)
      let weight = shrink * load(w, i) - rate * first / (squareRoot(second) * inverseRoot + epsilon)
      store(weight, w, i)
      check.add(weight)
      check.add(second)
      i &+= 8
    }
    while i < range.count {
      let decayed = g[i] + weightDecay * w[i]
      let first = beta1 * m[i] + rest1 * decayed
      let second = beta2 * v[i] + rest2 * decayed * decayed
      m[i] = first
      v[i] = second
      w[i] = shrink * w[i] - rate * first / (second.squareRoot() * inverseRoot + epsilon)
      check.add(w[i])
      check.add(second)
      i &+= 1
    }
    context.workers.note(check)
  }
}

/// Square roots of numbers that are not negative, to within two units in the last place. Swift's own for vectors is a call
/// of the C library's for each element, because that sets errno. This guesses 1 / sqrt(v) from the exponent's bits to within
/// 3.5 percent; each of Newton's steps squares the error.
@inline(__always)
private func squareRoot(_ v: Vector) -> Vector {
  let guess = SIMD8<UInt32>(repeating: 0x5F37_59DF) &- (unsafeBitCast(v, to: SIMD8<UInt32>.self) &>> 1)
  var inverse = unsafeBitCast(guess, to: Vector.self)
  let half = 0.5 * v
  inverse *= 1.5 - half * inverse * inverse
  inverse *= 1.5 - half * inverse * inverse
  inverse *= 1.5 - half * inverse * inverse
  return v * inverse
}
