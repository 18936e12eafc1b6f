/// Everything that the size of a 2-D convolution depends on: images `[batch, height, width, inChannels]` (NHWC) to
/// `[batch, outHeight, outWidth, outChannels]`, square kernel, equal stride and zero padding in both directions.
package struct ConvolutionGeometry: Hashable, Sendable {
  package var batch, height, width, inChannels: Int
  package var outChannels, kernelSize, stride, padding: Int

  package init(
    batch: Int, height: Int, width: Int, inChannels: Int, outChannels: Int, kernelSize: Int, stride: Int,
    padding: Int
  ) {
    self.batch = batch
    self.height = height
    self.width = width
    self.inChannels = inChannels
    self.outChannels = outChannels
    self.kernelSize = kernelSize
    self.stride = stride
    self.padding = padding
  }

  package var outHeight: Int { (height + 2 * padding - kernelSize) / stride + 1 }
  package var outWidth: Int { (width + 2 * padding - kernelSize) / stride + 1 }
  /// Rows of the output as a matrix `[rows, outChannels]`.
  package var outRows: Int { batch * outHeight * outWidth }
  package var inRows: Int { batch * height * width }
  /// Columns of im2col's matrix: one output's receptive field, kernel row, kernel column, channel.
  package var patchSize: Int { kernelSize * kernelSize * inChannels }

  /// Rows of the kernel that meet the image for some output; the others see nothing but padding. All, unless images are lower than
  /// kernels.
  package var liveKernelRows: Range<Int> {
    let first = min(kernelSize, max(0, padding - (outHeight - 1) * stride))
    let end = min(kernelSize, padding + height)
    return first < end ? first..<end : 0..<kernelSize
  }
  /// Columns of im2col's matrix that hold more than padding: those of `liveKernelRows`.
  package var livePatchColumns: Range<Int> {
    let run = kernelSize * inChannels
    return liveKernelRows.lowerBound * run..<liveKernelRows.upperBound * run
  }

  /// Multiply-adds of the forward product, padding included, the whole batch.
  package var multiplyAdds: Int { outRows * patchSize * outChannels }
}
