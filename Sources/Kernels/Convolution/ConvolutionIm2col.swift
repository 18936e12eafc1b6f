internal import CostModel

// Any convolution: a block of outputs' receptive fields is gathered into rows, then multiplied by the filter as a matrix
// [patchSize, outChannels] (Chellapilla et al., 2006). Blocks are small enough to stay in the cache.

/// `sharedOffset`: floats of the shared scratch that are taken.
func im2colForward(
  x: UnsafePointer<Float>, _ values: some PixelValues, filter: UnsafePointer<Float>,
  bias: UnsafePointer<Float>?,
  y: UnsafeMutablePointer<Float>, activation: Activation, _ geometry: ConvolutionGeometry,
  _ scratch: ScratchFloats,
  sharedOffset: Int = 0, _ workers: Workers
) {
  if let cost = NarrowConvolutionCost(geometry) {
    precondition(type(of: values).isPlain, "the compiler lets no narrow convolution normalise what it reads")
    narrowForward(
      x: x, filter: filter, bias: bias, y: y, activation: activation, geometry, cost, scratch,
      sharedOffset: sharedOffset,
      workers)
    return
  }
  let (columns, outs, blocks) = (geometry.livePatchColumns, geometry.outChannels, geometry.im2colBlocks)
  workers.forEach(blocks.blockCount) { item, worker in
    let rows = blocks[item]
    let patches = scratch.worker(worker)
    gather(x, values, geometry, rows: rows, columns: columns, into: patches)
    let target = y + rows.lowerBound * outs
    multiply(
      patches, leading: columns.count, filter + columns.lowerBound * outs, leading: outs, into: target,
      leading: outs, m: rows.count, n: outs, k: columns.count)
    addBias(bias, to: target, leading: outs, rows: rows.count, columns: outs, activation: activation)
  }
}

func im2colInputGradient(
  dy: UnsafePointer<Float>, filter: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>,
  _ geometry: ConvolutionGeometry, _ scratch: ScratchFloats, _ workers: Workers
) {
  if let transposed = geometry.transposedForward {
    turn(
      filter, into: scratch.shared, kernelSize: geometry.kernelSize, ins: geometry.inChannels,
      outs: geometry.outChannels, workers)
    im2colForward(
      x: dy, PlainPixels(), filter: scratch.shared, bias: nil, y: dx, activation: .none, transposed, scratch,
      sharedOffset: KernelScratch.turnedFilterFloats(transposed), workers)
    return
  }
  let (patchSize, outs) = (geometry.patchSize, geometry.outChannels)
  let outArea = geometry.outHeight * geometry.outWidth
  let imageSize = geometry.height * geometry.width * geometry.inChannels
  let images = geometry.imagesPerScatter
  workers.forEach(images.blockCount) { item, worker in
    let range = images[item]
    let patches = scratch.worker(worker)
    clear(dx + range.lowerBound * imageSize, count: range.count * imageSize)
    var row = range.lowerBound * outArea
    let end = range.upperBound * outArea
    while row < end {
      let rows = row..<min(end, row + geometry.im2colRowsPerBlock)
      multiply(
        dy + row * outs, leading: outs, filter, .transposed, leading: outs, into: patches, leading: patchSize,
        m: rows.count, n: patchSize, k: outs)
      scatter(patches, geometry, rows: rows, into: dx)
      row = rows.upperBound
    }
  }
}

func im2colWeightGradient(
  x: UnsafePointer<Float>, _ values: some PixelValues, dy: UnsafePointer<Float>,
  dFilter: UnsafeMutablePointer<Float>,
  _ geometry: ConvolutionGeometry, _ scratch: ScratchFloats, _ workers: Workers
) {
  if let cost = NarrowConvolutionCost(geometry) {
    precondition(type(of: values).isPlain, "the compiler lets no narrow convolution normalise what it reads")
    narrowWeightGradient(x: x, dy: dy, dFilter: dFilter, geometry, cost, scratch, workers)
    return
  }
  let first = geometry.livePatchColumns.lowerBound
  weightGradient(dy: dy, dFilter: dFilter, geometry, scratch, workers) { rows, stripe, worker in
    let patches = scratch.worker(worker)
    gather(
      x, values, geometry, rows: rows, columns: first + stripe.lowerBound..<first + stripe.upperBound,
      into: patches)
    return Patches(start: patches, leading: stripe.count)
  }
}

/// The same with dy as a batch norm's backward pass gives it, a block of rows at a time: it is never written as a whole.
func im2colWeightGradient(
  x: UnsafePointer<Float>, _ gradient: NormalizedGradient, dFilter: UnsafeMutablePointer<Float>,
  _ geometry: ConvolutionGeometry, _ scratch: ScratchFloats, _ workers: Workers
) {
  let plain = WeightGradientCost(geometry).scratch
  let coefficients = scratch.shared + plain.sharedFloats
  gradient.prepare(coefficients)
  let first = geometry.livePatchColumns.lowerBound
  weightGradient(
    dFilter: dFilter, geometry, scratch, workers,
    gradients: { rows, worker in
      let block = scratch.worker(worker) + plain.floatsPerWorker
      gradient.write(rows, coefficients, into: block)
      return UnsafePointer(block)
    },
    patches: { rows, stripe, worker in
      let patches = scratch.worker(worker)
      gather(
        x, PlainPixels(), geometry, rows: rows,
        columns: first + stripe.lowerBound..<first + stripe.upperBound,
        into: patches)
      return Patches(start: patches, leading: stripe.count)
    })
}

