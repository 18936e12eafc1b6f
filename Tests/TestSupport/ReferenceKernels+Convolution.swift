/// A square kernel that moves by `stride` over images with `padding` zeros around them.
package struct ReferenceConvolution: Hashable, Sendable, CustomStringConvertible {
  package var outChannels, kernelSize, stride, padding: Int

  package init(outChannels: Int, kernelSize: Int, stride: Int = 1, padding: Int = 0) {
    self.outChannels = outChannels
    self.kernelSize = kernelSize
    self.stride = stride
    self.padding = padding
  }

  package var description: String { "\(kernelSize)x\(kernelSize) s\(stride) p\(padding) to \(outChannels)" }

  package func outExtent(_ extent: Int) -> Int { (extent + 2 * padding - kernelSize) / stride + 1 }

  package func filterCount(inChannels: Int) -> Int { kernelSize * kernelSize * inChannels * outChannels }

  /// Calls `body` for every product of the convolution: output position, input position inside the image, and the
  /// kernel's row and column that joins them.
  fileprivate func forEachTap(
    height: Int, width: Int, _ body: (_ out: (Int, Int), _ in: (Int, Int), _ kernel: (Int, Int)) -> Void
  ) {
    for outI in 0..<outExtent(height) {
      for outJ in 0..<outExtent(width) {
        for kernelI in 0..<kernelSize {
          for kernelJ in 0..<kernelSize {
            let i = outI * stride + kernelI - padding
            let j = outJ * stride + kernelJ - padding
            if 0 <= i, i < height, 0 <= j, j < width { body((outI, outJ), (i, j), (kernelI, kernelJ)) }
          }
        }
      }
    }
  }

  fileprivate func filterIndex(_ kernel: (Int, Int), _ c: Int, _ out: Int, inChannels: Int) -> Int {
    ((kernel.0 * kernelSize + kernel.1) * inChannels + c) * outChannels + out
  }
}

extension Reference {
  /// `y = x ⋆ filter + bias`, cross-correlation; `relu` cuts it at 0.
  package static func convolutionForward(
    _ x: Images, filter: [Double], bias: [Double]? = nil, relu: Bool = false,
    _ convolution: ReferenceConvolution
  ) -> Images {
    let outChannels = convolution.outChannels
    var y = Images(
      batch: x.batch, height: convolution.outExtent(x.height), width: convolution.outExtent(x.width),
      channels: outChannels)
    for n in 0..<x.batch {
      convolution.forEachTap(height: x.height, width: x.width) { out, position, kernel in
        for c in 0..<x.channels {
          let value = x[n, position.0, position.1, c]
          for k in 0..<outChannels {
            y[n, out.0, out.1, k] +=
              value * filter[convolution.filterIndex(kernel, c, k, inChannels: x.channels)]
          }
        }
      }
    }
    if let bias {
      for row in 0..<y.rows {
        for k in 0..<outChannels { y[row, k] += bias[k] }
      }
    }
    return relu ? y.with(values: reluForward(y.values)) : y
  }

  /// The gradient with respect to images of `height` x `width` x `inChannels`.
  package static func convolutionInputGradient(
    outputGradient: Images, filter: [Double], height: Int, width: Int, inChannels: Int,
    _ convolution: ReferenceConvolution
  ) -> Images {
    var gradient = Images(batch: outputGradient.batch, height: height, width: width, channels: inChannels)
    for n in 0..<outputGradient.batch {
      convolution.forEachTap(height: height, width: width) { out, position, kernel in
        for c in 0..<inChannels {
          var sum = 0.0
          for k in 0..<convolution.outChannels {
            sum +=
              outputGradient[n, out.0, out.1, k]
              * filter[convolution.filterIndex(kernel, c, k, inChannels: inChannels)]
          }
          gradient[n, position.0, position.1, c] += sum
        }
      }
    }
    return gradient
  }

  /// The gradient with respect to the filter, summed over the batch. A bias' gradient is `columnSums(outputGradient)`.
  package static func convolutionWeightGradient(
    _ x: Images, outputGradient: Images, _ convolution: ReferenceConvolution
  ) -> [Double] {
    var gradient = [Double](repeating: 0, count: convolution.filterCount(inChannels: x.channels))
    for n in 0..<x.batch {
      convolution.forEachTap(height: x.height, width: x.width) { out, position, kernel in
        for c in 0..<x.channels {
          let value = x[n, position.0, position.1, c]
          for k in 0..<convolution.outChannels {
            gradient[convolution.filterIndex(kernel, c, k, inChannels: x.channels)] +=
              value * outputGradient[n, out.0, out.1, k]
          }
        }
      }
    }
    return gradient
  }

  /// `y = x Wᵀ + bias`; `x` is `[rows, in]`, `weight` `[out, in]`.
  package static func linearForward(
    _ x: Images, weight: [Double], bias: [Double]? = nil, outFeatures: Int, relu: Bool = false
  ) -> Images {
    var y = Images(batch: x.rows, height: 1, width: 1, channels: outFeatures)
    for row in 0..<x.rows {
      for out in 0..<outFeatures {
        var sum = bias?[out] ?? 0
        for c in 0..<x.channels { sum += x[row, c] * weight[out * x.channels + c] }
        y[row, out] = sum
      }
    }
    return relu ? y.with(values: reluForward(y.values)) : y
  }

  package static func linearInputGradient(
    outputGradient: Images, weight: [Double], inFeatures: Int
  ) -> Images {
    var gradient = Images(batch: outputGradient.rows, height: 1, width: 1, channels: inFeatures)
    for row in 0..<outputGradient.rows {
      for out in 0..<outputGradient.channels {
        for c in 0..<inFeatures {
          gradient[row, c] += outputGradient[row, out] * weight[out * inFeatures + c]
        }
      }
    }
    return gradient
  }

  package static func linearWeightGradient(_ x: Images, outputGradient: Images) -> [Double] {
    var gradient = [Double](repeating: 0, count: outputGradient.channels * x.channels)
    for row in 0..<x.rows {
      for out in 0..<outputGradient.channels {
        for c in 0..<x.channels { gradient[out * x.channels + c] += outputGradient[row, out] * x[row, c] }
      }
    }
    return gradient
  }
}
