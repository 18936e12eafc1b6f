package import CostModel

/// Gradients of `batchNormTraining`. `dx` may be `dy` or `x`. What the activation was applied to is worked out again from `x` and
/// the saved statistics, by the same arithmetic as in the forward pass. With `spread`, `dy` is the gradient of averages of `y`.
///
/// With g the gradient in front of the activation and n = (x - mean) inverse deviation: dShift = sum g, dScale = sum g n,
/// dx = scale inverse deviation (g - dShift / rows - n dScale / rows). Without `dx` there are the sums alone, from which
/// `NormalizedGradient` computes it where it is read.
package func batchNormBackward(
  x: UnsafePointer<Float>, dy: UnsafePointer<Float>, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
  savedMean: UnsafePointer<Float>, savedInverseDeviation: UnsafePointer<Float>,
  dx: UnsafeMutablePointer<Float>?,
  dScale: UnsafeMutablePointer<Float>, dShift: UnsafeMutablePointer<Float>, rows: Int, channels: Int,
  activation: Activation, spread: GradientSpread? = nil, context: KernelContext
) {
  let memory = context.layOut(KernelScratch.batchNormBackward(rows: rows, channels: channels))
  let folding = RowFolding(rows: rows, channels: channels)
  precondition(spread == nil || !folding.isFolded, "rows that are folded are of no one pixel")
  let scratch = memory.shared
  let slopes = scratch
  let partial = scratch + 2 * channels
  for c in 0..<channels { slopes[c] = scale[c] * savedInverseDeviation[c] }
  var wideRows = partial + 2 * Blocks.sumBlockLimit(rows: rows, columns: channels) * channels
  let channelwise = Channelwise(
    mean: ChannelValues(savedMean, folding, expandedInto: &wideRows),
    slope: ChannelValues(slopes, folding, expandedInto: &wideRows),
    shift: ChannelValues(shift, folding, expandedInto: &wideRows))

  let blocks = Blocks.sums(rows: rows, columns: channels)
  context.workers.forEach(blocks.blockCount) { item, worker in
    let sums = partial + item * 2 * channels
    clear(sums, count: 2 * channels)
    folding.forEachPart(of: blocks[item]) { offset, rows, count, isWide in
      let wideSums = isWide ? memory.worker(worker) : sums
      if isWide { clear(wideSums, count: 2 * count) }
      func sum(_ dy: UnsafePointer<Float>, _ gradients: some GradientRows) {
        activation.run(
          SummedGradients(
            channelwise: channelwise, isWide: isWide, x: x + offset, dy: dy, gradients: gradients, rows: rows,
            channels: count, sums: wideSums))
      }
      if let spread {
        sum(dy, SpreadRows(spread, channels: count, firstRow: offset / count))
      } else {
        sum(dy + offset, OwnRows(channels: count))
      }
      if isWide {
        folding.addFolded(wideSums, to: sums)
        folding.addFolded(wideSums + count, to: sums + channels)
      }
    }
  }
  mergeSums(
    partial, blocks: blocks.blockCount, stride: 2 * channels, into: dShift, columns: channels, context.workers
  )
  mergeSums(
    partial + channels, blocks: blocks.blockCount, stride: 2 * channels, into: dScale, columns: channels,
    context.workers)

  for c in 0..<channels { dScale[c] *= savedInverseDeviation[c] }
  guard let dx else { return }
  // The sums are merged: their place holds the two coefficients of dx.
  let coefficients = InputGradientCoefficients(centers: partial, tilts: scratch + channels)
  coefficients.compute(
    slopes: slopes, savedInverseDeviation: savedInverseDeviation, dScale: dScale, dShift: dShift, rows: rows,
    channels: channels)
  let wideCenters = ChannelValues(coefficients.centers, folding, expandedInto: &wideRows)
  let wideTilts = ChannelValues(coefficients.tilts, folding, expandedInto: &wideRows)
  let groups = Blocks.rows(rows, columns: channels)
  context.workers.forEach(groups.blockCount) { item, _ in
    folding.forEachPart(of: groups[item]) { offset, rows, channels, isWide in
      func write(_ dy: UnsafePointer<Float>, _ gradients: some GradientRows) {
        activation.run(
          InputGradients(
            channelwise: channelwise, isWide: isWide, centers: wideCenters.values(wide: isWide),
            tilts: wideTilts.values(wide: isWide), x: x + offset, dy: dy, gradients: gradients,
            dx: dx + offset, rows: rows, channels: channels))
      }
      if let spread {
        write(dy, SpreadRows(spread, channels: channels, firstRow: offset / channels))
      } else {
        write(dy + offset, OwnRows(channels: channels))
      }
    }
  }
}

