/// Extents of a batch of feature maps, stored NHWC: channels innermost. A row of features (after a linear layer) is a
/// picture of 1x1.
package struct Shape: Hashable, Sendable {
  package var batch, height, width, channels: Int

  package init(batch: Int, height: Int, width: Int, channels: Int) {
    self.batch = batch
    self.height = height
    self.width = width
    self.channels = channels
  }

  package var elementCount: Int { batch * height * width * channels }
  /// Rows of the same memory seen as a matrix `[rows, channels]`.
  package var rows: Int { batch * height * width }
  package var elementsPerPicture: Int { height * width * channels }

  package func with(height: Int? = nil, width: Int? = nil, channels: Int? = nil) -> Shape {
    Shape(
      batch: batch, height: height ?? self.height, width: width ?? self.width,
      channels: channels ?? self.channels)
  }
}

/// What a value is in memory.
package enum TensorType: Hashable, Sendable {
  /// Float32, NHWC.
  case pictures(Shape)
  /// Float32 weights of a convolution, HWIO: `[kernelSize * kernelSize * inChannels, outChannels]`.
  case filter(kernelSize: Int, inChannels: Int, outChannels: Int)
  /// Float32 weights of a linear layer, `[outFeatures, inFeatures]`; the input's features are a flattened picture
  /// `height x width x channels` in this order, which the export turns into PyTorch's channel, height, width.
  case matrix(outFeatures: Int, height: Int, width: Int, channels: Int)
  /// Float32, one a channel or feature.
  case vector(Int)
  /// Int32 class indices, one a picture.
  case labels(batch: Int)
  /// One byte an output of a max-pool: which element of the window won, row major.
  case windowIndices(Shape)
  /// Float32: sum of losses, pictures right, pictures with the label among the first five, and a spare.
  case metrics

  package var elementCount: Int {
    switch self {
    case .pictures(let shape), .windowIndices(let shape): shape.elementCount
    case .filter(let kernelSize, let inChannels, let outChannels):
      kernelSize * kernelSize * inChannels * outChannels
    case .matrix(let outFeatures, let height, let width, let channels):
      outFeatures * height * width * channels
    case .vector(let count): count
    case .labels(let batch): batch
    case .metrics: 4
    }
  }

  package var byteCount: Int {
    switch self {
    case .pictures, .filter, .matrix, .vector, .metrics, .labels: 4 * elementCount
    case .windowIndices: elementCount
    }
  }

  /// Extents of a tensor that is stored, in PyTorch's order: convolutions O, I, H, W; linear layers out, in.
  package var pyTorchShape: [Int] {
    switch self {
    case .filter(let kernelSize, let inChannels, let outChannels):
      [outChannels, inChannels, kernelSize, kernelSize]
    case .matrix(let outFeatures, let height, let width, let channels):
      [outFeatures, channels * height * width]
    case .vector(let count): [count]
    case .pictures, .labels, .windowIndices, .metrics:
      preconditionFailure("only parameters and statistics are stored")
    }
  }

  /// The extents of a picture batch; traps for anything else.
  package var shape: Shape {
    guard case .pictures(let shape) = self else {
      preconditionFailure("the verifier lets only pictures here")
    }
    return shape
  }
}

extension TensorType: CustomStringConvertible {
  package var description: String {
    switch self {
    case .pictures(let shape): "f32 \(shape)"
    case .filter(let kernelSize, let inChannels, let outChannels):
      "f32 \(kernelSize)x\(kernelSize)x\(inChannels)x\(outChannels)"
    case .matrix(let outFeatures, let height, let width, let channels):
      "f32 \(outFeatures)x\(height * width * channels)"
    case .vector(let count): "f32 \(count)"
    case .labels(let batch): "i32 \(batch)"
    case .windowIndices(let shape): "u8 \(shape)"
    case .metrics: "f32 4"
    }
  }
}

extension Shape: CustomStringConvertible {
  package var description: String { "\(batch)x\(height)x\(width)x\(channels)" }
}
