package import CostModel

/// Batch normalisation over rows, per channel (Ioffe and Szegedy, 2015), in training. `x`, `y` [rows, channels], not the same.
///
/// The biased variance normalises; the running variance takes in the unbiased one, running = (1 - momentum) running +
/// momentum batch; one that becomes infinite or NaN is noted (`Workers.takeNotFinite`). Without running statistics none are
/// touched, whatever the batch's are. `savedMean` and `savedInverseDeviation`, 1 / sqrt(variance + epsilon), are what the backward pass needs.
/// `activation` is applied to what comes out. Without `y` there are the statistics alone, for kernels that normalise what they read.
package func batchNormTraining(
  x: UnsafePointer<Float>, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
  runningMean: UnsafeMutablePointer<Float>?, runningVariance: UnsafeMutablePointer<Float>?,
  y: UnsafeMutablePointer<Float>?, savedMean: UnsafeMutablePointer<Float>,
  savedInverseDeviation: UnsafeMutablePointer<Float>, rows: Int, channels: Int, activation: Activation,
  epsilon: Float,
  momentum: Float, context: KernelContext
) {
  let scratch = context.layOut(KernelScratch.batchNormTraining(rows: rows, channels: channels))
  let folding = RowFolding(rows: rows, channels: channels)
  let partial = scratch.shared
  let blocks = Blocks.sums(rows: rows, columns: channels)
  context.workers.forEach(blocks.blockCount) { item, worker in
    let means = partial + item * 2 * channels
    blockStatistics(
      x, blocks[item], folding, means: means, squares: means + channels,
      wideRows: folding.isFolded ? scratch.worker(worker) : nil)
  }
  let groups = Blocks(count: channels, size: 32)
  context.workers.forEach(groups.blockCount) { item, _ in
    var check = FiniteCheck()
    for c in groups[item] {
      let (mean, squares) = mergedStatistics(partial + c, blocks: blocks, channels: channels)
      let variance = squares / Double(rows)
      savedMean[c] = Float(mean)
      savedInverseDeviation[c] = Float(1 / (variance + Double(epsilon)).squareRoot())
      if let runningMean, let runningVariance {
        let unbiased = rows > 1 ? squares / Double(rows - 1) : variance
        runningMean[c] = moved(runningMean[c], towards: Float(mean), by: momentum)
        runningVariance[c] = moved(runningVariance[c], towards: Float(unbiased), by: momentum)
        check.add(runningMean[c])
        check.add(runningVariance[c])
      }
      // The slope takes the first block's place: this channel's statistics are merged.
      partial[c] = scale[c] * savedInverseDeviation[c]
    }
    context.workers.note(check)
  }
  guard let y else { return }
  normalize(
    x: x, mean: savedMean, slope: partial, shift: shift, y: y, rows: rows, folding: folding,
    activation: activation,
    wideRows: partial + 2 * Blocks.sumBlockLimit(rows: rows, columns: channels) * channels, context: context)
}

/// (1 - momentum) running + momentum batch. The difference first, which rounds less; where that has no value, infinities
/// stay infinite, and only what is NaN already gives NaN.
private func moved(_ running: Float, towards batch: Float, by momentum: Float) -> Float {
  let moved = running + momentum * (batch - running)
  return moved.isFinite ? moved : (1 - momentum) * running + momentum * batch
}

/// Batch normalisation with the running statistics. `y` may be `x`.
package func batchNormInference(
  x: UnsafePointer<Float>, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
  runningMean: UnsafePointer<Float>, runningVariance: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>,
  rows: Int, channels: Int, activation: Activation, epsilon: Float, context: KernelContext
) {
  let slope = context.layOut(KernelScratch.batchNormInference(rows: rows, channels: channels)).shared
  for c in 0..<channels { slope[c] = scale[c] / (runningVariance[c] + epsilon).squareRoot() }
  normalize(
    x: x, mean: runningMean, slope: slope, shift: shift, y: y, rows: rows,
    folding: RowFolding(rows: rows, channels: channels), activation: activation, wideRows: slope + channels,
    context: context)
}

