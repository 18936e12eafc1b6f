/// Extents of a batch of feature maps, stored NHWC: channels innermost. A row of features (after a linear layer) is a
/// image of 1x1.
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
  package var elementsPerImage: Int { height * width * channels }

  package func with(height: Int? = nil, width: Int? = nil, channels: Int? = nil) -> Shape {
    Shape(
      batch: batch, height: height ?? self.height, width: width ?? self.width,
      channels: channels ?? self.channels)
  }
}

extension Shape: CustomStringConvertible {
  package var description: String { "\(batch)x\(height)x\(width)x\(channels)" }
}
