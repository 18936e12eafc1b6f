internal import CostModel

/// Every `stride`-th element in both directions, then zeros up to `outChannels`: ResNet's shortcut without parameters.
/// `x` is `[batch, height, width, channels]`, `y` `[batch, ceil(height/stride), ceil(width/stride), outChannels]`.
package func subsampleForward(
  x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, batch: Int, height: Int, width: Int, channels: Int,
  stride: Int, outChannels: Int, context: KernelContext
) {
  let outHeight = (height + stride - 1) / stride
  let outWidth = (width + stride - 1) / stride
  context.workers.forEach(batch) { image, _ in
    for row in 0..<outHeight {
      let source = x + (image * height + row * stride) * width * channels
      let target = y + (image * outHeight + row) * outWidth * outChannels
      for column in 0..<outWidth {
        let place = target + column * outChannels
        place.update(from: source + column * stride * channels, count: channels)
        (place + channels).update(repeating: 0, count: outChannels - channels)
      }
    }
  }
}

/// The adjoint of `subsampleForward`: gradients where an element was taken, zero elsewhere.
package func subsampleBackward(
  dy: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>, batch: Int, height: Int, width: Int,
  channels: Int,
  stride: Int, outChannels: Int, context: KernelContext
) {
  let outHeight = (height + stride - 1) / stride
  let outWidth = (width + stride - 1) / stride
  context.workers.forEach(batch) { image, _ in
    (dx + image * height * width * channels).update(repeating: 0, count: height * width * channels)
    for row in 0..<outHeight {
      let target = dx + (image * height + row * stride) * width * channels
      let source = dy + (image * outHeight + row) * outWidth * outChannels
      for column in 0..<outWidth {
        (target + column * stride * channels).update(from: source + column * outChannels, count: channels)
      }
    }
  }
}