/// Batch normalisation with statistics that training saved: the same `y` once more, to the bit. `y` may be `x`.
package func batchNormSaved(
  x: UnsafePointer<Float>, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
  savedMean: UnsafePointer<Float>, savedInverseDeviation: UnsafePointer<Float>,
  y: UnsafeMutablePointer<Float>, rows: Int, channels: Int, activation: Activation, context: KernelContext
) {
  let slope = context.layOut(KernelScratch.batchNormInference(rows: rows, channels: channels)).shared
  for c in 0..<channels { slope[c] = scale[c] * savedInverseDeviation[c] }
  normalize(
    x: x, mean: savedMean, slope: slope, shift: shift, y: y, rows: rows,
    folding: RowFolding(rows: rows, channels: channels), activation: activation, wideRows: slope + channels,
    context: context)
}

/// Folds a batch norm that follows a convolution into it: filter' = filter scale / sqrt(variance + epsilon) for each output
/// channel, bias' = (bias - mean) scale / sqrt(variance + epsilon) + shift. `filter` [patchSize, outChannels].
package func foldBatchNorm(
  filter: UnsafePointer<Float>, bias: UnsafePointer<Float>?, scale: UnsafePointer<Float>,
  shift: UnsafePointer<Float>, runningMean: UnsafePointer<Float>, runningVariance: UnsafePointer<Float>,
  foldedFilter: UnsafeMutablePointer<Float>, foldedBias: UnsafeMutablePointer<Float>, patchSize: Int,
  outChannels: Int, epsilon: Float, context: KernelContext
) {
  let slope = context.layOut(KernelScratch.foldBatchNorm(patchSize: patchSize, outChannels: outChannels))
    .shared
  for c in 0..<outChannels {
    slope[c] = scale[c] / (runningVariance[c] + epsilon).squareRoot()
    foldedBias[c] = ((bias?[c] ?? 0) - runningMean[c]) * slope[c] + shift[c]
  }
  let blocks = Blocks.rows(patchSize, columns: outChannels)
  context.workers.forEach(blocks.blockCount) { item, _ in
    for row in blocks[item] {
      let (source, target) = (filter + row * outChannels, foldedFilter + row * outChannels)
      var c = 0
      while c &+ 8 <= outChannels {
        store(load(source, c) * load(slope, c), target, c)
        c &+= 8
      }
      while c < outChannels {
        target[c] = source[c] * slope[c]
        c &+= 1
      }
    }
  }
}

/// y = f((x - mean) slope + shift). The difference first: where the mean is large against the deviation, x slope would lose it.
/// `wideRows` has place for three wide rows where rows are folded.
private func normalize(
  x: UnsafePointer<Float>, mean: UnsafePointer<Float>, slope: UnsafePointer<Float>,
  shift: UnsafePointer<Float>,
  y: UnsafeMutablePointer<Float>, rows: Int, folding: RowFolding, activation: Activation,
  wideRows: UnsafeMutablePointer<Float>, context: KernelContext
) {
  var memory = wideRows
  let means = ChannelValues(mean, folding, expandedInto: &memory)
  let slopes = ChannelValues(slope, folding, expandedInto: &memory)
  let shifts = ChannelValues(shift, folding, expandedInto: &memory)
  let blocks = Blocks.rows(rows, columns: folding.channels)
  context.workers.forEach(blocks.blockCount) { item, _ in
    folding.forEachPart(of: blocks[item]) { offset, rows, channels, isWide in
      activation.run(
        NormalizedRows(
          x: x + offset, mean: means.values(wide: isWide), slope: slopes.values(wide: isWide),
          shift: shifts.values(wide: isWide), y: y + offset, rows: rows, channels: channels))
    }
  }
}

