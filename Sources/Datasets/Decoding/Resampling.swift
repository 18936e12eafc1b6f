internal import Glibc

/// A box of an image, resized to `outWidth` x `outHeight`, of which some columns and rows are kept: Pillow's bilinear filter on
/// bytes, to the byte.
///
/// A pixel is the mean of those around it, weighted by a triangle that is as wide as the scale where an image shrinks. Weights are
/// rounded to 22 bits; columns are mixed first, and rounded to bytes; then rows. Nothing outside the box is looked at.
struct Resampling: Hashable, Sendable {
  var box: PixelBox
  var outWidth, outHeight: Int
  var columns, rows: Range<Int>

  private static let weightBits: Int32 = 22
  private static let half: Int32 = 1 << 21

  /// Pixels that may share in one.
  private static func tapCount(_ size: Int, to outSize: Int) -> Int {
    Int(max(Double(size) / Double(outSize), 1).rounded(.up)) * 2 + 1
  }

  private var columnTaps: Int { Self.tapCount(box.width, to: outWidth) }
  private var rowTaps: Int { Self.tapCount(box.height, to: outHeight) }

  /// Bytes of `scratch`: first and count of the pixels that share in each column and row with their weights, and the
  /// rows that were mixed along.
  func scratchByteCount(channels: Int) -> Int {
    let words = columns.count * (2 + columnTaps) + rows.count * (2 + rowTaps)
    return 4 * words + sourceRows.count * columns.count * channels + 1
  }

  /// Rows of the box that any kept row is made of.
  private var sourceRows: Range<Int> {
    let first = Self.window(rows.lowerBound, of: box.height, to: outHeight)
    let last = Self.window(rows.upperBound - 1, of: box.height, to: outHeight)
    return first.lowerBound..<max(first.upperBound, last.upperBound)
  }

  /// Pixels that share in pixel `index` of the result.
  private static func window(_ index: Int, of size: Int, to outSize: Int) -> Range<Int> {
    let scale = Double(size) / Double(outSize)
    let support = max(scale, 1)
    let center = (Double(index) + 0.5) * scale
    let low = max(0, Int(center - support + 0.5))
    let high = min(size, Int(center + support + 0.5))
    return low..<max(low, high)
  }

  /// Weights of some pixels along one direction.
  @safe private struct Taps {
    /// First, count and `stride` weights of each.
    let words: UnsafeMutablePointer<Int32>
    let stride: Int

    init(
      _ kept: Range<Int>, of size: Int, to outSize: Int, stride: Int, in words: UnsafeMutablePointer<Int32>
    ) {
      unsafe self.words = words
      self.stride = stride
      let scale = Double(size) / Double(outSize)
      let inverse = 1 / max(scale, 1)
      for (position, index) in kept.enumerated() {
        let window = Resampling.window(index, of: size, to: outSize)
        let center = (Double(index) + 0.5) * scale
        let entry = unsafe words + position * (stride + 2)
        unsafe entry[0] = Int32(window.lowerBound)
        unsafe entry[1] = Int32(window.count)
        var sum = 0.0
        for x in window { sum += Self.weight(Double(x) - center + 0.5, inverse) }
        for (tap, x) in window.enumerated() {
          let weight = Self.weight(Double(x) - center + 0.5, inverse) / sum
          unsafe entry[2 + tap] = Int32(weight * Double(1 << Resampling.weightBits) + 0.5)
        }
      }
    }

    @inline(__always)
    private static func weight(_ distance: Double, _ inverse: Double) -> Double {
      max(0, 1 - abs(distance * inverse))
    }

    @inline(__always)
    func entry(_ position: Int) -> UnsafeMutablePointer<Int32> { unsafe words + position * (stride + 2) }
  }

