internal import CostModel

// Convolutions of fewer than eight output channels, which are the lanes of one vector. `NarrowConvolutionCost` says how the work is cut.

func narrowForward(
  x: UnsafePointer<Float>, filter: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
  y: UnsafeMutablePointer<Float>, activation: Activation, _ geometry: ConvolutionGeometry,
  _ cost: NarrowConvolutionCost,
  _ scratch: ScratchFloats, sharedOffset: Int, _ workers: Workers
) {
  let (lanes, outs) = (cost.lanes, geometry.outChannels)
  let filled = scratch.shared + sharedOffset
  let filledBias = filled + cost.filterFloats
  clear(filled, count: cost.filterFloats + lanes)
  for row in 0..<geometry.patchSize {
    for c in 0..<outs { filled[row &* lanes &+ c] = filter[row &* outs &+ c] }
  }
  if let bias { for c in 0..<outs { filledBias[c] = bias[c] } }

  let strips = cost.stripsPerImage
  workers.forEach(geometry.batch * strips.blockCount) { item, worker in
    let (image, index) = item.quotientAndRemainder(dividingBy: strips.blockCount)
    let rows = strips[index]
    let lines = scratch.worker(worker)
    copyLines(x, geometry, cost, image: image, rows: rows, into: lines)
    for row in rows {
      let first = lines + (row &- rows.lowerBound) &* geometry.stride &* cost.lineFloats
      let target = y + (image &* geometry.outHeight &+ row) &* geometry.outWidth &* outs
      let line = lines + cost.stripFloats
      if lanes == 4 {
        activation.runFused(
          MultipliedLine<SIMD4<Float>>(
            lines: first, filter: filled, bias: filledBias, geometry: geometry, lineFloats: cost.lineFloats,
            y: line))
      } else {
        activation.runFused(
          MultipliedLine<SIMD8<Float>>(
            lines: first, filter: filled, bias: filledBias, geometry: geometry, lineFloats: cost.lineFloats,
            y: line))
      }
      copy(line, to: target, count: geometry.outWidth &* outs)
    }
  }
}

/// dFilter from x and dy, of which a row of the output at a time is summed in registers.
func narrowWeightGradient(
  x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dFilter: UnsafeMutablePointer<Float>,
  _ geometry: ConvolutionGeometry, _ cost: NarrowConvolutionCost, _ scratch: ScratchFloats, _ workers: Workers
) {
  let (lanes, outs, chunks) = (cost.lanes, geometry.outChannels, cost.gradientChunks)
  workers.forEach(chunks.blockCount) { item, worker in
    let chunk = chunks[item]
    let sums = scratch.shared + item * cost.filterFloats
    clear(sums, count: cost.filterFloats)
    let lines = scratch.worker(worker)
    let gradients = lines + cost.stripFloats
    // Lanes behind the last pixel's channels are read, and not used.
    clear(gradients, count: geometry.outWidth &* outs &+ lanes)
    var row = chunk.lowerBound
    while row < chunk.upperBound {
      let (image, first) = row.quotientAndRemainder(dividingBy: geometry.outHeight)
      let count = min(cost.stripRows, geometry.outHeight &- first, chunk.upperBound &- row)
      copyLines(x, geometry, cost, image: image, rows: first..<first &+ count, into: lines)
      for index in 0..<count {
        let line = lines + index &* geometry.stride &* cost.lineFloats
        let length = geometry.outWidth &* outs
        copy(dy + (row &+ index) &* length, to: gradients, count: length)
        if lanes == 4 {
          addLine(SIMD4<Float>.self, line, gradients, geometry, cost.lineFloats, to: sums)
        } else {
          addLine(SIMD8<Float>.self, line, gradients, geometry, cost.lineFloats, to: sums)
        }
      }
      row &+= count
    }
  }
  for row in 0..<geometry.patchSize {
    for c in 0..<outs {
      var sum = scratch.shared[row &* lanes &+ c]
      for chunk in 1..<max(1, chunks.blockCount) {
        sum += scratch.shared[chunk &* cost.filterFloats &+ row &* lanes &+ c]
      }
      dFilter[row &* outs &+ c] = sum
    }
  }
}

