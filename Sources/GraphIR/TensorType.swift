/// How one element of a value is stored. What a value takes in memory follows from here and from its extent.
package enum ElementType: String, Hashable, Sendable, CaseIterable {
  case float32 = "f32"
  case int32 = "i32"
  case uint8 = "u8"

  package var byteCount: Int {
    switch self {
    case .float32, .int32: 4
    case .uint8: 1
    }
  }
}

/// Of how many elements a value is, and in which order they lie.
package enum TensorExtent: Hashable, Sendable {
  /// Feature maps, NHWC.
  case images(Shape)
  /// Weights of a convolution, HWIO: `[kernelSize * kernelSize * inChannels, outChannels]`.
  case filter(kernelSize: Int, inChannels: Int, outChannels: Int)
  /// Weights of a linear layer, `[outFeatures, inFeatures]`; the input's features are a flattened image
  /// `height x width x channels` in this order, which the export turns into PyTorch's channel, height, width.
  case matrix(outFeatures: Int, height: Int, width: Int, channels: Int)
  /// One a channel or feature.
  case vector(Int)
  /// Class indices, one an image.
  case labels(batch: Int)
  /// Sum of losses, images right, images with the label among the first five, and a spare.
  case metrics

  package var elementCount: Int {
    switch self {
    case .images(let shape): shape.elementCount
    case .filter(let kernelSize, let inChannels, let outChannels):
      kernelSize * kernelSize * inChannels * outChannels
    case .matrix(let outFeatures, let height, let width, let channels):
      outFeatures * height * width * channels
    case .vector(let count): count
    case .labels(let batch): batch
    case .metrics: 4
    }
  }

  /// The part that so many images fill.
  package func with(batch: Int) -> TensorExtent {
    switch self {
    case .images(var shape):
      shape.batch = batch
      return .images(shape)
    case .labels: return .labels(batch: batch)
    case .filter, .matrix, .vector, .metrics: return self
    }
  }
}

/// What a value is in memory: elements of one type over an extent.
package struct TensorType: Hashable, Sendable {
  package var element: ElementType
  package var extent: TensorExtent

  package init(_ element: ElementType, _ extent: TensorExtent) {
    self.element = element
    self.extent = extent
  }

  package var elementCount: Int { extent.elementCount }
  package var byteCount: Int { elementCount * element.byteCount }

  /// Bytes of the part that so many images fill.
  package func byteCount(images: Int) -> Int {
    TensorType(element, extent.with(batch: images)).byteCount
  }

  /// Extents of a tensor that is stored, in PyTorch's order: convolutions O, I, H, W; linear layers out, in.
  package var pyTorchShape: [Int] {
    switch extent {
    case .filter(let kernelSize, let inChannels, let outChannels):
      [outChannels, inChannels, kernelSize, kernelSize]
    case .matrix(let outFeatures, let height, let width, let channels):
      [outFeatures, channels * height * width]
    case .vector(let count): [count]
    case .images, .labels, .metrics:
      preconditionFailure("only parameters and statistics are stored")
    }
  }

  /// The extents of an image batch; traps for anything else.
  package var shape: Shape {
    guard case .images(let shape) = extent else {
      preconditionFailure("the verifier lets only images here")
    }
    return shape
  }
}

extension TensorType {
  /// Activations and their gradients.
  package static func images(_ shape: Shape) -> TensorType { TensorType(.float32, .images(shape)) }

  package static func filter(kernelSize: Int, inChannels: Int, outChannels: Int) -> TensorType {
    TensorType(
      .float32, .filter(kernelSize: kernelSize, inChannels: inChannels, outChannels: outChannels))
  }

  package static func matrix(outFeatures: Int, height: Int, width: Int, channels: Int) -> TensorType {
    TensorType(
      .float32, .matrix(outFeatures: outFeatures, height: height, width: width, channels: channels))
  }

  package static func vector(_ count: Int) -> TensorType { TensorType(.float32, .vector(count)) }
  package static func labels(batch: Int) -> TensorType { TensorType(.int32, .labels(batch: batch)) }

  /// One byte an output of a max-pool: which element of the window won, row major.
  package static func windowIndices(_ shape: Shape) -> TensorType { TensorType(.uint8, .images(shape)) }

  package static let metrics = TensorType(.float32, .metrics)
}

extension TensorType: CustomStringConvertible {
  package var description: String { "\(element.rawValue) \(extent)" }
}

extension TensorExtent: CustomStringConvertible {
  package var description: String {
    switch self {
    case .images(let shape): "\(shape)"
    case .filter(let kernelSize, let inChannels, let outChannels):
      "\(kernelSize)x\(kernelSize)x\(inChannels)x\(outChannels)"
    case .matrix(let outFeatures, let height, let width, let channels):
      "\(outFeatures)x\(height * width * channels)"
    case .vector(let count): "\(count)"
    case .labels(let batch): "\(batch)"
    case .metrics: "4"
    }
  }
}
