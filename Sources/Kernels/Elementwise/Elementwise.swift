package import CostModel

/// y = f(x). `y` may be `x`.
package func activationForward(
  _ activation: Activation, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, count: Int,
  context: KernelContext
) {
  let blocks = Blocks.elements(count)
  context.workers.forEach(blocks.blockCount) { item, _ in
    let range = blocks[item]
    activation.run(Application(x: x + range.lowerBound, y: y + range.lowerBound, count: range.count))
  }
}

/// dx = f'(z) dy, worked out from what the function reads, z, or from f(z) where `gradientFollowsFromOutput`: the kernel has
/// no use for knowing which. `dx` may be `dy`.
package func activationBackward(
  _ activation: Activation, z: UnsafePointer<Float>, dy: UnsafePointer<Float>,
  dx: UnsafeMutablePointer<Float>,
  count: Int, context: KernelContext
) {
  let blocks = Blocks.elements(count)
  context.workers.forEach(blocks.blockCount) { item, _ in
    let range = blocks[item]
    activation.run(
      Gradient(
        z: z + range.lowerBound, dy: dy + range.lowerBound, dx: dx + range.lowerBound, count: range.count))
  }
}

/// y = f(a + b). `y` may be `a` or `b`.
package func addForward(
  a: UnsafePointer<Float>, b: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, count: Int,
  activation: Activation, context: KernelContext
) {
  let blocks = Blocks.elements(count)
  context.workers.forEach(blocks.blockCount) { item, _ in
    let range = blocks[item]
    activation.runFused(
      Sum(a: a + range.lowerBound, b: b + range.lowerBound, y: y + range.lowerBound, count: range.count))
  }
}

private struct Application: ActivatedWork {
  let x: UnsafePointer<Float>
  let y: UnsafeMutablePointer<Float>
  let count: Int

  func run<Function: ActivationFunction>(_ function: Function) {
    var i = 0
    while i &+ 8 <= count {
      store(function.value(load(x, i)), y, i)
      i &+= 8
    }
    while i < count {
      y[i] = function.value(x[i])
      i &+= 1
    }
  }
}

private struct Gradient: ActivatedWork {
  let z, dy: UnsafePointer<Float>
  let dx: UnsafeMutablePointer<Float>
  let count: Int

  func run<Function: ActivationFunction>(_ function: Function) {
    var i = 0
    while i &+ 8 <= count {
      store(function.gradient(load(dy, i), at: load(z, i)), dx, i)
      i &+= 8
    }
    while i < count {
      dx[i] = function.gradient(dy[i], at: z[i])
      i &+= 1
    }
  }
}

private struct Sum: ActivatedWork {
  let a, b: UnsafePointer<Float>
  let y: UnsafeMutablePointer<Float>
  let count: Int

  func run<Function: ActivationFunction>(_ function: Function) {
    var i = 0
    while i &+ 8 <= count {
      store(function.value(load(a, i) + load(b, i)), y, i)
      i &+= 8
    }
    while i < count {
      y[i] = function.value(a[i] + b[i])
      i &+= 1
    }
  }
}
