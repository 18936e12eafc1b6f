internal import Glibc

/// How an image of any size becomes one of a network's size, as torchvision does it: `Resize(resize)` and `CenterCrop`, or
/// `RandomResizedCrop`, with Pillow's bilinear filter, antialiased, on bytes.
package struct ImageTransform: Hashable, Sendable {
  /// What a network reads.
  package var target: ImageDimensions
  /// The shorter side, before the crop; at least the target's longer side.
  package var resize: Int
  /// Whether a JPEG file may be decoded at half, a quarter or an eighth of its size where that is still as large as
  /// `resize`: faster, with other pixels.
  package var decodesScaled: Bool

  /// - Precondition: 1 channel or 3, and `resize` is at least as large as either side.
  package init(target: ImageDimensions, resize: Int, decodesScaled: Bool = false) {
    precondition(target.channels == 1 || target.channels == 3, "images are grey, or red, green and blue")
    precondition(resize >= max(target.width, target.height), "a crop lies inside the image")
    self.target = target
    self.resize = resize
    self.decodesScaled = decodesScaled
  }

  /// What the JPEG decoder is asked to divide both sides by.
  func scale(_ header: ImageHeader) -> Int {
    guard decodesScaled, header.format == .jpeg else { return 1 }
    var factor = 1
    while factor < 8, min(header.width, header.height).dividedUp(by: 2 * factor) >= resize { factor *= 2 }
    return factor
  }

  /// The whole image made `resize` pixels short, and the middle of it.
  ///
  /// torchvision cuts the longer side's fraction off, and rounds the crop's corner to even.
  func center(width: Int, height: Int) -> Resampling {
    let (outWidth, outHeight) =
      width <= height ? (resize, resize * height / width) : (resize * width / height, resize)
    let left = Int((Double(outWidth - target.width) / 2).rounded(.toNearestOrEven))
    let top = Int((Double(outHeight - target.height) / 2).rounded(.toNearestOrEven))
    return Resampling(
      box: PixelBox(left: 0, top: 0, width: width, height: height), outWidth: outWidth, outHeight: outHeight,
      columns: left..<left + target.width, rows: top..<top + target.height)
  }

  /// A box of the image made the target's size.
  func fitted(_ box: PixelBox) -> Resampling {
    Resampling(
      box: box, outWidth: target.width, outHeight: target.height, columns: 0..<target.width,
      rows: 0..<target.height)
  }
}

/// A rectangle of an image.
struct PixelBox: Hashable, Sendable {
  var left, top, width, height: Int
}

/// torchvision's `RandomResizedCrop`: a box of random area and shape.
package struct RandomResizedCrop: Hashable, Sendable {
  /// Of the image's area, smallest and largest.
  package var scale: ClosedRange<Double>
  /// Width by height; its logarithm is uniform.
  package var ratio: ClosedRange<Double>

  package init(scale: ClosedRange<Double> = 0.08...1, ratio: ClosedRange<Double> = 3.0 / 4...4.0 / 3) {
    self.scale = scale
    self.ratio = ratio
  }

  /// - Parameter uniform: numbers in [0, 1), four a try, ten tries.
  func box(width: Int, height: Int, uniform: (Int) -> Double) -> PixelBox {
    let area = Double(width * height)
    let (low, high) = (log(ratio.lowerBound), log(ratio.upperBound))
    for attempt in 0..<Self.attempts {
      func drawn(_ index: Int) -> Double { uniform(4 * attempt + index) }
      let wanted = area * (scale.lowerBound + (scale.upperBound - scale.lowerBound) * drawn(0))
      let shape = exp(low + (high - low) * drawn(1))
      let boxWidth = Int((wanted * shape).squareRoot().rounded(.toNearestOrEven))
      let boxHeight = Int((wanted / shape).squareRoot().rounded(.toNearestOrEven))
      guard boxWidth > 0, boxWidth <= width, boxHeight > 0, boxHeight <= height else { continue }
      return PixelBox(
        left: Int(drawn(3) * Double(width - boxWidth + 1)),
        top: Int(drawn(2) * Double(height - boxHeight + 1)),
        width: boxWidth, height: boxHeight)
    }
    // The middle, as large as the shapes allow.
    var (boxWidth, boxHeight) = (width, height)
    let shape = Double(width) / Double(height)
    if shape < ratio.lowerBound {
      boxHeight = max(1, Int((Double(width) / ratio.lowerBound).rounded(.toNearestOrEven)))
    } else if shape > ratio.upperBound {
      boxWidth = max(1, Int((Double(height) * ratio.upperBound).rounded(.toNearestOrEven)))
    }
    return PixelBox(
      left: (width - boxWidth) / 2, top: (height - boxHeight) / 2, width: boxWidth, height: boxHeight)
  }

  static let attempts = 10
}

extension Int {
  func dividedUp(by divisor: Int) -> Int { (self + divisor - 1) / divisor }
}
