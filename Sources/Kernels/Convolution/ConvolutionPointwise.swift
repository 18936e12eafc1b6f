internal import CostModel

// A 1x1 convolution of stride 1: the activation is the matrix.

func pointwiseForward(
  x: UnsafePointer<Float>, filter: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
  y: UnsafeMutablePointer<Float>, activation: Activation, _ geometry: ConvolutionGeometry, _ workers: Workers
) {
  let (ins, outs, blocks) = (geometry.inChannels, geometry.outChannels, geometry.pointwiseBlocks)
  workers.forEach(blocks.blockCount) { item, _ in
    let rows = blocks[item]
    let target = y + rows.lowerBound * outs
    multiply(
      x + rows.lowerBound * ins, leading: ins, filter, leading: outs, into: target, leading: outs,
      m: rows.count,
      n: outs, k: ins)
    addBias(bias, to: target, leading: outs, rows: rows.count, columns: outs, activation: activation)
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
  let ins = geometry.inChannels
  weightGradient(dy: dy, dFilter: dFilter, geometry, scratch, workers) { rows, stripe, _ in
    Patches(start: x + (rows.lowerBound * ins + stripe.lowerBound), leading: ins)
  }
}
