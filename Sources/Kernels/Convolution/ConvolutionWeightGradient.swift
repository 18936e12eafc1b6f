internal import CostModel

/// Receptive fields as rows of a matrix, whose rows lie `leading` floats apart.
struct Patches {
  let start: UnsafePointer<Float>
  let leading: Int
}

/// dFilter [patchSize, outChannels] = sum over output rows of patches^T dy, one product a block of rows. `WeightGradientCost`
/// cuts the rows into chunks with a sum each, or the filter into stripes.
///
/// - Parameter patches: gives the fields of some rows, of each some of `livePatchColumns`, counted from the first, on a worker.
@inline(__always)
func weightGradient(
  dy: UnsafePointer<Float>, dFilter: UnsafeMutablePointer<Float>, _ geometry: ConvolutionGeometry,
  _ scratch: ScratchFloats, _ workers: Workers,
  patches: (_ rows: Range<Int>, _ columns: Range<Int>, _ worker: Int) -> Patches
) {
  let outs = geometry.outChannels
  weightGradient(
    dFilter: dFilter, geometry, scratch, workers, gradients: { rows, _ in dy + rows.lowerBound * outs },
    patches: patches)
}

/// - Parameter gradients: gives dy of some rows, on a worker.
@inline(__always)
func weightGradient(
  dFilter: UnsafeMutablePointer<Float>, _ geometry: ConvolutionGeometry, _ scratch: ScratchFloats,
  _ workers: Workers, gradients: (_ rows: Range<Int>, _ worker: Int) -> UnsafePointer<Float>,
  patches: (_ rows: Range<Int>, _ columns: Range<Int>, _ worker: Int) -> Patches
) {
  let (columns, outs) = (geometry.livePatchColumns, geometry.outChannels)
  let patchSize = columns.count
  clear(dFilter, count: columns.lowerBound * outs)
  clear(dFilter + columns.upperBound * outs, count: (geometry.patchSize - columns.upperBound) * outs)
  let dFilter = dFilter + columns.lowerBound * outs
  let cost = WeightGradientCost(geometry)
  let chunks = cost.rowChunks.blockCount
  let accumulators = chunks > 1 ? scratch.shared : dFilter
  workers.forEach(chunks * cost.stripes.blockCount) { item, worker in
    let chunk = cost.rowChunks[item % chunks]
    let stripe = cost.stripes[item / chunks]
    let sum = accumulators + ((item % chunks) * patchSize + stripe.lowerBound) * outs
    var row = chunk.lowerBound
    while row < chunk.upperBound {
      let rows = row..<min(chunk.upperBound, row + cost.rowsPerBlock)
      let fields = patches(rows, stripe, worker)
      multiply(
        fields.start, .transposed, leading: fields.leading, gradients(rows, worker), leading: outs, into: sum,
        leading: outs, m: stripe.count, n: outs, k: rows.count, accumulating: row > chunk.lowerBound)
      row = rows.upperBound
    }
  }
  if chunks > 1 {
    mergeAccumulators(accumulators, count: chunks, into: dFilter, size: patchSize * outs, workers)
  }
}

/// target = sum of `count` accumulators of `size` floats each, in order.
private func mergeAccumulators(
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
