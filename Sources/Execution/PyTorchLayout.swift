package import GraphIR

/// Where an element of a tensor lies in PyTorch's order of the same tensor: convolutions O, I, H, W; linear layers out,
/// in, with the input's features in channel, height, width order. Weights are drawn, stored and loaded in that order.
package struct PyTorchLayout: Sendable {
  /// As the model file states it.
  package let shape: [Int]
  private let type: TensorType

  package init(_ type: TensorType) {
    self.type = type
    switch type {
    case .filter(let kernelSize, let inChannels, let outChannels):
      shape = [outChannels, inChannels, kernelSize, kernelSize]
    case .matrix(let outFeatures, let height, let width, let channels):
      shape = [outFeatures, channels * height * width]
    case .vector(let count): shape = [count]
    case .pictures, .labels, .windowIndices, .metrics:
      preconditionFailure("only parameters and statistics have one")
    }
  }

  /// Slices along the first extent: what is converted at a time, so that no whole tensor is ever copied.
  package var sliceCount: Int {
    switch type {
    case .filter, .matrix: shape[0]
    case .vector, .pictures, .labels, .windowIndices, .metrics: 1
    }
  }

  package var sliceElementCount: Int { type.elementCount / sliceCount }

  /// Calls `body` with each element of a slice: its index in our memory and its index inside the slice in PyTorch's.
  @inlinable
  package func forEachElement(ofSlice slice: Int, _ body: (_ ours: Int, _ theirs: Int) -> Void) {
    switch storage {
    case .filter(let area, let inChannels, let outChannels):
      for channel in 0..<inChannels {
        for position in 0..<area {
          body((position * inChannels + channel) * outChannels + slice, channel * area + position)
        }
      }
    case .matrix(let area, let channels):
      let row = slice * area * channels
      for channel in 0..<channels {
        for position in 0..<area { body(row + position * channels + channel, channel * area + position) }
      }
    case .vector(let count):
      for index in 0..<count { body(index, index) }
    }
  }

  @usableFromInline package enum Storage {
    case filter(area: Int, inChannels: Int, outChannels: Int)
    case matrix(area: Int, channels: Int)
    case vector(count: Int)
  }

  @usableFromInline package var storage: Storage {
    switch type {
    case .filter(let kernelSize, let inChannels, let outChannels):
      .filter(area: kernelSize * kernelSize, inChannels: inChannels, outChannels: outChannels)
    case .matrix(_, let height, let width, let channels): .matrix(area: height * width, channels: channels)
    case .vector(let count): .vector(count: count)
    case .pictures, .labels, .windowIndices, .metrics:
      preconditionFailure("only parameters and statistics have one")
    }
  }
}
