internal import CostModel

/// y = max(0, x), NaN kept. `y` may be `x`.
package func reluForward(
  x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, count: Int, context: KernelContext
) {
  let blocks = Blocks.elements(count)
  context.workers.forEach(blocks.blockCount) { item, _ in
    let range = blocks[item]
    let (x, y) = (x + range.lowerBound, y + range.lowerBound)
    var i = 0
    while i &+ 8 <= range.count {
      store(positivePart(load(x, i)), y, i)
      i &+= 8
    }
    while i < range.count {
      y[i] = positivePart(x[i])
      i &+= 1
    }
  }
}

/// dx = dy where y > 0, else 0; `y` is what `reluForward` gave. `dx` may be `dy`.
package func reluBackward(
  y: UnsafePointer<Float>, dy: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>, count: Int,
  context: KernelContext
) {
  let blocks = Blocks.elements(count)
  context.workers.forEach(blocks.blockCount) { item, _ in
    let range = blocks[item]
    let (y, dy, dx) = (y + range.lowerBound, dy + range.lowerBound, dx + range.lowerBound)
    var i = 0
    while i &+ 8 <= range.count {
      store(Vector.zero.replacing(with: load(dy, i), where: load(y, i) .> .zero), dx, i)
      i &+= 8
    }
    while i < range.count {
      dx[i] = y[i] > 0 ? dy[i] : 0
      i &+= 1
    }
  }
}

/// y = a + b, or max(0, a + b). `y` may be `a` or `b`.
package func addForward(
  a: UnsafePointer<Float>, b: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, count: Int, relu: Bool,
  context: KernelContext
) {
  let blocks = Blocks.elements(count)
  context.workers.forEach(blocks.blockCount) { item, _ in
    let range = blocks[item]
    let (a, b, y) = (a + range.lowerBound, b + range.lowerBound, y + range.lowerBound)
    var i = 0
    if relu {
      while i &+ 8 <= range.count {
        store(positivePart(load(a, i) + load(b, i)), y, i)
        i &+= 8
      }
    } else {
      while i &+ 8 <= range.count {
        store(load(a, i) + load(b, i), y, i)
        i &+= 8
      }
    }
    while i < range.count {
      let sum = a[i] + b[i]
      y[i] = relu ? positivePart(sum) : sum
      i &+= 1
    }
  }
}