/// The rows of an image that the rows `rows` of the output see, with zeros for what sticks out.
private func copyLines(
  _ x: UnsafePointer<Float>, _ geometry: ConvolutionGeometry, _ cost: NarrowConvolutionCost, image: Int,
  rows: Range<Int>, into lines: UnsafeMutablePointer<Float>
) {
  let (margin, length) = (geometry.padding &* geometry.inChannels, geometry.width &* geometry.inChannels)
  for line in 0..<cost.lines(of: rows.count) {
    let target = lines + line &* cost.lineFloats
    let row = rows.lowerBound &* geometry.stride &- geometry.padding &+ line
    guard row >= 0 && row < geometry.height else {
      clear(target, count: cost.lineFloats)
      continue
    }
    clear(target, count: margin)
    copy(x + (image &* geometry.height &+ row) &* length, to: target + margin, count: length)
    clear(target + (margin &+ length), count: margin)
  }
}

/// One row of the output. A pixel's spare lanes are written over by the next pixel.
private struct MultipliedLine<V: ActivatedVector>: ActivatedWork {
  let lines, filter, bias: UnsafePointer<Float>
  let geometry: ConvolutionGeometry
  let lineFloats: Int
  let y: UnsafeMutablePointer<Float>

  func run<Function: ActivationFunction>(_ function: Function) {
    let (outs, width) = (geometry.outChannels, geometry.outWidth)
    let run = geometry.kernelSize &* geometry.inChannels
    let step = geometry.stride &* geometry.inChannels
    let bias = UnsafeRawPointer(bias).loadUnaligned(as: V.self)

    @inline(__always)
    func finish(_ sum: V, _ pixel: Int) {
      UnsafeMutableRawPointer(y + pixel &* outs).storeBytes(
        of: (sum + bias).activated(by: function), as: V.self)
    }
    var pixel = 0
    while pixel &+ 4 <= width {
      var (a, b, c, d) = (V.zero, V.zero, V.zero, V.zero)
      var weights = filter
      for kernelRow in 0..<geometry.kernelSize {
        let source = lines + (kernelRow &* lineFloats &+ pixel &* step)
        for tap in 0..<run {
          let weight = UnsafeRawPointer(weights).loadUnaligned(as: V.self)
          a += weight * source[tap]
          b += weight * source[tap &+ step]
          c += weight * source[tap &+ 2 &* step]
          d += weight * source[tap &+ 3 &* step]
          weights += V.scalarCount
        }
      }
      finish(a, pixel)
      finish(b, pixel &+ 1)
      finish(c, pixel &+ 2)
      finish(d, pixel &+ 3)
      pixel &+= 4
    }
    while pixel < width {
      var sum = V.zero
      var weights = filter
      for kernelRow in 0..<geometry.kernelSize {
        let source = lines + (kernelRow &* lineFloats &+ pixel &* step)
        for tap in 0..<run {
          sum += UnsafeRawPointer(weights).loadUnaligned(as: V.self) * source[tap]
          weights += V.scalarCount
        }
      }
      finish(sum, pixel)
      pixel &+= 1
    }
  }
}

/// sums [patchSize, lanes] += the row's patches, transposed, times the row's gradients.
@inline(__always)
private func addLine<V: SIMD & BitwiseCopyable>(
  _: V.Type, _ lines: UnsafePointer<Float>, _ gradients: UnsafePointer<Float>,
  _ geometry: ConvolutionGeometry, _ lineFloats: Int, to sums: UnsafeMutablePointer<Float>
) where V.Scalar == Float {
  let (outs, width) = (geometry.outChannels, geometry.outWidth)
  let run = geometry.kernelSize &* geometry.inChannels
  let step = geometry.stride &* geometry.inChannels

  @inline(__always)
  func add(_ value: V, to row: Int) {
    let place = UnsafeMutableRawPointer(sums + row &* V.scalarCount)
    place.storeBytes(of: place.loadUnaligned(as: V.self) + value, as: V.self)
  }
  for kernelRow in 0..<geometry.kernelSize {
    let line = lines + kernelRow &* lineFloats
    var tap = 0
    while tap &+ 4 <= run {
      var (a, b, c, d) = (V.zero, V.zero, V.zero, V.zero)
      var source = line + tap
      var gradient = gradients
      for _ in 0..<width {
        let g = UnsafeRawPointer(gradient).loadUnaligned(as: V.self)
        a += g * source[0]
        b += g * source[1]
        c += g * source[2]
        d += g * source[3]
        source += step
        gradient += outs
      }
      let row = kernelRow &* run &+ tap
      add(a, to: row)
      add(b, to: row &+ 1)
      add(c, to: row &+ 2)
      add(d, to: row &+ 3)
      tap &+= 4
    }
    while tap < run {
      var sum = V.zero
      for pixel in 0..<width {
        let g = UnsafeRawPointer(gradients + pixel &* outs).loadUnaligned(as: V.self)
        sum += g * line[tap &+ pixel &* step]
      }
      add(sum, to: kernelRow &* run &+ tap)
      tap &+= 1
    }
  }
}
