/// Working memory of every kernel, as a function of the sizes that the kernel is called with. A kernel needs no more for
/// a smaller batch: what was planned for a full one serves the last one too.
package enum KernelScratch {
  // MARK: Convolution

  package static func convolutionForward(
    _ geometry: ConvolutionGeometry, _ algorithm: ConvolutionAlgorithm
  ) -> Scratch {
    switch algorithm {
    case .pointwise: .none
    case .im2col:
      NarrowConvolutionCost(geometry)?.forwardScratch
        ?? Scratch(floatsPerWorker: geometry.im2colRowsPerBlock * geometry.livePatchColumns.count)
    case .winograd4x4: WinogradCost(geometry, tile: 4).convolutionScratch
    case .winograd2x2: WinogradCost(geometry, tile: 2).convolutionScratch
    }
  }

  package static func convolutionInputGradient(
    _ geometry: ConvolutionGeometry, _ algorithm: ConvolutionAlgorithm
  ) -> Scratch {
    switch algorithm {
    case .pointwise: .none
    case .im2col:
      if let transposed = geometry.transposedForward {
        turnedFilterScratch(transposed, then: convolutionForward(transposed, .im2col))
      } else {
        Scratch(floatsPerWorker: geometry.im2colRowsPerBlock * geometry.patchSize)
      }
    case .winograd4x4: WinogradCost(geometry.inputGradientForward, tile: 4).inPlaceScratch
    case .winograd2x2: WinogradCost(geometry.inputGradientForward, tile: 2).inPlaceScratch
    }
  }

  package static func convolutionWeightGradient(
    _ geometry: ConvolutionGeometry, _ algorithm: ConvolutionAlgorithm
  ) -> Scratch {
    switch algorithm {
    case .pointwise: WeightGradientCost(geometry).accumulatorScratch
    case .im2col:
      NarrowConvolutionCost(geometry)?.weightGradientScratch ?? WeightGradientCost(geometry).scratch
    case .winograd4x4: WinogradCost(geometry, tile: 4).weightGradientScratch
    case .winograd2x2: WinogradCost(geometry, tile: 2).weightGradientScratch
    }
  }

  /// By im2col, with a block of the gradient a worker, and three coefficients a channel.
  package static func normalizedWeightGradient(_ geometry: ConvolutionGeometry) -> Scratch {
    let cost = WeightGradientCost(geometry)
    return Scratch(
      sharedFloats: cost.scratch.sharedFloats + 3 * geometry.outChannels,
      floatsPerWorker: cost.scratch.floatsPerWorker + cost.rowsPerBlock * geometry.outChannels)
  }

  /// The filter turned by half a circle, in front of what its forward pass shares.
  private static func turnedFilterScratch(_ transposed: ConvolutionGeometry, then pass: Scratch) -> Scratch {
    Scratch(
      sharedFloats: turnedFilterFloats(transposed) + pass.sharedFloats, floatsPerWorker: pass.floatsPerWorker)
  }

  /// Whole lines of the cache, so that what lies behind starts on one.
  package static func turnedFilterFloats(_ transposed: ConvolutionGeometry) -> Int {
    (transposed.patchSize * transposed.outChannels + 15) & ~15
  }

  package static func convolution(
    _ operation: ConvolutionOperation, _ geometry: ConvolutionGeometry, _ algorithm: ConvolutionAlgorithm
  ) -> Scratch {
    switch operation {
    case .forward: convolutionForward(geometry, algorithm)
    case .inputGradient: convolutionInputGradient(geometry, algorithm)
    case .weightGradient: convolutionWeightGradient(geometry, algorithm)
    }
  }

  // MARK: Linear

  package static func linearForward(rows: Int, inFeatures: Int, outFeatures: Int) -> Scratch { .none }
  package static func linearInputGradient(rows: Int, inFeatures: Int, outFeatures: Int) -> Scratch { .none }
  package static func linearWeightGradient(rows: Int, inFeatures: Int, outFeatures: Int) -> Scratch { .none }

  // MARK: Sums over rows

  package static func columnSums(rows: Int, columns: Int) -> Scratch {
    Scratch(
      sharedFloats: Blocks.sumBlockLimit(rows: rows, columns: columns) * columns,
      floatsPerWorker: RowFolding(rows: rows, channels: columns).expandedFloats)
  }

  /// Mean and sum of squared deviations of each block of rows. Where rows are folded, mean, slope and shift in wide rows, and
  /// a wide row of each of the block's two a worker.
  package static func batchNormTraining(rows: Int, channels: Int) -> Scratch {
    let expanded = RowFolding(rows: rows, channels: channels).expandedFloats
    return Scratch(
      sharedFloats: 2 * Blocks.sumBlockLimit(rows: rows, columns: channels) * channels + 3 * expanded,
      floatsPerWorker: 2 * expanded)
  }

  /// A factor a channel; mean, slope and shift in wide rows.
  package static func batchNormInference(rows: Int, channels: Int) -> Scratch {
    Scratch(sharedFloats: channels + 3 * RowFolding(rows: rows, channels: channels).expandedFloats)
  }

  /// Two sums of each block of rows, then two coefficients a channel. Where rows are folded, five of what belongs to channels
  /// in wide rows, and two wide rows of sums a worker.
  package static func batchNormBackward(rows: Int, channels: Int) -> Scratch {
    let expanded = RowFolding(rows: rows, channels: channels).expandedFloats
    return Scratch(
      sharedFloats: 2 * (Blocks.sumBlockLimit(rows: rows, columns: channels) + 1) * channels + 5 * expanded,
      floatsPerWorker: 2 * expanded)
  }

  package static func foldBatchNorm(patchSize: Int, outChannels: Int) -> Scratch {
    Scratch(sharedFloats: outChannels)
  }

  /// Loss and two flags a row.
  package static func softmaxCrossEntropy(rows: Int, classes: Int) -> Scratch {
    Scratch(sharedFloats: 3 * rows)
  }
}
