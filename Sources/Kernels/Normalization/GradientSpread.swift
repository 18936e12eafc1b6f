/// A gradient of averages that is read as that of the pixels which they are averages of: every pixel lies in one window, whose
/// gradient divided by its area is the pixel's. What `averagePoolBackward` would write, without the memory for it.
package struct GradientSpread: Hashable, Sendable {
  private let height, width, outHeight, outWidth: Int

  /// Windows beside each other cover the image: its extents are multiples of the averages'.
  package init(height: Int, width: Int, outHeight: Int, outWidth: Int) {
    precondition(height % outHeight == 0 && width % outWidth == 0, "every pixel lies in one window")
    self.height = height
    self.width = width
    self.outHeight = outHeight
    self.outWidth = outWidth
  }

  /// One divided by a window's area.
  var factor: Float { 1 / Float(height / outHeight * (width / outWidth)) }

  /// The row of averages [batch, outHeight, outWidth] that a row of pixels [batch, height, width] is in.
  @inline(__always)
  func averages(ofRow row: Int) -> Int {
    let (line, column) = row.quotientAndRemainder(dividingBy: width)
    let (image, i) = line.quotientAndRemainder(dividingBy: height)
    return (image &* outHeight &+ i / (height / outHeight)) &* outWidth &+ column / (width / outWidth)
  }
}

/// How a kernel finds the gradient that belongs to a row of its input. Kernels are generic over it, as over activations.
protocol GradientRows {
  /// The first float of the gradient of row `row`.
  func start(ofRow row: Int) -> Int
  func value(_ gradient: Float) -> Float
  func value(_ gradient: Vector) -> Vector
}

/// A gradient of the input's own shape.
struct OwnRows: GradientRows {
  let channels: Int

  @inline(__always) func start(ofRow row: Int) -> Int { row &* channels }
  @inline(__always) func value(_ gradient: Float) -> Float { gradient }
  @inline(__always) func value(_ gradient: Vector) -> Vector { gradient }
}

/// A gradient of averages.
struct SpreadRows: GradientRows {
  let channels: Int
  let spread: GradientSpread
  let factor: Float
  /// The row of all pixels that is the kernel's row 0.
  let firstRow: Int

  init(_ spread: GradientSpread, channels: Int, firstRow: Int) {
    self.spread = spread
    self.channels = channels
    self.firstRow = firstRow
    factor = spread.factor
  }

  @inline(__always)
  func start(ofRow row: Int) -> Int { spread.averages(ofRow: firstRow &+ row) &* channels }
  @inline(__always) func value(_ gradient: Float) -> Float { gradient * factor }
  @inline(__always) func value(_ gradient: Vector) -> Vector { gradient * factor }
}
