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
      Scratch(floatsPerWorker: geometry.im2colRowsPerBlock * geometry.patchSize)
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
        Scratch(
          sharedFloats: transposed.patchSize * transposed.outChannels,
          floatsPerWorker: transposed.im2colRowsPerBlock * transposed.patchSize)
      } else {
        Scratch(floatsPerWorker: geometry.im2colRowsPerBlock * geometry.patchSize)
      }
    case .winograd4x4: WinogradCost(geometry.withChannelsSwapped, tile: 4).convolutionScratch
    case .winograd2x2: WinogradCost(geometry.withChannelsSwapped, tile: 2).convolutionScratch
    }
  }

  package static func convolutionWeightGradient(
    _ geometry: ConvolutionGeometry, _ algorithm: ConvolutionAlgorithm
  ) -> Scratch {
    switch algorithm {
    case .pointwise: WeightGradientCost(geometry).accumulatorScratch
    case .im2col: WeightGradientCost(geometry).scratch
    case .winograd4x4: WinogradCost(geometry, tile: 4).weightGradientScratch
    case .winograd2x2: WinogradCost(geometry, tile: 2).weightGradientScratch
    }
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
    Scratch(sharedFloats: Blocks.sumBlockLimit(rows: rows, columns: columns) * columns)
  }

  /// Mean and sum of squared deviations of each block of rows.
  package static func batchNormTraining(rows: Int, channels: Int) -> Scratch {
    Scratch(sharedFloats: 2 * Blocks.sumBlockLimit(rows: rows, columns: channels) * channels)
  }

  /// A factor a channel.
  package static func batchNormInference(rows: Int, channels: Int) -> Scratch {
    Scratch(sharedFloats: channels)
  }

  /// Two sums of each block of rows, then two coefficients a channel.
  package static func batchNormBackward(rows: Int, channels: Int) -> Scratch {
    Scratch(sharedFloats: 2 * (Blocks.sumBlockLimit(rows: rows, columns: channels) + 1) * channels)
  }

  package static func foldBatchNorm(patchSize: Int, outChannels: Int) -> Scratch {
    Scratch(sharedFloats: outChannels)
  }

  /// Loss and two flags a row.
  package static func softmaxCrossEntropy(rows: Int, classes: Int) -> Scratch {
    Scratch(sharedFloats: 3 * rows)
  }
}