/// dx = slope g - center - (x - mean) tilt.
private struct InputGradientCoefficients {
  /// [channels] each.
  let centers, tilts: UnsafeMutablePointer<Float>

  func compute(
    slopes: UnsafePointer<Float>, savedInverseDeviation: UnsafePointer<Float>, dScale: UnsafePointer<Float>,
    dShift: UnsafePointer<Float>, rows: Int, channels: Int
  ) {
    for c in 0..<channels {
      centers[c] = slopes[c] * dShift[c] / Float(rows)
      tilts[c] = slopes[c] * savedInverseDeviation[c] * dScale[c] / Float(rows)
    }
  }
}

/// What `batchNormBackward` would write as dx, for a kernel that takes it some rows at a time: the gradient of a batch norm's
/// input `x` [rows, channels] from that of what came out of it, or of averages of that.
package struct NormalizedGradient {
  private let x, dy, scale, shift, savedMean, savedInverseDeviation, dScale, dShift: UnsafePointer<Float>
  private let rows, channels: Int
  private let activation: Activation
  private let spread: GradientSpread?

  /// - Parameters:
  ///   - dScale: with `dShift`, as the sums of `batchNormBackward` are.
  package init(
    x: UnsafePointer<Float>, dy: UnsafePointer<Float>, scale: UnsafePointer<Float>,
    shift: UnsafePointer<Float>, savedMean: UnsafePointer<Float>,
    savedInverseDeviation: UnsafePointer<Float>, dScale: UnsafePointer<Float>, dShift: UnsafePointer<Float>,
    rows: Int, channels: Int, activation: Activation, spread: GradientSpread?
  ) {
    precondition(!RowFolding(rows: rows, channels: channels).isFolded, "rows are taken as they are")
    self.x = x
    self.dy = dy
    self.scale = scale
    self.shift = shift
    self.savedMean = savedMean
    self.savedInverseDeviation = savedInverseDeviation
    self.dScale = dScale
    self.dShift = dShift
    self.rows = rows
    self.channels = channels
    self.activation = activation
    self.spread = spread
  }

  /// Works out what belongs to channels in `memory`, `KernelScratch.gradientCoefficients` floats that `write` reads.
  func prepare(_ memory: UnsafeMutablePointer<Float>) {
    for c in 0..<channels { memory[c] = scale[c] * savedInverseDeviation[c] }
    InputGradientCoefficients(centers: memory + channels, tilts: memory + 2 * channels).compute(
      slopes: memory, savedInverseDeviation: savedInverseDeviation, dScale: dScale, dShift: dShift,
      rows: rows,
      channels: channels)
  }

  /// The gradients of the rows `range`, [range.count, channels], into `target`.
  func write(
    _ range: Range<Int>, _ memory: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>
  ) {
    let channelwise = Channelwise(
      mean: ChannelValues(savedMean), slope: ChannelValues(memory), shift: ChannelValues(shift))
    let offset = range.lowerBound * channels
    func write(_ dy: UnsafePointer<Float>, _ gradients: some GradientRows) {
      activation.run(
        InputGradients(
          channelwise: channelwise, isWide: false, centers: memory + channels, tilts: memory + 2 * channels,
          x: x + offset, dy: dy, gradients: gradients, dx: target, rows: range.count, channels: channels))
    }
    if let spread {
      write(dy, SpreadRows(spread, channels: channels, firstRow: range.lowerBound))
    } else {
      write(dy + offset, OwnRows(channels: channels))
    }
  }
}

/// What the forward pass computed y from: y = (x - mean) slope + shift.
private struct Channelwise {
  let mean, slope, shift: ChannelValues

