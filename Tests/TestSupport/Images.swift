/// A batch of images in Double, `[batch, height, width, channels]` (NHWC): what the reference computes on.
///
/// A matrix `[rows, channels]` is a batch of 1x1 images.
package struct Images: Hashable, Sendable {
  package let batch, height, width, channels: Int
  package var values: [Double]

  /// Traps when the values do not fill the shape.
  package init(batch: Int, height: Int, width: Int, channels: Int, values: [Double]) {
    precondition(values.count == batch * height * width * channels, "values do not fill the images")
    self.batch = batch
    self.height = height
    self.width = width
    self.channels = channels
    self.values = values
  }

  package init(batch: Int, height: Int, width: Int, channels: Int, repeating value: Double = 0) {
    self.init(
      batch: batch, height: height, width: width, channels: channels,
      values: Array(repeating: value, count: batch * height * width * channels))
  }

  /// A matrix `[rows, channels]`.
  package init(rows: Int, channels: Int, values: [Double]) {
    self.init(batch: rows, height: 1, width: 1, channels: channels, values: values)
  }

  /// Rows of the images as a matrix `[rows, channels]`.
  package var rows: Int { batch * height * width }
  package var floats: [Float] { values.map { Float($0) } }

  package subscript(n: Int, i: Int, j: Int, c: Int) -> Double {
    get { values[index(n, i, j, c)] }
    set { values[index(n, i, j, c)] = newValue }
  }

  package subscript(row: Int, c: Int) -> Double {
    get { values[row * channels + c] }
    set { values[row * channels + c] = newValue }
  }

  /// The same shape around other values.
  package func with(values: [Double]) -> Images {
    Images(batch: batch, height: height, width: width, channels: channels, values: values)
  }

  private func index(_ n: Int, _ i: Int, _ j: Int, _ c: Int) -> Int {
    ((n * height + i) * width + j) * channels + c
  }
}

extension Images {
  /// Every `stride`-th row and column; channels that are more than there were are zero (He et al., 2016, option A).
  package func subsampled(stride: Int, channels: Int) -> Images {
    var y = Images(
      batch: batch, height: (height + stride - 1) / stride, width: (width + stride - 1) / stride,
      channels: channels)
    for n in 0..<batch {
      for i in 0..<y.height {
        for j in 0..<y.width {
          for c in 0..<self.channels { y[n, i, j, c] = self[n, i * stride, j * stride, c] }
        }
      }
    }
    return y
  }
}
