/// From PyTorch's layouts, which fixtures and model files hold, to those that kernels and reference compute in.
package enum PyTorchLayouts {
  /// Images from `[N, C, H, W]`.
  package static func images(_ tensor: Fixture.Tensor) -> Images {
    precondition(tensor.shape.count == 4, "images have four dimensions")
    let (batch, channels, height, width) = (
      tensor.shape[0], tensor.shape[1], tensor.shape[2], tensor.shape[3]
    )
    var result = Images(batch: batch, height: height, width: width, channels: channels)
    var index = 0
    for n in 0..<batch {
      for c in 0..<channels {
        for i in 0..<height {
          for j in 0..<width {
            result[n, i, j, c] = tensor.values[index]
            index += 1
          }
        }
      }
    }
    return result
  }

  /// A convolution's filter `[k*k*C, K]` (kernel row, kernel column, input channel; output channel) from `[K, C, k, k]`.
  package static func filter(_ tensor: Fixture.Tensor) -> [Double] {
    precondition(tensor.shape.count == 4, "filters have four dimensions")
    let (outChannels, inChannels) = (tensor.shape[0], tensor.shape[1])
    let (rows, columns) = (tensor.shape[2], tensor.shape[3])
    var result = [Double](repeating: 0, count: tensor.values.count)
    var index = 0
    for out in 0..<outChannels {
      for c in 0..<inChannels {
        for i in 0..<rows {
          for j in 0..<columns {
            result[((i * columns + j) * inChannels + c) * outChannels + out] = tensor.values[index]
            index += 1
          }
        }
      }
    }
    return result
  }

  /// Weights `[out, in]` of the first linear layer behind a flatten: input features from channel, row, column order to
  /// row, column, channel order. Traps unless the input features are `channels * height * width`.
  package static func flattenedLinearWeight(
    _ tensor: Fixture.Tensor, channels: Int, height: Int, width: Int
  ) -> [Double] {
    let features = channels * height * width
    precondition(tensor.shape.count == 2 && tensor.shape[1] == features, "input features of the linear layer")
    var result = [Double](repeating: 0, count: tensor.values.count)
    for out in 0..<tensor.shape[0] {
      for c in 0..<channels {
        for position in 0..<(height * width) {
          result[out * features + position * channels + c] =
            tensor.values[out * features + c * height * width + position]
        }
      }
    }
    return result
  }
}