private struct NormalizedRows: ActivatedWork {
  let x, mean, slope, shift: UnsafePointer<Float>
  let y: UnsafeMutablePointer<Float>
  let rows, channels: Int

  func run<Function: ActivationFunction>(_ function: Function) {
    forEachRowGroup(0..<rows) { row, count in
      let (x, y) = (x + row &* channels, y + row &* channels)
      var c = 0
      while c &+ 8 <= channels {
        let (mean, slope, shift) = (load(mean, c), load(slope, c), load(shift, c))
        var i = c
        for _ in 0..<count {
          store(function.value((load(x, i) - mean) * slope + shift), y, i)
          i &+= channels
        }
        c &+= 8
      }
      while c < channels {
        var i = c
        for _ in 0..<count {
          y[i] = function.value((x[i] - mean[c]) * slope[c] + shift[c])
          i &+= channels
        }
        c &+= 1
      }
    }
  }
}

/// Mean of each channel over a block, then the squared deviations' sum: two passes over what the cache holds. `wideRows` has
/// place for two wide rows where rows are folded.
private func blockStatistics(
  _ x: UnsafePointer<Float>, _ range: Range<Int>, _ folding: RowFolding, means: UnsafeMutablePointer<Float>,
  squares: UnsafeMutablePointer<Float>, wideRows: UnsafeMutablePointer<Float>?
) {
  addRows(x, range, folding, into: means, wideSums: wideRows)
  let share = 1 / Float(range.count)
  for c in 0..<folding.channels {
    means[c] *= share
    squares[c] = 0
  }
  if let wideRows { folding.expand(means, into: wideRows) }
  folding.forEachPart(of: range) { offset, rows, channels, isWide in
    guard isWide, let wideRows else {
      addSquares(x + offset, means: means, rows: rows, channels: channels, to: squares)
      return
    }
    let sums = wideRows + channels
    clear(sums, count: channels)
    addSquares(x + offset, means: wideRows, rows: rows, channels: channels, to: sums)
    folding.addFolded(sums, to: squares)
  }
}

/// squares[c] += sum of (x[r, c] - means[c])^2.
private func addSquares(
  _ x: UnsafePointer<Float>, means: UnsafePointer<Float>, rows: Int, channels: Int,
  to squares: UnsafeMutablePointer<Float>
) {
  forEachRowGroup(0..<rows) { row, count in
    let x = x + row &* channels
    var c = 0
    while c &+ 8 <= channels {
      let mean = load(means, c)
      var sum = Vector.zero
      var i = c
      for _ in 0..<count {
        let deviation = load(x, i) - mean
        sum += deviation * deviation
        i &+= channels
      }
      store(load(squares, c) + sum, squares, c)
      c &+= 8
    }
    while c < channels {
      var sum: Float = 0
      var i = c
      for _ in 0..<count {
        let deviation = x[i] - means[c]
        sum += deviation * deviation
        i &+= channels
      }
      squares[c] += sum
      c &+= 1
    }
  }
}

/// Statistics of all rows from those of the blocks, in double precision and in order (Chan, Golub and LeVeque, 1979):
/// the blocks' squares add up, and so do the squares of their means' distances from the mean of all.
private func mergedStatistics(
  _ partial: UnsafePointer<Float>, blocks: Blocks, channels: Int
) -> (mean: Double, squares: Double) {
  var sum = 0.0
  for block in 0..<blocks.blockCount {
    sum += Double(partial[block &* 2 &* channels]) * Double(blocks[block].count)
  }
  let mean = sum / Double(blocks.count)
  var squares = 0.0
  for block in 0..<blocks.blockCount {
    let distance = Double(partial[block &* 2 &* channels]) - mean
    squares +=
      Double(partial[(block &* 2 &+ 1) &* channels]) + distance * distance * Double(blocks[block].count)
  }
  return (mean, squares)
}