  /// - Parameters:
  ///   - source: the image the box is of, rows of `width` pixels without gaps; a byte behind it can be read.
  ///   - target: rows of the kept columns without gaps.
  ///   - scratch: of `scratchByteCount(channels:)` bytes, at a multiple of 4.
  /// - Complexity: about (taps along) x (rows of the box) + (taps down) x (kept rows) multiply-adds a kept column and channel.
  @unsafe func run(
    _ source: UnsafePointer<UInt8>, width: Int, channels: Int, into target: UnsafeMutablePointer<UInt8>,
    scratch: UnsafeMutableRawPointer
  ) {
    let words = unsafe scratch.assumingMemoryBound(to: Int32.self)
    let along = unsafe Taps(columns, of: box.width, to: outWidth, stride: columnTaps, in: words)
    let downWords = unsafe words + columns.count * (2 + columnTaps)
    let down = unsafe Taps(rows, of: box.height, to: outHeight, stride: rowTaps, in: downWords)
    let rowCount = columns.count * channels
    let mixed = unsafe UnsafeMutableRawPointer(downWords + rows.count * (2 + rowTaps))
      .assumingMemoryBound(to: UInt8.self)
    let sourceRows = sourceRows
    for row in sourceRows {
      let line = unsafe source + ((box.top + row) * width + box.left) * channels
      let place = unsafe mixed + (row - sourceRows.lowerBound) * rowCount
      if channels == 3 {
        unsafe mixColours(line, along, into: place)
      } else {
        unsafe mixGrey(line, along, into: place)
      }
    }
    for position in 0..<rows.count {
      let entry = unsafe down.entry(position)
      let first = unsafe mixed + (Int(entry[0]) - sourceRows.lowerBound) * rowCount
      let line = unsafe target + position * rowCount
      var x = 0
      while x + 16 <= rowCount {
        var sums = Sums<SIMD16<Int32>>()
        for tap in 0..<Int(unsafe entry[1]) {
          let bytes = unsafe UnsafeRawPointer(first + (tap &* rowCount &+ x)).loadUnaligned(
            as: SIMD16<UInt8>.self)
          unsafe sums.add(SIMD16<Int32>(truncatingIfNeeded: bytes), weight: entry[2 &+ tap])
        }
        let bytes = SIMD16<UInt8>(truncatingIfNeeded: sums.bytes)
        unsafe UnsafeMutableRawPointer(line + x).storeBytes(of: bytes, as: SIMD16<UInt8>.self)
        x &+= 16
      }
      while x < rowCount {
        var sum = Self.half
        for tap in 0..<Int(unsafe entry[1]) {
          unsafe sum &+= Int32(first[tap &* rowCount &+ x]) &* entry[2 &+ tap]
        }
        unsafe line[x] = Self.byte(sum)
        x &+= 1
      }
    }
  }

  /// Sums of bytes times weights, exact. No weight is negative and all of a pixel add up to one, so that the result is a byte. Weights are split in two of 12 bits and fewer: products of small numbers are what every
  /// processor has in vectors, products of 32 bits are not.
  private struct Sums<Lanes: SIMD> where Lanes.Scalar == Int32 {
    private var high = Lanes.zero
    private var low = Lanes(repeating: Resampling.half)

    @inline(__always)
    mutating func add(_ bytes: Lanes, weight: Int32) {
      high &+= bytes &* Lanes(repeating: (weight &>> 12) & 0x7FF)
      low &+= bytes &* Lanes(repeating: weight & 0xFFF)
    }

    @inline(__always)
    var bytes: Lanes {
      ((high &<< 12) &+ low) &>> Resampling.weightBits
    }
  }

  private func mixColours(_ line: UnsafePointer<UInt8>, _ taps: Taps, into place: UnsafeMutablePointer<UInt8>)
  {
    for x in 0..<columns.count {
      let entry = unsafe taps.entry(x)
      // Red, green, blue and the byte behind them, which nobody looks at.
      var sums = Sums<SIMD4<Int32>>()
      let first = unsafe UnsafeRawPointer(line + 3 * Int(entry[0]))
      let count = unsafe Int(entry[1])
      for tap in 0..<count {
        let bytes = unsafe first.loadUnaligned(fromByteOffset: 3 &* tap, as: SIMD4<UInt8>.self)
        unsafe sums.add(SIMD4<Int32>(truncatingIfNeeded: bytes), weight: entry[2 &+ tap])
      }
      // The fourth byte is the next pixel's first, or the next row's, which come later.
      let pixel = SIMD4<UInt8>(truncatingIfNeeded: sums.bytes)
      unsafe UnsafeMutableRawPointer(place + 3 &* x).storeBytes(of: pixel, as: SIMD4<UInt8>.self)
    }
  }

  private func mixGrey(_ line: UnsafePointer<UInt8>, _ taps: Taps, into place: UnsafeMutablePointer<UInt8>) {
    for x in 0..<columns.count {
      let entry = unsafe taps.entry(x)
      var sum = Self.half
      let first = unsafe line + Int(entry[0])
      for tap in 0..<Int(unsafe entry[1]) { unsafe sum &+= Int32(first[tap]) &* entry[2 + tap] }
      unsafe place[x] = Self.byte(sum)
    }
  }

  @inline(__always)
  private static func byte(_ sum: Int32) -> UInt8 {
    UInt8(truncatingIfNeeded: sum &>> weightBits)
  }
}
