internal import CostModel

// A 1x1 convolution of stride 1: the activation is the matrix.

func pointwiseForward(
  x: UnsafePointer<Float>, filter: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
  y: UnsafeMutablePointer<Float>, relu: Bool, _ geometry: ConvolutionGeometry, _ workers: Workers
) {
  let (ins, outs, blocks) = (geometry.inChannels, geometry.outChannels, geometry.pointwiseBlocks)
  workers.forEach(blocks.blockCount) { item, _ in
    let rows = blocks[item]
    let target = y + rows.lowerBound * outs
    multiply(
      x + rows.lowerBound * ins, leading: ins, filter, leading: outs, into: target, leading: outs,
      m: rows.count,
      n: outs, k: ins)
    addBias(bias, to: target, leading: outs, rows: rows.count, columns: outs, relu: relu)
  }
}

func pointwiseInputGradient(
  dy: UnsafePointer<Float>, filter: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>,
  _ geometry: ConvolutionGeometry, _ workers: Workers
) {
  let (ins, outs, blocks) = (geometry.inChannels, geometry.outChannels, geometry.pointwiseBlocks)
  workers.forEach(blocks.blockCount) { item, _ in
    let rows = blocks[item]
    multiply(
      dy + rows.lowerBound * outs, leading: outs, filter, .transposed, leading: outs,
      into: dx + rows.lowerBound * ins, leading: ins, m: rows.count, n: ins, k: outs)
  }
}

func pointwiseWeightGradient(
  x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dFilter: UnsafeMutablePointer<Float>,
  _ geometry: ConvolutionGeometry, _ scratch: ScratchFloats, _ workers: Workers
) {
  let (ins, outs) = (geometry.inChannels, geometry.outChannels)
  let cost = WeightGradientCost(geometry)
  let chunks = cost.rowChunks.blockCount
  let accumulators = chunks > 1 ? scratch.shared : dFilter
  workers.forEach(chunks * cost.stripes.blockCount) { item, _ in
    let chunk = cost.rowChunks[item % chunks]
    let stripe = cost.stripes[item / chunks]
    var row = chunk.lowerBound
    while row < chunk.upperBound {
      let rows = row..<min(chunk.upperBound, row + cost.rowsPerBlock)
      multiply(
        x + (row * ins + stripe.lowerBound), .transposed, leading: ins,
        dy + row * outs, leading: outs,
        into: accumulators + ((item % chunks) * ins + stripe.lowerBound) * outs, leading: outs,
        m: stripe.count, n: outs, k: rows.count, accumulating: row > chunk.lowerBound)
      row = rows.upperBound
    }
  }
  if chunks > 1 { mergeAccumulators(accumulators, count: chunks, into: dFilter, size: ins * outs, workers) }
}

/// target = sum of `count` accumulators of `size` floats each, in order.
func mergeAccumulators(
  _ accumulators: UnsafePointer<Float>, count: Int, into target: UnsafeMutablePointer<Float>, size: Int,
  _ workers: Workers
) {
  let blocks = Blocks(count: size, size: 4_096)
  workers.forEach(blocks.blockCount) { item, _ in
    let range = blocks[item]
    var i = range.lowerBound
    while i &+ 8 <= range.upperBound {
      var sum = load(accumulators, i)
      for accumulator in 1..<count { sum += load(accumulators, accumulator &* size &+ i) }
      store(sum, target, i)
      i &+= 8
    }
    while i < range.upperBound {
      var sum = accumulators[i]
      for accumulator in 1..<count { sum += accumulators[accumulator &* size &+ i] }
      target[i] = sum
      i &+= 1
    }
  }
}