/// Receptive fields of the outputs `rows`, of each the columns `columns`: `patches` [rows.count, columns.count]. In NHWC one
/// kernel row's part of a field is one run of floats in the image, cut off where it sticks out.
private func gather(
  _ x: UnsafePointer<Float>, _ values: some PixelValues, _ geometry: ConvolutionGeometry, rows: Range<Int>,
  columns: Range<Int>,
  into patches: UnsafeMutablePointer<Float>
) {
  let (ins, line) = (geometry.inChannels, geometry.width * geometry.inChannels)
  let run = geometry.kernelSize * ins
  let kernelRows = columns.lowerBound / run..<(columns.upperBound + run - 1) / run
  var output = OutputCursor(geometry, row: rows.lowerBound)
  var target = patches
  let isWhole = columns.count == geometry.patchSize
  for _ in rows {
    // Floats of the image's row left of the field, which are negative where it sticks out.
    let left = (output.j &* geometry.stride &- geometry.padding) &* ins
    let top = output.i &* geometry.stride &- geometry.padding
    if isWhole && left >= 0 && left &+ run <= line && top >= 0
      && top &+ geometry.kernelSize <= geometry.height
    {
      var source = x + ((output.image &* geometry.height &+ top) &* line &+ left)
      for _ in kernelRows {
        values.copyValues(source, to: target, count: run, first: 0, channels: ins)
        source += line
        target += run
      }
      output.advance()
      continue
    }
    for kernelRow in kernelRows {
      let start = max(columns.lowerBound, kernelRow &* run) &- kernelRow &* run
      let end = min(columns.upperBound, (kernelRow &+ 1) &* run) &- kernelRow &* run
      let row = top &+ kernelRow
      if row < 0 || row >= geometry.height {
        clear(target, count: end &- start)
      } else {
        let source = x + (output.image &* geometry.height &+ row) &* line
        let first = min(end, max(start, 0 &- left))
        let last = max(first, min(end, line &- left))
        clear(target, count: first &- start)
        values.copyValues(
          source + (left &+ first), to: target + (first &- start), count: last &- first, first: first % ins,
          channels: ins)
        clear(target + (last &- start), count: end &- last)
      }
      target += end &- start
    }
    output.advance()
  }
}

/// The transpose of `gather`: adds each output's row to its receptive field in `dx`.
private func scatter(
  _ patches: UnsafePointer<Float>, _ geometry: ConvolutionGeometry, rows: Range<Int>,
  into dx: UnsafeMutablePointer<Float>
) {
  let (ins, line) = (geometry.inChannels, geometry.width * geometry.inChannels)
  let run = geometry.kernelSize * ins
  var output = OutputCursor(geometry, row: rows.lowerBound)
  var source = patches
  for _ in rows {
    let left = (output.j &* geometry.stride &- geometry.padding) &* ins
    for kernelRow in 0..<geometry.kernelSize {
      let row = output.i &* geometry.stride &- geometry.padding &+ kernelRow
      if row >= 0 && row < geometry.height {
        let target = dx + (output.image &* geometry.height &+ row) &* line
        let first = min(run, max(0, 0 &- left))
        let last = max(first, min(run, line &- left))
        add(source + first, to: target + (left &+ first), count: last &- first)
      }
      source += run
    }
    output.advance()
  }
}

/// The filter turned by half a circle, channels swapped: `turned` [kernelSize, kernelSize, outs, ins].
private func turn(
  _ filter: UnsafePointer<Float>, into turned: UnsafeMutablePointer<Float>, kernelSize: Int, ins: Int,
  outs: Int,
  _ workers: Workers
) {
  let positions = kernelSize * kernelSize
  workers.forEach(positions) { position, _ in
    transpose(
      filter + position * ins * outs, rows: ins, columns: outs,
      into: turned + (positions - 1 - position) * ins * outs)
  }
}

/// The place of an output row: image, row and column there.
private struct OutputCursor {
  private(set) var image, i, j: Int
  private let height, width: Int

  init(_ geometry: ConvolutionGeometry, row: Int) {
    (height, width) = (geometry.outHeight, geometry.outWidth)
    (image, i, j) = (row / (height * width), row / width % height, row % width)
  }

  @inline(__always)
  mutating func advance() {
    j &+= 1
    guard j == width else { return }
    j = 0
    i &+= 1
    guard i == height else { return }
    i = 0
    image &+= 1
  }
}
