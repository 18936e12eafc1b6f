package import GraphIR

/// Where an element of a tensor lies in PyTorch's order of the same tensor: convolutions O, I, H, W; linear layers out,
/// in, with the input's features in channel, height, width order. Weights are drawn, stored and loaded in that order.
package struct PyTorchLayout: Sendable {
  /// As the model file states it.
  package let shape: [Int]
  package let elementCount: Int
  /// Theirs is `[outer, channels, area]`, contiguous. Ours has the same three extents with these strides.
  private let channels, area: Int
  private let outerStride, channelStride, areaStride: Int

  package init(_ type: TensorType) {
    elementCount = type.elementCount
    shape = type.pyTorchShape
    switch type.extent {
    case .filter(let kernelSize, let inChannels, let outChannels):
      (channels, area) = (inChannels, kernelSize * kernelSize)
      (outerStride, channelStride, areaStride) = (1, outChannels, inChannels * outChannels)
    case .matrix(_, let height, let width, let channels):
      (self.channels, area) = (channels, height * width)
      (outerStride, channelStride, areaStride) = (channels * height * width, 1, channels)
    case .vector:
      (channels, area) = (1, 1)
      (outerStride, channelStride, areaStride) = (1, 1, 1)
    case .images, .labels, .metrics:
      preconditionFailure("only parameters and statistics have one")
    }
  }

  /// Calls `body` with the place in our memory of each element of a range of PyTorch's order, in that order.
  package func forEachElement(in range: Range<Int>, _ body: (_ ours: Int) -> Void) {
    precondition(range.lowerBound >= 0 && range.upperBound <= elementCount, "a part of the tensor")
    let (row, position) = range.lowerBound.quotientAndRemainder(dividingBy: area)
    var (outer, channel) = row.quotientAndRemainder(dividingBy: channels)
    var element = position
    for _ in range {
      body(outer * outerStride + channel * channelStride + element * areaStride)
      element += 1
      guard element == area else { continue }
      element = 0
      channel += 1
      guard channel == channels else { continue }
      channel = 0
      outer += 1
    }
  }
}