  @inline(__always)
  func values(wide isWide: Bool) -> (
    mean: UnsafePointer<Float>, slope: UnsafePointer<Float>, shift: UnsafePointer<Float>
  ) {
    (mean.values(wide: isWide), slope.values(wide: isWide), shift.values(wide: isWide))
  }
}

/// `sums[0]` += sums of g, `sums[1]` += sums of g (x - mean).
private struct SummedGradients<Gradients: GradientRows>: ActivatedWork {
  let channelwise: Channelwise
  let isWide: Bool
  let x, dy: UnsafePointer<Float>
  let gradients: Gradients
  let rows, channels: Int
  let sums: UnsafeMutablePointer<Float>

  func run<Function: ActivationFunction>(_ function: Function) {
    let (means, slopes, shifts) = channelwise.values(wide: isWide)
    forEachGradientGroup(gradients, rows: rows) { row, count, starts in
      let x = x + row &* channels
      var c = 0
      while c &+ 8 <= channels {
        let (mean, slope, shift) = (load(means, c), load(slopes, c), load(shifts, c))
        var (plain, weighted) = (Vector.zero, Vector.zero)
        var i = c
        for k in 0..<count {
          let deviation = load(x, i) - mean
          let g = function.gradient(gradients.value(load(dy, starts[k] &+ c)), at: deviation * slope + shift)
          plain += g
          weighted += g * deviation
          i &+= channels
        }
        store(load(sums, c) + plain, sums, c)
        store(load(sums, c &+ channels) + weighted, sums, c &+ channels)
        c &+= 8
      }
      while c < channels {
        var (plain, weighted): (Float, Float) = (0, 0)
        var i = c
        for k in 0..<count {
          let deviation = x[i] - means[c]
          let g = function.gradient(
            gradients.value(dy[starts[k] &+ c]), at: deviation * slopes[c] + shifts[c])
          plain += g
          weighted += g * deviation
          i &+= channels
        }
        sums[c] += plain
        sums[c &+ channels] += weighted
        c &+= 1
      }
    }
  }
}

/// dx = slope g - center - (x - mean) tilt.
private struct InputGradients<Gradients: GradientRows>: ActivatedWork {
  let channelwise: Channelwise
  let isWide: Bool
  let centers, tilts, x, dy: UnsafePointer<Float>
  let gradients: Gradients
  let dx: UnsafeMutablePointer<Float>
  let rows, channels: Int

  func run<Function: ActivationFunction>(_ function: Function) {
    let (means, slopes, shifts) = channelwise.values(wide: isWide)
    forEachGradientGroup(gradients, rows: rows) { row, count, starts in
      let (x, dx) = (x + row &* channels, dx + row &* channels)
      var c = 0
      while c &+ 8 <= channels {
        let (mean, slope, shift) = (load(means, c), load(slopes, c), load(shifts, c))
        let (center, tilt) = (load(centers, c), load(tilts, c))
        var i = c
        for k in 0..<count {
          let deviation = load(x, i) - mean
          let g = function.gradient(gradients.value(load(dy, starts[k] &+ c)), at: deviation * slope + shift)
          store(g * slope - center - deviation * tilt, dx, i)
          i &+= channels
        }
        c &+= 8
      }
      while c < channels {
        var i = c
        for k in 0..<count {
          let deviation = x[i] - means[c]
          let g = function.gradient(
            gradients.value(dy[starts[k] &+ c]), at: deviation * slopes[c] + shifts[c])
          dx[i] = g * slopes[c] - centers[c] - deviation * tilts[c]
          i &+= channels
        }
        c &+= 1
      }
    }
  }
}

/// As `forEachRowGroup`, with where the gradients of the group's rows begin.
@inline(__always)
private func forEachGradientGroup(
  _ gradients: some GradientRows, rows: Int,
  _ body: (_ row: Int, _ count: Int, _ starts: UnsafeMutablePointer<Int>) -> Void
) {
  withUnsafeTemporaryAllocation(of: Int.self, capacity: 8) { table in
    let starts = table.baseAddress!
    forEachRowGroup(0..<rows) { row, count in
      for k in 0..<count { starts[k] = gradients.start(ofRow: row &+ k) }
      body(row, count, starts)
    }
  }
}
